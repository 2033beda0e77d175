"""How probable it is that a task is needed: a guess that gives way to what came out.

A belief is a Beta distribution. The guess counts as much as `PRIOR_WEIGHT` outcomes would; each outcome then
counts as one. After `seen` outcomes of which `needed` were "needed", the mean is

    probability = (guessed × weight + needed) / (weight + seen)

Beliefs are kept per task and context (a kind of customer, a language, an hour of the day): outcomes come from
and go to a store behind `ports.Outcomes`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from coach.engine.errors import GraphError
from coach.engine.graph import Condition, Task, TaskGraph
from coach.engine.ports import Outcomes
from coach.engine.trace import DONE, DROPPED, FAILED, Trace

PRIOR_WEIGHT = 10.0
"""How many outcomes a guess is worth. After as many, what was seen counts as much as what was guessed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Belief:
    """A guess and what came out: needed in `needed` of `seen` cases. GraphError for what cannot be."""

    guessed: float
    needed: int = 0
    seen: int = 0
    weight: float = PRIOR_WEIGHT

    def __post_init__(self) -> None:
        possible = 0.0 <= self.guessed <= 1.0 and 0 <= self.needed <= self.seen
        if not (possible and self.weight > 0):
            raise GraphError(
                f"Nobody can believe in {self.guessed!r} weighing {self.weight!r}, needed in {self.needed} "
                f"of {self.seen}"
            )

    @property
    def probability(self) -> float:
        """The mean: how probable it is that the task is needed."""
        return (self.guessed * self.weight + self.needed) / (self.weight + self.seen)

    @property
    def deviation(self) -> float:
        """The standard deviation of the probability: how sure this is."""
        mean, total = self.probability, self.weight + self.seen
        return math.sqrt(mean * (1.0 - mean) / (total + 1.0))

    def after(self, *, needed: bool) -> Belief:
        """The belief after one more outcome."""
        return replace(self, needed=self.needed + needed, seen=self.seen + 1)

    def __str__(self) -> str:
        guess = f"guessed {_percent(self.guessed)}"
        if not self.seen:
            return f"{guess}, not seen yet"
        return f"{guess}, was needed in {_percent(self.needed / self.seen)} of {self.seen}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


class RememberedOutcomes:
    """Outcomes kept in memory, for one process: `ports.Outcomes` for tests, benchmarks and scripts."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str], tuple[int, int]] = {}

    async def load(self, context: str, tasks: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        """(needed, seen) of each task that was seen in this context."""
        return {name: self._counts[context, name] for name in tasks if (context, name) in self._counts}

    async def add(self, context: str, outcomes: Mapping[str, bool]) -> None:
        """Count one outcome of each task."""
        for name, was_needed in outcomes.items():
            needed, seen = self._counts.get((context, name), (0, 0))
            self._counts[context, name] = (needed + was_needed, seen + 1)


async def load_beliefs(graph: TaskGraph, outcomes: Outcomes, context: str) -> dict[str, Belief]:
    """What is believed of each conditional task: its own probability as the guess, and what was seen."""
    guesses = {task.name: task.condition.probability for task in graph if task.condition is not None}
    counts = await outcomes.load(context, tuple(guesses))
    beliefs: dict[str, Belief] = {}
    for name, guessed in guesses.items():
        needed, seen = counts.get(name, (0, 0))
        beliefs[name] = Belief(guessed=guessed, needed=needed, seen=seen)
    return beliefs


def with_beliefs(graph: TaskGraph, beliefs: Mapping[str, Belief]) -> TaskGraph:
    """The graph with believed probabilities in place of guessed ones."""
    tasks = [
        replace(task, condition=Condition(task.condition.decider, beliefs[task.name].probability))
        if task.condition is not None and task.name in beliefs
        else task
        for task in graph
    ]
    return TaskGraph(tasks, graph.limits)


def counted_at(tasks: Mapping[str, Task], trace: Trace, name: str) -> float:
    """When it was known that the result of `name` counts, in seconds of the trace: once it had ended, and its
    decider, and that one's. Infinite where it never was."""
    at = 0.0
    while name in trace and trace[name].status == DONE:
        at = max(at, trace[name].end)
        condition = tasks[name].condition
        if condition is None:
            return at
        name = condition.decider
    return math.inf


def outcomes_in(graph: Iterable[Task], trace: Trace) -> dict[str, bool]:
    """For each conditional task whether it turned out to be needed, as far as a run came to decide it.

    A task whose decider was itself dropped or did not end well says nothing about how often it is needed. One
    that was running, and not dropped, when the run was cut was needed.
    """
    tasks = {task.name: task for task in graph}
    found: dict[str, bool] = {}
    for name, task in tasks.items():
        if task.condition is None or name not in trace or trace[name].status == FAILED:
            continue
        if math.isfinite(counted_at(tasks, trace, task.condition.decider)):
            found[name] = trace[name].status != DROPPED
    return found
