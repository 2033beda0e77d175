"""The provider behind the server: caches, time, and answers as they come out of it token by token."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate, islice
from typing import Any

from coach.engine.cache import CacheUse, Pending, PrefixCache, lay
from coach.engine.timing import TIERS, Tier, time_to_first_token
from coach.rehearsal.asked import Asked, Json
from coach.rehearsal.diagnosis import Fingerprint, diagnosis
from coach.rehearsal.faults import STOPS, Fault
from coach.rehearsal.measures import CHARACTERS, Measure
from coach.rehearsal.models import LOOKUP, LOOKUP_TIER
from coach.rehearsal.words import Say

STEP_SECONDS = 0.02
"""Where deltas have no stated size, tokens of so many real seconds leave in one."""
REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the answer. `tokens` are all up to its end; `due_at` is of the provider's clock."""

    kind: str
    text: str
    tokens: int
    due_at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What will be said, cut into tokens, bounded by `max_tokens`. `thinking` is None where there is none."""

    message_id: str
    asked: Asked
    tier: Tier
    pending: Pending
    begins_at: float
    thinking: tuple[str, ...]
    text: tuple[str, ...]
    stop_reason: str
    stop_sequence: str | None
    diagnostics: Json | None

    @property
    def use(self) -> CacheUse:
        return self.pending.use

    def message(self) -> Json:
        """The message before its content."""
        return {
            "id": self.message_id,
            "type": "message",
            "role": "assistant",
            "model": self.asked.model.name,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "stop_details": None,
            "diagnostics": self.diagnostics,
            "usage": self.usage(0),
        }

    def usage(self, output: int) -> Json:
        """Tokens as the API names them, after so many of output."""
        return usage_of(self.use, output, min(output, len(self.thinking)))


def _before_stop(asked: Asked, said: Say) -> tuple[Say, str | None]:
    """What is said before the first of the caller's stop sequences, and which that is."""
    found = [
        (place, each)
        for each in asked.body.get("stop_sequences") or []
        if (place := said.text.find(str(each))) >= 0
    ]
    if not found:
        return said, None
    place, sequence = min(found)
    return replace(said, text=said.text[:place], stop_reason="stop_sequence"), sequence


def usage_of(use: CacheUse, output: int, thinking: int = 0) -> Json:
    """Tokens as the API names them."""
    lives = {f"ephemeral_{ttl}_input_tokens": tokens for ttl, tokens in use.written_by_ttl.items()}
    return {
        "input_tokens": use.fresh,
        "cache_creation_input_tokens": use.written,
        "cache_read_input_tokens": use.read,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0, **lives},
        "output_tokens": output,
        "output_tokens_details": {"thinking_tokens": thinking},
        "service_tier": "standard",
    }


@dataclass(kw_only=True)
class Provider:
    """`scale`: seconds of the provider's own in a second of the clock.

    `delta_tokens`: tokens of one delta; 0 means as many as STEP_SECONDS bring. `clock` gives real seconds.
    `gate`: no answer begins while it is closed, however long ago it was due.
    Raises ValueError for a scale that is not above zero.
    """

    scale: float = 1.0
    measure: Measure = CHARACTERS
    tiers: Mapping[str, Tier] = field(default_factory=lambda: TIERS)
    delta_tokens: int = 4
    clock: Callable[[], float] = time.monotonic
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    _caches: dict[str, PrefixCache] = field(default_factory=dict)
    _asked: OrderedDict[str, Fingerprint] = field(default_factory=OrderedDict)

    def __post_init__(self) -> None:
        if self.scale <= 0:
            raise ValueError(f"A scale of {self.scale:g} lets no time pass; it has to be above zero.")
        self.gate.set()

    def now(self) -> float:
        """The provider's seconds, from any zero."""
        return self.clock() * self.scale

    def begin(self, asked: Asked, said: Say, came_at: float, fault: Fault | None) -> Answer:
        """The request reaches the model: what it reads of the cache is decided now."""
        model = asked.model
        tier = LOOKUP_TIER if model.name == LOOKUP else self.tiers[model.tier]
        cache = self._caches.setdefault(model.rules.name, PrefixCache(model.rules))
        pending = cache.begin(lay(asked.prompt, model.rules), self.now(), model.name)
        use = pending.use
        said, sequence = _before_stop(asked, said)
        thinking, text, reason = self._cut(asked, said)
        if fault is not None and fault.name in STOPS:
            text, reason = self._stopped(tier, text, fault, at_start=not thinking), STOPS[fault.name]
        message_id = f"msg_rehearsal_{secrets.token_hex(8)}"
        return Answer(
            message_id=message_id,
            asked=asked,
            tier=tier,
            pending=pending,
            begins_at=came_at + time_to_first_token(tier, fresh=use.fresh + use.written, read=use.read),
            thinking=thinking,
            text=text,
            stop_reason=reason,
            stop_sequence=sequence if reason == "stop_sequence" else None,
            diagnostics=self._diagnosed(asked, use, message_id),
        )

    def begun(self, answer: Answer) -> None:
        """The response begins: what it wrote can be read from here on."""
        self._caches[answer.asked.model.rules.name].finish(answer.pending, self.now())

    def _cut(self, asked: Asked, said: Say) -> tuple[tuple[str, ...], tuple[str, ...], str]:
        thinking, text = self.measure.cut(said.thinking), self.measure.cut(said.text)
        most = asked.max_tokens
        whole = len(thinking) + len(text) <= most and most > 0
        reason = (said.stop_reason or "end_turn") if whole else "max_tokens"
        return tuple(thinking[:most]), tuple(text[: max(0, most - len(thinking))]), reason

    def _stopped(self, tier: Tier, text: tuple[str, ...], fault: Fault, *, at_start: bool) -> tuple[str, ...]:
        """As much as comes in the deltas before the fault."""
        return text[: sum(islice(self._sizes(len(text), tier, at_start=at_start), fault.after))]

    def deltas(self, answer: Answer) -> Iterator[Delta]:
        """Thinking, then text, each when its last token has been decoded."""
        sent = 0
        for kind, tokens in (("thinking", answer.thinking), ("text", answer.text)):
            ends = accumulate(self._sizes(len(tokens), answer.tier, at_start=not sent), initial=0)
            start = 0
            for end in ends:
                if end > start:
                    sent += end - start
                    yield Delta(kind, "".join(tokens[start:end]), sent, self._due(answer, sent))
                start = end

    def _due(self, answer: Answer, tokens: int) -> float:
        """The first token is there when the answer begins; the last when all have been decoded."""
        return answer.begins_at + (tokens if tokens > 1 else 0) / answer.tier.decode_tokens_per_second

    def _sizes(self, tokens: int, tier: Tier, *, at_start: bool) -> Iterator[int]:
        step = self.delta_tokens or max(1, int(STEP_SECONDS * self.scale * tier.decode_tokens_per_second))
        size = 1 if at_start and tier is not LOOKUP_TIER else step
        while tokens > 0:
            yield min(size, tokens)
            tokens -= size
            size = step

    def _diagnosed(self, asked: Asked, use: CacheUse, message_id: str) -> Json | None:
        wanted: Any = asked.body.get("diagnostics")
        if wanted is None:
            return None
        mine = Fingerprint.of(asked)
        previous = wanted.get("previous_message_id")
        self._asked[message_id] = mine
        if len(self._asked) > REMEMBERED:
            self._asked.popitem(last=False)
        return None if previous is None else diagnosis(self._asked.get(previous), mine, use)
