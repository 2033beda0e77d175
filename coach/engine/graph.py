"""What is to be done: tasks that fit together, checked once, never changed afterwards.

Units: seconds, US dollars. All algorithms are iterative and linear in tasks and needs, so a chain of 5,000 is
nothing special.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from coach.engine.errors import CycleError, DuplicateTask, GraphError, UnknownNeed
from coach.engine.ideal import Ideal
from coach.engine.task import (
    Condition,
    Duration,
    Effects,
    Fixed,
    Join,
    LogNormal,
    Task,
    default_needed,
    waits_for,
)

__all__ = [
    "Condition",
    "CriticalPath",
    "Duration",
    "Effects",
    "Fixed",
    "Join",
    "LogNormal",
    "Task",
    "TaskGraph",
    "default_needed",
    "waits_for",
]


@dataclass(frozen=True, slots=True)
class CriticalPath:
    """The chain that sets the time, in order, and that time in seconds."""

    tasks: tuple[str, ...]
    seconds: float


class TaskGraph:
    """Tasks that fit together. Raises `DuplicateTask`, `UnknownNeed`, `CycleError` or `GraphError`, naming
    the tasks.

    `limits` maps a resource's name to how many tasks may hold it at once; a resource without a limit is free.
    """

    __slots__ = ("_order", "_plan", "limits", "tasks")

    tasks: Mapping[str, Task]
    limits: Mapping[str, int]

    def __init__(self, tasks: Iterable[Task], limits: Mapping[str, int] | None = None) -> None:
        self.tasks = MappingProxyType(_by_name(tasks))
        self.limits = MappingProxyType(dict(limits or {}))
        _check_limits(self.limits)
        _check_needs(self.tasks)
        _check_commits(self.tasks)
        self._order = _topological(self.tasks)
        self._plan: Any = None

    def __len__(self) -> int:
        return len(self.tasks)

    def __iter__(self) -> Iterator[Task]:
        return iter(self.tasks.values())

    def __repr__(self) -> str:
        return f"TaskGraph({len(self.tasks)} tasks)"

    @property
    def order(self) -> tuple[str, ...]:
        """An order in which each task stands after all it waits for."""
        return self._order

    @property
    def sinks(self) -> tuple[str, ...]:
        """The tasks that nobody needs: the results of the graph."""
        needed = {need for task in self for need in task.needs}
        return tuple(name for name in self.tasks if name not in needed)

    @property
    def sequential_seconds(self) -> float:
        """One task after the other: the sum of the typical durations of the tasks that are (probably)
        needed."""
        return Ideal(self.tasks, self.order).busy_seconds

    @property
    def ideal_seconds(self) -> float:
        """The makespan with no limit on tasks at once: the length of the critical path."""
        return Ideal(self.tasks, self.order).seconds

    def critical_path(self, *, needed: Mapping[str, bool] | None = None) -> CriticalPath:
        """The chain that sets the time at typical durations, without limits.

        `needed` says which conditional tasks are needed; without a word, those of probability one half and
        more.
        """
        ideal = Ideal(self.tasks, self.order, needed)
        return CriticalPath(ideal.path(), ideal.seconds)

    def slack(self, *, needed: Mapping[str, bool] | None = None) -> dict[str, float]:
        """How many seconds later each task may end without making the whole later; 0 on the critical path."""
        return Ideal(self.tasks, self.order, needed).slack()

    def ancestors(self, name: str) -> frozenset[str]:
        """All tasks whose results it takes, directly or through others."""
        seen: set[str] = set()
        stack = list(self.tasks[name].needs)
        while stack:
            each = stack.pop()
            if each not in seen:
                seen.add(each)
                stack.extend(self.tasks[each].needs)
        return frozenset(seen)

    def one_at_a_time(self) -> TaskGraph:
        """The same work as a program that does one thing after the other: sum of durations, nothing
        speculative."""
        return TaskGraph(
            [replace(t, uses=("turn",), speculative=False, join="all") for t in self], {"turn": 1}
        )


def _by_name(tasks: Iterable[Task]) -> dict[str, Task]:
    named: dict[str, Task] = {}
    for task in tasks:
        if task.name in named:
            raise DuplicateTask(f"Two tasks are named {task.name!r}", (task.name,))
        named[task.name] = task
    return named


def _check_limits(limits: Mapping[str, int]) -> None:
    for name, units in limits.items():
        if units < 1:
            raise GraphError(f"Resource {name!r} has a limit of {units}: no task could ever use it")


def _check_needs(tasks: Mapping[str, Task]) -> None:
    for task in tasks.values():
        for need in waits_for(task):
            if need not in tasks:
                raise UnknownNeed(
                    f"Task {task.name!r} needs {need!r}, which is not in the graph", (task.name, need)
                )


def _check_commits(tasks: Mapping[str, Task]) -> None:
    for task in tasks.values():
        if not task.speculative or task.effects != "staged" or task.commit is None:
            continue
        commit = tasks.get(task.commit)
        if commit is None:
            raise UnknownNeed(
                f"Task {task.name!r} is committed by {task.commit!r}, which is not in the graph",
                (task.name, task.commit),
            )
        decided = commit.condition is not None and commit.condition.decider == task.name
        if not decided or commit.speculative or task.name not in commit.needs:
            raise GraphError(
                f"Task {commit.name!r} commits {task.name!r}: it has to need it, to be decided by it, and "
                "not to be speculative itself",
                (task.name, commit.name),
            )


def _topological(tasks: Mapping[str, Task]) -> tuple[str, ...]:
    """Kahn's algorithm over needs and deciders; what it leaves over contains a ring."""
    open_needs = {task.name: len(waits_for(task)) for task in tasks.values()}
    followers: dict[str, list[str]] = {name: [] for name in tasks}
    for task in tasks.values():
        for need in waits_for(task):
            followers[need].append(task.name)
    order = [name for name, count in open_needs.items() if not count]
    for name in order:  # grows while it is walked
        for each in followers[name]:
            open_needs[each] -= 1
            if not open_needs[each]:
                order.append(each)
    if len(order) < len(tasks):
        raise CycleError(_ring(tasks, {name for name, count in open_needs.items() if count}))
    return tuple(order)


def _ring(tasks: Mapping[str, Task], stuck: set[str]) -> list[str]:
    """Each stuck task waits for a stuck one, so walking on must meet itself."""
    walked: dict[str, int] = {}
    name = next(each for each in tasks if each in stuck)
    while name not in walked:
        walked[name] = len(walked)
        name = next(need for need in waits_for(tasks[name]) if need in stuck)
    path = list(walked)[walked[name] :]
    return [*path, name]
