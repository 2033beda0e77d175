"""What the instructor sets: the pieces of a prompt, and the day of traffic that meets it."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from datetime import time
from functools import lru_cache
from itertools import groupby
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from coach.engine.cache import CacheRules
from coach.engine.pricing import PRICES, Price
from coach.engine.prompt import Stability
from coach.engine.timing import TIERS, Tier
from coach.engine.traffic import TrafficCall

StabilityName = Literal["fixed", "shared", "session", "user", "call"]
STABILITIES: Mapping[str, Stability] = {member.name.lower(): member for member in Stability}
MARKABLE_MODELS = tuple(name for name, price in PRICES.items() if not price.rules.automatic)
"""Models whose cache needs breakpoints: where there are none to set, there is no exercise."""

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]{0,29}$")]
Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=80)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Piece(_Frozen):
    """A piece of text that cannot be split further.

    Neighbours with the same `block` are found glued together.
    """

    name: Name
    label: Label
    block: Label
    tokens: int = Field(ge=1, le=500_000)
    stability: StabilityName


class Traffic(_Frozen):
    """A day: who works on what, when, with what pauses. Times are of one working day; seconds and tokens."""

    people: tuple[Label, ...] = Field(min_length=1, max_length=20)
    documents: tuple[Label, ...] = Field(min_length=1, max_length=12)
    opens_at: time
    closes_at: time
    lunch_from: time
    lunch_until: time
    arrival_minutes: int = Field(ge=0, le=120)
    sessions_per_person: int = Field(ge=1, le=10)
    calls_per_session: int = Field(ge=1, le=20)
    gap_p50_seconds: float = Field(gt=0, le=7_200)
    gap_p95_seconds: float = Field(gt=0, le=14_400)
    document_spread: float = Field(ge=0, le=0.5)
    output_tokens: int = Field(ge=0, le=20_000)

    @model_validator(mode="after")
    def _check(self) -> Traffic:
        if not self.opens_at <= self.lunch_from <= self.lunch_until <= self.closes_at:
            raise ValueError("the day runs from opening over lunch to closing, in this order")
        if self.opens_at >= self.closes_at:
            raise ValueError("the day must have some length")
        if self.gap_p95_seconds < self.gap_p50_seconds:
            raise ValueError("the 95th percentile of the gaps is at least their median")
        calls = len(self.people) * self.sessions_per_person * self.calls_per_session
        if calls > 600:
            raise ValueError(f"{calls} calls a day; at most 600 can be graded quickly")
        return self


class LayoutSpec(_Frozen):
    """A prompt as found and its day.

    `value_of_second_usd`: what one second of a person's waiting is worth.
    """

    model: str
    pieces: tuple[Piece, ...] = Field(min_length=2, max_length=10)
    traffic: Traffic
    value_of_second_usd: float = Field(ge=0, le=10)

    @model_validator(mode="after")
    def _check(self) -> LayoutSpec:
        if self.model not in MARKABLE_MODELS:
            raise ValueError(f"the model must be one of {', '.join(MARKABLE_MODELS)}")
        names = [piece.name for piece in self.pieces]
        if len(set(names)) < len(names):
            raise ValueError("every piece needs a name of its own")
        if len(set(self.found)) < len(list(self._runs())):
            raise ValueError("pieces of one block stand next to each other")
        labels = [label for label, _ in self._runs()]
        if len(set(labels)) < len(labels):
            raise ValueError("pieces of one block stand next to each other")
        if "call" not in {piece.stability for piece in self.pieces}:
            raise ValueError("some piece must change on every call: the question, for one")
        return self

    def _runs(self) -> Iterator[tuple[str, tuple[Piece, ...]]]:
        for label, run in groupby(self.pieces, key=lambda piece: piece.block):
            yield label, tuple(run)

    @property
    def found(self) -> tuple[str, ...]:
        """Items of the prompt as found; an item is piece names joined by "+"."""
        return tuple("+".join(piece.name for piece in run) for _, run in self._runs())

    @property
    def piece_named(self) -> dict[str, Piece]:
        """Pieces by name."""
        return {piece.name: piece for piece in self.pieces}

    @property
    def price(self) -> Price:
        """The model's price."""
        return PRICES[self.model]

    @property
    def rules(self) -> CacheRules:
        """The model's cache rules."""
        return self.price.rules

    @property
    def tier(self) -> Tier:
        """The model's speed."""
        return TIERS[self.price.tier]

    def pieces_of(self, item: str) -> tuple[Piece, ...]:
        """The pieces of an item."""
        named = self.piece_named
        return tuple(named[name] for name in item.split("+"))

    def label_of(self, item: str) -> str:
        """What people call an item."""
        pieces = self.pieces_of(item)
        return pieces[0].label if len(pieces) == 1 else pieces[0].block

    def tokens_of(self, item: str) -> int:
        """Tokens of an item."""
        return sum(piece.tokens for piece in self.pieces_of(item))

    def stability_of(self, item: str) -> Stability:
        """An item changes as often as the most changeable of its pieces."""
        return max(STABILITIES[piece.stability] for piece in self.pieces_of(item))


def seconds_of(moment: time) -> float:
    """Seconds since midnight."""
    return moment.hour * 3600.0 + moment.minute * 60.0 + moment.second


class Call(_Frozen):
    """One call of the day before it is laid out: its text of every piece, and what its tokens are."""

    at_seconds: float
    person: str
    document: str
    texts: dict[str, str]
    tokens: dict[str, int]


@lru_cache(maxsize=64)
def _day(spec_json: str, seed: int) -> tuple[Call, ...]:
    spec = LayoutSpec.model_validate_json(spec_json)
    rng = random.Random(f"prompt-layout {seed}")
    sizes = _document_sizes(spec, rng)
    calls: list[Call] = []
    for index, person in enumerate(spec.traffic.people):
        for session, at_seconds in enumerate(_session_starts(spec.traffic, rng)):
            document = spec.traffic.documents[(index + session) % len(spec.traffic.documents)]
            for moment in _moments(spec.traffic, rng, at_seconds):
                calls.append(_call(spec, (person, document, f"{person} {session}"), moment, sizes[document]))
    return tuple(sorted(calls, key=lambda call: (call.at_seconds, call.person)))


def day_of(spec: LayoutSpec, seed: int = 0) -> tuple[Call, ...]:
    """The calls of the day in order of time: the same spec and seed give the same day."""
    return _day(spec.model_dump_json(), seed)


def _document_sizes(spec: LayoutSpec, rng: random.Random) -> dict[str, dict[str, int]]:
    shared = [piece for piece in spec.pieces if piece.stability == "shared"]
    spread = spec.traffic.document_spread
    return {
        document: {p.name: max(1, round(p.tokens * rng.uniform(1 - spread, 1 + spread))) for p in shared}
        for document in spec.traffic.documents
    }


def _session_starts(traffic: Traffic, rng: random.Random) -> Iterator[float]:
    opens, closes = seconds_of(traffic.opens_at), seconds_of(traffic.closes_at)
    slot = (closes - opens) / traffic.sessions_per_person
    for session in range(traffic.sessions_per_person):
        spread = 60.0 * traffic.arrival_minutes if session == 0 else slot * 0.5
        yield opens + session * slot + rng.uniform(0, min(spread, slot))


def _moments(traffic: Traffic, rng: random.Random, start: float) -> Iterator[float]:
    """When one session's calls go out. Lunch pushes them back; closing time ends them."""
    # The 95th percentile of a normal distribution lies 1.645 standard deviations above its median.
    sigma = _log_ratio(traffic.gap_p95_seconds, traffic.gap_p50_seconds) / 1.6449
    lunch, back = seconds_of(traffic.lunch_from), seconds_of(traffic.lunch_until)
    at = start
    for _ in range(traffic.calls_per_session):
        if lunch <= at < back:
            at = back + rng.uniform(0, 900)
        if at >= seconds_of(traffic.closes_at):
            return
        yield round(at, 1)
        at += traffic.gap_p50_seconds * 2.718281828459045 ** rng.gauss(0, sigma)


def _log_ratio(high: float, low: float) -> float:
    from math import log

    return log(high / low)


def _call(spec: LayoutSpec, who: tuple[str, str, str], at_seconds: float, sizes: Mapping[str, int]) -> Call:
    person, document, session = who
    kinds = {
        "fixed": "",
        "shared": document,
        "session": session,
        "user": person,
        "call": f"{person} {at_seconds}",
    }
    return Call(
        at_seconds=at_seconds,
        person=person,
        document=document,
        texts={piece.name: kinds[piece.stability] for piece in spec.pieces},
        tokens=dict(sizes),
    )


def traffic_for(spec: LayoutSpec, order: tuple[str, ...], calls: tuple[Call, ...]) -> list[TrafficCall]:
    """The day's calls for a prompt whose blocks are these items."""
    parts = [(item, [piece.name for piece in spec.pieces_of(item)]) for item in order]
    sizes = {piece.name: piece.tokens for piece in spec.pieces}
    changing = [(item, names) for item, names in parts if spec.stability_of(item) != Stability.FIXED]
    return [
        TrafficCall(
            at_seconds=call.at_seconds,
            texts={item: "|".join(call.texts[name] for name in names) for item, names in changing},
            tokens={item: sum(call.tokens.get(n, sizes[n]) for n in names) for item, names in parts},
            output_tokens=spec.traffic.output_tokens,
            group=call.document,
            label=f"{clock(call.at_seconds)} {call.person}, {call.document}",
        )
        for call in calls
    ]


def clock(at_seconds: float) -> str:
    """Seconds since midnight as HH:MM."""
    minutes = int(at_seconds // 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}"
