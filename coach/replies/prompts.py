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
    shared = _shared_parts(script)
    history = list(_history_parts(script.history))
    call = _part("call", "user", script.call, Stability.CALL)
    ttl = keeping_of(script, price, gaps_seconds).ttl
    marks = {len(shared) - 2: ttl, len(shared) - 1: ttl}
    marks |= {len(shared) + at: "5m" for at in _history_marks(len(history))}
    return _marked([*shared, *history, call], marks, price.rules.minimum_tokens)


def _shared_parts(script: Script) -> list[Part]:
    fixed = _part("instructions", "system", script.instructions, Stability.FIXED)
    return [fixed, *(_part(name, "system", text, Stability.SHARED) for name, text in script.shared if text)]


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


TYPICAL_GAPS_SECONDS = (15.0, 30.0, 45.0, 60.0, 90.0, 120.0, 180.0, 240.0, 420.0, 900.0)
"""Pauses between calls for one lesson, until enough real ones were seen: a learner reads, tries, runs."""
TYPICAL_CALLS = 20.0
GAPS_MIN = 3
"""Of fewer pauses nothing can be concluded."""
VALUE_OF_SECOND_USD = 0.01
"""What a second less of a learner's waiting is worth: 36 dollars an hour."""
COLD_START_USD = 0.5 * VALUE_OF_SECOND_USD
"""What it is worth to spare a learner one cold start: half a second of waiting."""
EVERY_SHARE = 0.8
"""A prefix that is kept alive is touched when it was idle for so much of its lifetime."""
TAIL_SECONDS = 600.0
"""Nobody knows that a call was the last one: so long after it the prefix is still kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How a shared prefix is kept from one call to the next: by the lifetime of its entries ("5m", "1h"), and
    by a touch whenever it was idle for `every_seconds`, where that is not None."""

    ttl: str
    ttl_seconds: float
    every_seconds: float | None

    def is_due(self, idle_seconds: float, unused_seconds: float) -> bool:
        """Whether a prefix, touched and used so long ago, is about to lapse while somebody may still come.
        What has lapsed already is left: its next call writes it."""
        if self.every_seconds is None:
            return False
        return self.every_seconds <= idle_seconds < self.ttl_seconds and unused_seconds <= TAIL_SECONDS


def keeping_of(script: Script, price: Price, gaps_seconds: Sequence[float] = ()) -> Keeping:
    """The one decision on a shared part: what the engine's warming model finds best for pauses like these."""
    seen = len(gaps_seconds) >= GAPS_MIN
    choice = expected_warming(
        gaps_seconds if seen else TYPICAL_GAPS_SECONDS,
        calls=len(gaps_seconds) + 1.0 if seen else TYPICAL_CALLS,
        prefix_tokens=sum(estimate_tokens(part.text) for part in _shared_parts(script)),
        price=price,
        strategies=_strategies(price),
        cold_start_usd=COLD_START_USD,
    )
    best = choice.best.strategy
    every = best.every_seconds if best.kind == "keepalive" else None
    return Keeping(ttl=best.ttl, ttl_seconds=price.rules.ttls[best.ttl], every_seconds=every)


def _strategies(price: Price) -> list[Strategy]:
    shortest, *longer = sorted(price.rules.ttls, key=lambda name: price.rules.ttls[name])
    every = EVERY_SHARE * price.rules.ttls[shortest]
    return [
        Strategy(kind="none", ttl=shortest),
        Strategy(kind="keepalive", ttl=shortest, every_seconds=every, tail_seconds=TAIL_SECONDS),
        *(Strategy(kind="longer_ttl", ttl=name) for name in longer),
    ]


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
