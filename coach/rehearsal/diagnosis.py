"""Why a prompt could not be read from the cache of the request before it, as the API's diagnostics tell it.

Like there, requests are compared, not caches: an entry that has run out is no difference.
"""

from __future__ import annotations

from dataclasses import dataclass

from coach.engine.cache import CacheUse
from coach.rehearsal.asked import LEVELS, Asked, Json, bare_pieces

Level = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A request's parts without their settings, and the keys of its prompt with them."""

    model: str
    tokens: int
    levels: dict[str, Level]
    keys: tuple[bytes, ...]

    @classmethod
    def of(cls, asked: Asked) -> Fingerprint:
        """Of this request."""
        levels: dict[str, list[str]] = {level: [] for level in LEVELS}
        for level, text in bare_pieces(asked.body):
            levels[level].append(text)
        return cls(
            asked.model.name,
            asked.prompt.tokens,
            {level: tuple(texts) for level, texts in levels.items()},
            asked.prompt.prefix_keys(),
        )


def diagnosis(before: Fingerprint | None, now: Fingerprint, use: CacheUse) -> Json | None:
    """`diagnostics` of an answer; None where the request only goes on from the one before."""
    if before is None:
        return {"cache_miss_reason": {"type": "previous_message_not_found"}}
    reason = _reason(before, now)
    if reason is None:
        return None
    found: Json = {"type": reason}
    if reason != "unavailable":
        found["cache_missed_input_tokens"] = max(0, before.tokens - use.read)
    return {"cache_miss_reason": found}


def _reason(before: Fingerprint, now: Fingerprint) -> str | None:
    if before.model != now.model:
        return "model_changed"
    for level in ("tools", "system"):
        if before.levels[level] != now.levels[level]:
            return f"{level}_changed"
    earlier = before.levels["messages"]
    if now.levels["messages"][: len(earlier)] != earlier:
        return "messages_changed"
    return None if now.keys[: len(before.keys)] == before.keys else "unavailable"
