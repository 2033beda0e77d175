"""Who goes first where units are short: an order of tasks into which neither names nor places enter.

Certain before speculative work, then the longest way to the end. What is equal in both is told apart by what
it is, what stands around it, and what stands around that (colour refinement: Weisfeiler and Leman, The
reduction of a graph to canonical form, 1968), and only where something is equal, so that it costs nothing
elsewhere. What is equal even then is, but for regular patterns that repeat in several sizes, interchangeable.
Linear in tasks and needs for each round; two rounds are the rule, for each follows the graph to both of its
ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from typing import Protocol

from coach.engine.rates import Rank, Rate
from coach.engine.task import Task, waits_for


class Linked(Protocol):
    """What a plan says of its tasks before they are ranked, by index."""

    tasks: list[Task]
    index: dict[str, int]
    successors: list[list[int]]
    decides: list[list[int]]
    opens: list[list[int]]
    decider: list[int]
    holds: list[list[int]]
    draws: list[list[tuple[int, float]]]
    rank: list[Rank]
    limits: list[int]
    rates: dict[str, Rate]
    grows: bool


def ranks(plan: Linked, base: int, backwards: Sequence[int]) -> list[Rank]:
    """Those of the tasks from `base` on. `backwards`: their indices, each after all that wait for it. What
    was here before keeps its rank."""
    below = _below(plan, base, backwards)
    tasks = plan.tasks[base:]
    alike = len(set(below)) < len(tasks)  # a guess may become certain, and equal what was before it
    told = _Colours(plan, base, below).told(backwards) if alike or plan.grows else [b""] * len(tasks)
    return [(task.speculative, -way, each) for task, way, each in zip(tasks, below, told, strict=True)]


def _below(plan: Linked, base: int, backwards: Iterable[int]) -> list[float]:
    """Seconds from the start of each task to the end of all that follows from it."""
    below = [0.0] * (len(plan.tasks) - base)
    for i in backwards:
        task = plan.tasks[i]
        below[i - base] += task.duration.typical
        for need in waits_for(task):
            n = plan.index[need] - base
            if n >= 0:
                below[n] = max(below[n], below[i - base])
    return below


class _Colours:
    """Digests of tasks and of resources: the same for the same thing in the same place of the graph."""

    def __init__(self, plan: Linked, base: int, below: Iterable[float]) -> None:
        self._plan = plan
        self._base = base
        known: dict[object, bytes] = {}  # many tasks are the same in themselves
        own = [_own(task, way) for task, way in zip(plan.tasks[base:], below, strict=True)]
        self._tasks = [known.get(each) or known.setdefault(each, _digest(_said(each))) for each in own]
        self._limits = [_digest(_said(limit)) for limit in plan.limits]
        self._rates = [_digest(_said(rate)) for rate in plan.rates.values()]

    def told(self, backwards: Sequence[int]) -> list[bytes]:
        """Of the tasks, refined until that tells no more of them apart."""
        before = 0
        while before < (count := len(set(self._tasks))) < len(self._tasks):
            before = count
            self._refine(backwards)
        return self._tasks

    def _refine(self, backwards: Sequence[int]) -> None:
        plan = self._plan
        self._mix_units(backwards)
        for i in backwards:
            self._mix(i, plan.successors[i], plan.decides[i], plan.opens[i])
        for i in reversed(backwards):
            task, decider = plan.tasks[i], plan.decider[i]
            needs, leaders = (
                [plan.index[name] for name in names] for names in (task.needs, task.after_output)
            )
            self._mix(i, needs, [decider] if decider >= 0 else [], leaders)

    def _mix(self, i: int, *around: Sequence[int]) -> None:
        """Tasks in each of the groups around it count in any order."""
        if any(around):
            parts = [self._of(i)]
            for group in around:
                parts += [_GAP, *sorted([self._of(n) for n in group])]
            self._tasks[i - self._base] = _digest(*parts)

    def _of(self, i: int) -> bytes:
        if i < self._base:
            return self._plan.rank[i][2]
        return self._tasks[i - self._base]

    def _mix_units(self, backwards: Iterable[int]) -> None:
        """Resources are told apart by who uses them, tasks by what they use."""
        plan = self._plan
        held: list[list[bytes]] = [[each] for each in self._limits]
        drawn: list[list[bytes]] = [[each] for each in self._rates]
        for i in backwards:
            for r in plan.holds[i]:
                held[r].append(self._of(i))
            for r, units in plan.draws[i]:
                drawn[r].append(_digest(self._of(i), _said(units)))
        self._limits = [_digest(first, *sorted(users)) for first, *users in held]
        self._rates = [_digest(first, *sorted(users)) for first, *users in drawn]
        for i in backwards:
            holds = [self._limits[r] for r in plan.holds[i]]
            draws = [_digest(self._rates[r], _said(units)) for r, units in plan.draws[i]]
            self._tasks[i - self._base] = _digest(self._of(i), *sorted(holds), _GAP, *sorted(draws))


_GAP = bytes(8)
"""Between groups of digests, as long as one of them."""


def _own(task: Task, below: float) -> tuple[object, ...]:
    """All of a task that says when it starts, how long it runs, and what becomes of others."""
    condition = task.condition and task.condition.probability
    join = (task.join, task.on_failure, task.first, task.losers, task.patience_seconds, len(task.optional))
    times = (task.duration, task.first_output_seconds, task.cost_usd)
    return (task.speculative, below, condition, task.hedge, join, times)


def _said(fact: object) -> bytes:
    return repr(fact).encode()


def _digest(*parts: bytes) -> bytes:
    return blake2b(b"".join(parts), digest_size=8).digest()
