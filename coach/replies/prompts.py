"""The coach's own prompts, laid out as its lessons teach: stable first, breakpoints, history only appended.

    instructions (fixed) | glossary | lesson, exercise (shared) | earlier turns (session) | this turn (call)

Everybody shares the first part, a class at the same exercise the first three, and a conversation all that was
sent before, byte for byte. Tokens are estimates; what a call really took is reported by the provider.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

from coach.engine.pricing import Price
from coach.engine.prompt import Block, Prompt, Stability, estimate_tokens
from coach.engine.warming import Strategy, expected_warming
from coach.history import CUT_TURNS, left_out
from coach.providers.port import Part

HISTORY_TOKENS = 24_000
"""So much of a conversation is read at most."""

_INVISIBLE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff"
    r"\ud800-\udfff\U000e0000-\U000e007f]"
)
_ANGLES = str.maketrans({"<": "&lt;", ">": "&gt;", "\uff1c": "&lt;", "\uff1e": "&gt;", "&": "&amp;"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """An earlier turn: its message exactly as it was sent, and the reply exactly as it was shown."""

    sent: str
    shown: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What a prompt is made of. `shared`: texts from what most share to what fewest do, by name."""

    instructions: str
    shared: tuple[tuple[str, str], ...]
    call: str
    history: tuple[Exchange, ...] = ()


def clean(text: str) -> str:
    """Text that may be a learner's: it can make no mark of ours, and hides nothing that it says."""
    return _INVISIBLE.sub("", text).translate(_ANGLES).strip()


def learner_block(text: str) -> str:
    """What a learner wrote, as data: no text of theirs can end the block."""
    return f"<learner_text>\n{clean(text)}\n</learner_text>"


def bounded(history: Sequence[Exchange], *, tokens: int = HISTORY_TOKENS) -> tuple[Exchange, ...]:
    """The newest turns that fit. Whole turns go, the oldest first and `CUT_TURNS` at a time, so that the
    turns between two cuts share their prefix."""
    kept = tuple(history[left_out(len(history)) :])
    while kept and _size(kept) > tokens:
        kept = kept[CUT_TURNS:]
    return kept


def _size(history: Sequence[Exchange]) -> int:
    return sum(estimate_tokens(each.sent) + estimate_tokens(each.shown) for each in history)


def fitted(script: Script, context_tokens: int) -> Script:
    """The script within what a model can read: old turns go first; where the rest is still too long, so does
    what most share, which the lesson mostly repeats."""
    for shared in (script.shared, script.shared[1:]):
        texts = (script.instructions, script.call, *(text for _name, text in shared))
        room = context_tokens - sum(estimate_tokens(text) for text in texts)
        if room > 0:
            history = bounded(script.history, tokens=min(room, HISTORY_TOKENS))
            return replace(script, shared=shared, history=history)
    return replace(script, shared=script.shared[1:], history=())


def laid_out(script: Script, price: Price, *, gaps_seconds: Sequence[float] = ()) -> tuple[Part, ...]:
    """The parts of a call in order, with breakpoints: where everybody's part ends, where the class's part
    ends, and behind the history; none where the prefix is shorter than the model's cache takes.

    `gaps_seconds`: recent pauses between calls of the shared part, for its lifetime.
    """
    shared = [_part("instructions", "system", script.instructions, Stability.FIXED)]
    shared += [_part(name, "system", text, Stability.SHARED) for name, text in script.shared if text]
    history = list(_history_parts(script.history))
    call = _part("call", "user", script.call, Stability.CALL)
    long = lifetime(price, _tokens(shared), gaps_seconds)
    marks = {len(shared) - 2: long, len(shared) - 1: long}
    marks |= {len(shared) + at: "5m" for at in _history_marks(len(history))}
    return _marked([*shared, *history, call], marks, price.rules.minimum_tokens)


def _history_parts(history: Sequence[Exchange]) -> list[Part]:
    parts: list[Part] = []
    for number, each in enumerate(history, start=1):
        parts.append(_part(f"turn {number} asked", "user", each.sent, Stability.SESSION))
        parts.append(_part(f"turn {number} told", "assistant", each.shown, Stability.SESSION))
    return parts


def _history_marks(blocks: int) -> list[int]:
    """Behind the newest turn, and where a long history is cut next: both within the look-back."""
    middle = 2 * CUT_TURNS
    return [at - 1 for at in (middle, blocks) if 0 < at <= blocks]


def _part(name: str, role: str, text: str, stability: Stability) -> Part:
    return Part(name=name, role=role, text=text, stability=stability)  # type: ignore[arg-type]


def _marked(parts: Sequence[Part], marks: dict[int, str], minimum: int) -> tuple[Part, ...]:
    reached, found = 0, []
    for at, part in enumerate(parts):
        reached += estimate_tokens(part.text)
        ttl = marks.get(at) if reached >= minimum else None
        found.append(replace(part, breakpoint=ttl))
    return tuple(found)


def _tokens(parts: Sequence[Part]) -> int:
    return sum(estimate_tokens(part.text) for part in parts)


TYPICAL_GAPS_SECONDS = (15.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 240.0, 420.0, 900.0)
"""Pauses between calls for one lesson, until enough real ones were seen: a learner reads, tries, runs."""
VALUE_OF_SECOND_USD = 0.01
"""What a second less of a learner's waiting is worth: 36 dollars an hour."""
COLD_START_USD = 0.5 * VALUE_OF_SECOND_USD
"""What it is worth to spare a learner one cold start: half a second of waiting."""
ENOUGH_GAPS = 20
_CALLS = 20.0


def lifetime(price: Price, tokens: int, gaps_seconds: Sequence[float] = ()) -> str:
    """How long the shared entry should live ("5m", "1h"): what the engine's warming model finds cheapest."""
    gaps = gaps_seconds if len(gaps_seconds) >= ENOUGH_GAPS else TYPICAL_GAPS_SECONDS
    kinds = [Strategy(kind="none" if ttl == "5m" else "longer_ttl", ttl=ttl) for ttl in price.rules.ttls]
    choice = expected_warming(
        gaps,
        calls=_CALLS,
        prefix_tokens=tokens,
        price=price,
        strategies=kinds,
        cold_start_usd=COLD_START_USD,
    )
    return choice.best.strategy.ttl


def prompt_of(parts: Sequence[Part]) -> Prompt:
    """The parts as the engine reads a prompt; tokens estimated from the text."""
    return Prompt(
        tuple(
            Block(
                name=part.name,
                tokens=estimate_tokens(part.text),
                stability=part.stability,
                fingerprint=blake2b(f"{part.role}\0{part.text}".encode(), digest_size=16).hexdigest(),
                breakpoint=part.breakpoint,
            )
            for part in parts
        )
    )
