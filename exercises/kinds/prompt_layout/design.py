"""A design meets its day: the engine's prompt of it, the run, and the best design there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import time
from functools import lru_cache

from coach.engine.advice import advise
from coach.engine.prompt import Block, Prompt, Stability
from coach.engine.traffic import DayResult, TrafficCall, replay
from coach.engine.warming import Warming
from exercises.kinds.prompt_layout.answer import LayoutAnswer
from exercises.kinds.prompt_layout.spec import Call, LayoutSpec, day_of, seconds_of, traffic_for

WORTH_TELLING = 0.05
"""A change is named when it saves at least this share of dollars and waiting."""
_WAKE_MINUTES = 2
"""How long before opening a sensible warm-up goes out: inside every lifetime there is."""


@dataclass(frozen=True, slots=True)
class Run:
    """A design and its day. `worth_usd`: dollars plus what the people's waiting is worth; less is better."""

    answer: LayoutAnswer
    prompt: Prompt
    day: DayResult
    worth_usd: float


class Bench:
    """Runs designs of one spec and seed; the calls of the day are made once an order."""

    def __init__(self, spec: LayoutSpec, seed: int) -> None:
        self.spec = spec
        self.calls: tuple[Call, ...] = day_of(spec, seed)
        self._traffic: dict[tuple[str, ...], list[TrafficCall]] = {}
        self._runs: dict[str, Run] = {}

    def run(self, answer: LayoutAnswer) -> Run:
        """The day under a design. Raises PromptError for breakpoints that the provider refuses."""
        key = repr((answer.order, answer.marks, answer.prewarm_at, answer.keepalive_minutes))
        if key not in self._runs:
            self._runs[key] = self._run(answer)
        return replace(self._runs[key], answer=answer)

    def _run(self, answer: LayoutAnswer) -> Run:
        spec = self.spec
        prompt, traffic = prompt_of(spec, answer), self.traffic(answer.order)
        day = replay(prompt, traffic, spec.rules, spec.tier, spec.price, warming=self.warming(answer))
        waiting = sum(call.ttft_seconds for call in day.calls)
        return Run(answer, prompt, day, day.cost_usd + waiting * spec.value_of_second_usd)

    def traffic(self, order: tuple[str, ...]) -> list[TrafficCall]:
        """The day's calls for a prompt in that order."""
        if order not in self._traffic:
            self._traffic[order] = traffic_for(self.spec, order, self.calls)
        return self._traffic[order]

    def warming(self, answer: LayoutAnswer) -> Warming:
        """How a design keeps its cache warm, as the engine takes it."""
        if answer.prewarm_at is None and answer.keepalive_minutes is None:
            return Warming()
        return Warming(
            prewarm_at=None if answer.prewarm_at is None else seconds_of(answer.prewarm_at),
            keepalive_every_seconds=answer.keepalive_minutes and 60.0 * answer.keepalive_minutes,
            keepalive_until=seconds_of(self.spec.traffic.closes_at),
            groups={name: self._known(answer, name) for name in self.spec.traffic.documents},
        )

    def _known(self, answer: LayoutAnswer, document: str) -> Mapping[str, str]:
        """What a warm-up for one document can know: no user, no session, no question."""
        known: dict[str, str] = {}
        for item in answer.order:
            if self.spec.stability_of(item) == Stability.SHARED:
                pieces = self.spec.pieces_of(item)
                known[item] = "|".join(document if p.stability == "shared" else "" for p in pieces)
        return known


def prompt_of(spec: LayoutSpec, answer: LayoutAnswer) -> Prompt:
    """The engine's prompt of a design, with what is true of every block, whatever its labels say."""
    return Prompt(
        tuple(
            Block(
                name=item,
                tokens=spec.tokens_of(item),
                stability=spec.stability_of(item),
                breakpoint=answer.marks.get(item),
            )
            for item in answer.order
        )
    )


def true_labels(spec: LayoutSpec, order: tuple[str, ...]) -> dict[str, str]:
    """How often each item really changes."""
    return {item: spec.stability_of(item).name.lower() for item in order}


def as_found(spec: LayoutSpec) -> LayoutAnswer:
    """The scenario as found: its order, no labels, no breakpoints, no warming."""
    return LayoutAnswer(order=spec.found)


@lru_cache(maxsize=64)
def _ends(spec_json: str, seed: int) -> tuple[Run, Run]:
    spec = LayoutSpec.model_validate_json(spec_json)
    bench = Bench(spec, seed)
    return bench.run(as_found(spec)), bench.run(_advised(bench))


def found_and_best(spec: LayoutSpec, seed: int = 0) -> tuple[Run, Run]:
    """The day as found, and under the design that the engine advises.

    Order and splits need no search: whatever changes less often stands further to the front, so that every
    block is shared as far as it can be.
    """
    return _ends(spec.model_dump_json(), seed)


def stable_order(spec: LayoutSpec) -> tuple[str, ...]:
    """All pieces apart, the most stable first; pieces as found among equals."""
    return tuple(p.name for p in sorted(spec.pieces, key=lambda p: spec.stability_of(p.name)))


def _advised(bench: Bench) -> LayoutAnswer:
    """Breakpoints, lifetimes and warming by advice on the stable order; times as on offer."""
    spec, order = bench.spec, stable_order(bench.spec)
    plain = LayoutAnswer(order=order, labels=true_labels(spec, order))
    warmed = [(bench.warming(answer), answer) for answer in _warmed(spec, plain)]
    advice = advise(
        prompt_of(spec, plain),
        bench.traffic(order),
        model=spec.model,
        value_of_second_usd=spec.value_of_second_usd,
        warmings=[warming for warming, _ in warmed],
        pinned=order,
    )
    marks = {block.name: block.breakpoint for block in advice.plan.prompt.blocks if block.breakpoint}
    best = next(answer for warming, answer in warmed if warming == advice.plan.warming)
    return best.model_copy(update={"marks": marks})


def _warmed(spec: LayoutSpec, answer: LayoutAnswer) -> Iterator[LayoutAnswer]:
    """A design with and without a warm-up shortly before opening and keep-alives inside some lifetime."""
    minutes = {suited_minutes(spec, ttl) for ttl in spec.rules.ttls}
    for prewarm_at in (None, wake_time(spec)):
        for keepalive in (None, *sorted(minutes)):
            yield answer.model_copy(update={"prewarm_at": prewarm_at, "keepalive_minutes": keepalive})


def suited_minutes(spec: LayoutSpec, ttl: str) -> int:
    """Idle minutes after which a keep-alive of this lifetime goes out: at nine tenths of it."""
    return max(1, int(spec.rules.ttls[ttl] * 0.9 // 60))


def wake_time(spec: LayoutSpec) -> time:
    """Two minutes before opening."""
    opens = spec.traffic.opens_at
    minutes = max(0, opens.hour * 60 + opens.minute - _WAKE_MINUTES)
    return time(minutes // 60, minutes % 60)
