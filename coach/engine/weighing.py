"""What is to be expected of a graph: seconds and dollars over all that may turn out to be needed.

Typical durations; calls of models take what they find in the caches. Units: seconds, US dollars.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from math import prod

from coach.engine.accounting import Figures
from coach.engine.cache import PrefixCache
from coach.engine.call_simulation import CallSimulation
from coach.engine.graph import TaskGraph

MOST_CONDITIONS = 6
"""Up to so many conditional tasks, every outcome counts with its probability; of more, `SAMPLE` outcomes."""

SAMPLE = 64


@dataclass(frozen=True, slots=True)
class Weigher:
    """What is to be expected of a graph."""

    value_of_second_usd: float
    first_output_share: float = 0.0
    caches: tuple[PrefixCache, ...] = ()
    at_seconds: float = 0.0

    def figures(self, graph: TaskGraph) -> Figures:
        simulation = CallSimulation(graph, caches=self.caches, at_seconds=self.at_seconds)
        seconds = first = cost = 0.0
        for weight, needed in outcomes_of(graph):
            trace = simulation.run(needed)
            seconds += weight * trace.makespan
            cost += weight * trace.cost_usd
            if self.first_output_share:
                first += weight * trace.first_output
        share = self.first_output_share
        burden = self.value_of_second_usd * (share * first + (1 - share) * seconds) + cost
        return Figures(seconds=seconds, cost_usd=cost, burden_usd=burden)


def outcomes_of(graph: TaskGraph) -> Iterator[tuple[float, dict[str, bool]]]:
    """(weight, what is needed) of the outcomes that count; the weights add up to 1."""
    chances = {task.name: task.condition.probability for task in graph if task.condition is not None}
    if len(chances) > MOST_CONDITIONS:
        rng = random.Random(0)
        for _ in range(SAMPLE):
            yield 1 / SAMPLE, {name: rng.random() < chance for name, chance in chances.items()}
        return
    for needed in product((True, False), repeat=len(chances)):
        weight = prod(p if yes else 1 - p for p, yes in zip(chances.values(), needed, strict=True))
        if weight:
            yield weight, dict(zip(chances, needed, strict=True))
