"""What running ahead saves: 2,000 seeded runs of the real runner, each beside its twin that does not, and the
same question put to the simulator under several seeds."""

from __future__ import annotations

import asyncio
import math
import random
import time
from dataclasses import dataclass
from statistics import fmean, median, stdev
from typing import Any

from bench.figures import spread
from coach.engine.graph import Condition, Fixed, Task, TaskGraph
from coach.engine.runner import run
from coach.engine.simulation import simulate_many
from coach.engine.trace import Trace

RUNS = 2_000
SEEDS = tuple(range(20261122, 20261127))
PAIR_EVERY_SECONDS = 0.005
"""A pair begins so often. One to two hundred are under way at any time, and no moment has more of them than
another: a burst would queue for the processor, and the queue would be measured."""
ANSWER_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Case:
    """Seconds of the step that decides and of the tool; how probable it is that the tool is needed."""

    decider: float
    tool: float
    probability: float

    @property
    def hidden(self) -> float:
        return min(self.decider, self.tool)

    @property
    def expected(self) -> float:
        return self.probability * self.hidden

    def __str__(self) -> str:
        return f"{self.decider:g} s / {self.tool:g} s / {self.probability:.0%}"

    def graph(self, *, ahead: bool) -> TaskGraph:
        tool = Task(
            "tool",
            duration=Fixed(self.tool),
            condition=Condition("decide", self.probability),
            speculative=ahead,
            effects="pure",
        )
        decide = Task("decide", duration=Fixed(self.decider))
        return TaskGraph([decide, tool, Task("answer", ("decide", "tool"), duration=Fixed(ANSWER_SECONDS))])


RUN = (Case(0.6, 0.5, 0.7), Case(0.4, 0.5, 0.9))
"""Long against what a busy machine adds to a wait."""
SIMULATED = (
    Case(0.6, 0.5, 0.7), Case(0.3, 0.5, 0.7), Case(0.4, 0.4, 0.9), Case(1.0, 0.25, 0.5), Case(0.8, 0.09, 0.3),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pair:
    """One seed: the same run without and with running ahead."""

    needed: bool
    plain: float
    ahead: float
    hidden: float
    wasted: float

    @property
    def saved(self) -> float:
        return self.plain - self.ahead


async def _once(graph: TaskGraph, *, needed: bool) -> tuple[float, Trace]:
    began = time.perf_counter()
    result = await run(graph, deadline_seconds=60, on_span=lambda span: None, needed={"tool": needed})
    return time.perf_counter() - began, result.trace


async def pair(plain: TaskGraph, ahead: TaskGraph, *, needed: bool, plain_first: bool) -> Pair:
    """Side by side, so that whatever else the machine does meets both."""
    twins = (plain, ahead) if plain_first else (ahead, plain)
    found = await asyncio.gather(*(_once(graph, needed=needed) for graph in twins))
    (without, told), (sooner, wasting) = found if plain_first else reversed(found)
    hidden = min(told["decide"].seconds, told["tool"].seconds) if needed else 0.0
    return Pair(needed, without, sooner, hidden, wasting.wasted_seconds)


def draws(case: Case, runs: int) -> list[bool]:
    """In which runs the tool is needed: a share of p of them, in an order drawn from the seed. Drawn one by one
    the share itself would be off by 1.5 % (one standard deviation at p = 0.7), and the seed be what is tested."""
    needed = [number < round(case.probability * runs) for number in range(runs)]
    random.Random(SEEDS[0]).shuffle(needed)
    return needed


async def pairs(case: Case, runs: int = RUNS) -> list[Pair]:
    """On a steady beat: a late one does not make the next late. Which twin begins first alternates."""
    plain, ahead = case.graph(ahead=False), case.graph(ahead=True)
    began, under_way = time.perf_counter(), []
    for number, needed in enumerate(draws(case, runs)):
        await asyncio.sleep(began + number * PAIR_EVERY_SECONDS - time.perf_counter())
        under_way.append(asyncio.create_task(pair(plain, ahead, needed=needed, plain_first=number % 2 == 0)))
    return [await each for each in under_way]


def measured(case: Case, found: list[Pair]) -> dict[str, Any]:
    """`saved` weighs the medians of the runs that needed the tool and of those that did not, as p does; the plain
    mean, which every standstill of the machine is part of, stands beside it."""
    saved = [each.saved for each in found]
    needed, not_needed = (
        spread(each.saved for each in found if each.needed is kind) for kind in (True, False)
    )
    assert needed is not None
    assert not_needed is not None
    return {
        "case": str(case),
        "runs": len(found),
        "expected": case.expected,
        "saved": case.probability * needed.median + (1 - case.probability) * not_needed.median,
        "mean_saved": fmean(saved),
        "standard_error": stdev(saved) / math.sqrt(len(saved)),
        "hidden": case.hidden,
        "hidden_as_measured": median(each.hidden for each in found if each.needed),
        "saved_when_needed": needed,
        "saved_when_not": not_needed,
        "expected_waste": (1 - case.probability) * case.hidden,
        "wasted": fmean(each.wasted for each in found),
    }


async def play() -> list[dict[str, Any]]:
    """One case after the other."""
    return [measured(case, await pairs(case)) for case in RUN]


def simulated(case: Case, seed: int) -> dict[str, float]:
    """Means of so many runs: saved against the same runs without running ahead, and wasted."""
    plain = simulate_many(case.graph(ahead=False), runs=RUNS, seed=seed)
    ahead = simulate_many(case.graph(ahead=True), runs=RUNS, seed=seed)
    return {"saved": plain.mean_seconds - ahead.mean_seconds, "wasted": ahead.mean_wasted_seconds}


def simulate() -> list[dict[str, Any]]:
    return [
        {"case": str(case), "expected": case.expected, "seeds": [simulated(case, seed) for seed in SEEDS]}
        for case in SIMULATED
    ]


def off(found: dict[str, Any]) -> float:
    """By what share the saving is not p × hidden latency."""
    share: float = found["saved"] / found["expected"] - 1
    return share
