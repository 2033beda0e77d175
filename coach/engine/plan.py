"""A graph compiled to flat lists of ints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coach.engine.checks import units_taken
from coach.engine.graph import Task, TaskGraph, waits_for
from coach.engine.ranks import ranks
from coach.engine.rates import Limits, Rank, Rate
from coach.engine.task import Losers

if TYPE_CHECKING:
    from coach.engine.calls import ModelCall


@dataclass(frozen=True, slots=True)
class Policy:
    """How a join deals with needs that fail, are late or come after enough others. Needs by index.

    `first` is 0 where it wants them all."""

    needs: tuple[int, ...]
    first: int
    collects: bool
    optional: frozenset[int]
    losers: Losers

    def takes_failure(self, need: int) -> bool:
        """Whether it can go on when that need has failed."""
        return self.collects or need in self.optional


class Plan:
    """A graph as flat lists, by index in the order of `graph.tasks`. Any number of runs share it: it does not
    change, but for one with `grows`, which belongs to a single run and can be extended.

    `turns`: where units are short, the tasks in the order of their rank, so that what falls into the same
    moment is told in an order that hangs on no name; else in that of the graph. `places` is its inverse.

    `calls`: where the graph limits rates, the calls of models whose prompts are there when they start.

    `simple`: nothing in it but needs that all have to end well; the shortest way through the schedule.
    """

    __slots__ = (
        "awaited",
        "calls",
        "decider",
        "decides",
        "draws",
        "emitting",
        "gated",
        "grows",
        "hedged",
        "holds",
        "index",
        "joins_above",
        "limits",
        "names",
        "opens",
        "patience",
        "pending",
        "places",
        "policies",
        "rank",
        "rates",
        "reserved",
        "resources",
        "roots",
        "simple",
        "size",
        "stream",
        "successors",
        "tasks",
        "turns",
        "unresolved",
        "works",
    )

    def __init__(self, graph: TaskGraph, *, grows: bool = False) -> None:
        self.grows = grows
        self.size = 0
        self.tasks: list[Task] = []
        self.names: list[str] = []
        self.index: dict[str, int] = {}
        self.successors: list[list[int]] = []
        self.decides: list[list[int]] = []
        self.opens: list[list[int]] = []
        self.joins_above: list[list[int]] = []
        self.holds: list[list[int]] = []
        self.draws: list[list[tuple[int, float]]] = []
        self.calls: dict[int, ModelCall] = {}
        self.decider: list[int] = []
        self.gated: list[bool] = []
        self.stream: list[bool] = []
        self.pending: list[int] = []
        self.unresolved: list[int] = []
        self.works: list[Callable[..., Any] | None] = []
        self.rank: list[Rank] = []
        self.emitting: list[int] = []
        self.reserved: list[float] = []
        self.hedged: list[int] = []
        self.policies: dict[int, Policy] = {}
        self.patience: dict[int, float] = {}
        self.awaited: dict[int, list[int]] = {}
        counted = {name: each for name, each in graph.limits.items() if not isinstance(each, Rate)}
        self.resources = {name: r for r, name in enumerate(counted)}
        self.limits = list(counted.values())
        self.rates = {name: each for name, each in graph.limits.items() if isinstance(each, Rate)}
        self.extend(graph, graph.order)
        self.simple = not grows and not any(map(self._is_special, range(self.size)))
        if self.simple:
            self.rates = {}  # nobody takes from them
        self.turns: Sequence[int] = range(self.size)
        self.places: Sequence[int] = self.turns
        if self.rank and not self.simple:
            self.turns = sorted(self.turns, key=self.rank.__getitem__)
            self.places = sorted(self.places, key=self.turns.__getitem__)
        self.roots = [i for i, count in enumerate(self.pending) if not count and not self.unresolved[i]]

    @property
    def all_limits(self) -> Limits:
        """The limits of the graph that tasks of this plan have to do with."""
        return {**dict(zip(self.resources, self.limits, strict=True)), **self.rates}

    def _is_special(self, i: int) -> bool:
        return bool(
            self.decider[i] >= 0
            or self.stream[i]
            or self.holds[i]
            or self.draws[i]
            or i in self.policies
            or self.tasks[i].after_output
            or self.tasks[i].hedge
        )

    def extend(
        self, tasks: Iterable[Task], order: Iterable[str], settled: Callable[[int], bool] = lambda i: False
    ) -> int:
        """Add tasks that have been checked; they may wait for each other and for what is here. Returns the
        index of the first. `order`: their names, each after those it waits for. `settled` tells of what is
        here whether it is over. What is here keeps its rank and its share of the deadline, so the cost is
        that of the tasks and their needs."""
        base = self.size
        for i, task in enumerate(tasks, base):
            self.tasks.append(task)
            self.names.append(task.name)
            self.index[task.name] = i
            self.holds.append([self.resources[name] for name in task.uses if name in self.resources])
            self.draws.append(self.draws_of(task) if self.rates else [])
            if self.rates and task.model_call is not None and not (task.join == "stream" and task.needs):
                self.calls[i] = task.model_call
            for lists in (self.successors, self.decides, self.opens, self.joins_above):
                lists.append([])
        self.size = len(self.tasks)
        for i in range(base, self.size):
            self._link(i)
        backwards = [self.index[name] for name in reversed(tuple(order))]
        self._reserve(base, backwards)
        if self.limits or self.rates:
            self.rank += ranks(self, base, backwards)
            for j in range(base, self.size):
                self._note_awaited(j, settled)
        return base

    def draws_of(self, task: Task, by_call: Mapping[str, float] | None = None) -> list[tuple[int, float]]:
        """What it takes of rates, by their place; `by_call`: what its call of a model does."""
        return self.placed(units_taken(task, self.rates, by_call))

    def placed(self, units: Mapping[str, float]) -> list[tuple[int, float]]:
        """Units of those rates that there are."""
        places = list(self.rates)
        return [(places.index(name), count) for name, count in units.items() if name in places]

    def is_heard(self, i: int) -> bool:
        """Whether it matters to others when its output begins."""
        return bool(self.opens[i]) or i in self.calls

    def _link(self, i: int) -> None:
        task, index = self.tasks[i], self.index
        needs = [index[need] for need in task.needs]
        for n in needs:
            self.successors[n].append(i)
        for leader in task.after_output:
            self.opens[index[leader]].append(i)
        decider = -1 if task.condition is None else index[task.condition.decider]
        if decider >= 0:
            self.decides[decider].append(i)
        stream = task.join == "stream" and bool(needs)
        if needs and task.has_policy:
            self._note_policy(i, needs)
        counted = stream or i in self.policies
        self.decider.append(decider)
        self.gated.append(decider >= 0 and not task.speculative)
        self.stream.append(stream)
        self.unresolved.append(len(needs) if counted else 0)
        own = 0 if stream else 1 if counted else len(needs)
        self.pending.append(own + self.gated[i] + len(task.after_output))
        if stream or task.first_output_seconds is not None:
            self.emitting.append(i)
        if task.hedge:
            self.hedged.append(i)

    def _note_policy(self, i: int, needs: list[int]) -> None:
        task = self.tasks[i]
        self.policies[i] = Policy(
            needs=tuple(needs),
            first=task.first or 0,
            collects=task.on_failure == "collect",
            optional=frozenset(self.index[name] for name in task.optional),
            losers=task.losers,
        )
        if task.patience_seconds is not None:
            self.patience[i] = task.patience_seconds

    def wanted_by(self, i: int) -> int:
        """How many there are that wait for it, the caller included where nobody takes its result."""
        takers = len(self.successors[i])
        return (takers or 1) + len(self.decides[i]) + len(self.opens[i])

    def _note_awaited(self, j: int, settled: Callable[[int], bool]) -> None:
        """For a streaming join that holds units: what it waits for and what holds some, too."""
        if self.stream[j] and self.holds[j]:
            self.awaited[j] = [i for i in self._awaited_by(j, settled) if self.holds[i]]
            for i in self.awaited[j]:
                self.joins_above[i].append(j)

    def _awaited_by(self, j: int, settled: Callable[[int], bool]) -> set[int]:
        """All that must settle before the last arrival of `j`: ancestors by needs and deciders."""
        seen: set[int] = set()
        stack = [self.index[name] for name in self.tasks[j].needs]
        while stack:
            i = stack.pop()
            if i not in seen and not settled(i):
                seen.add(i)
                stack.extend(self.index[name] for name in waits_for(self.tasks[i]))
        return seen

    def _reserve(self, base: int, backwards: list[int]) -> None:
        """How many seconds before the deadline each task has to be done, for the sake of those after it."""
        kept = [0.0] * (self.size - base)
        for i in backwards if any(task.reserve_seconds for task in self.tasks[base:]) else ():
            task = self.tasks[i]
            own = kept[i - base] + task.reserve_seconds
            for need in waits_for(task):
                n = self.index[need] - base
                if n >= 0 and need not in task.after_output:
                    kept[n] = max(kept[n], own)
        self.reserved += kept
        self.works += [
            task.call if _is_plain(task) and not seconds else None
            for task, seconds in zip(self.tasks[base:], kept, strict=True)
        ]


def _is_plain(task: Task) -> bool:
    """Whether its call can be awaited as it stands."""
    limited = task.timeout_seconds is not None or task.silence_seconds is not None
    return not (task.blocking or task.retries or limited or task.must_fit or task.hedge)


def plan_of(graph: TaskGraph) -> Plan:
    """The graph's plan, compiled at the first asking."""
    plan: Plan | None = graph._plan
    if plan is None:
        plan = graph._plan = Plan(graph)
    return plan
