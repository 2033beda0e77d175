"""What is to be done: tasks that fit together, checked once, never changed afterwards.

Units: seconds, US dollars. All algorithms are iterative and linear in tasks and needs, so a chain of 5,000 is
nothing special.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from coach.engine.checks import check_commits, check_limits, check_needs, check_units, named, topological
from coach.engine.ideal import Ideal
from coach.engine.rates import Limits, Rate
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
    "Rate",
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

    `limits` maps a resource's name to how many tasks may hold it at once, or to the `Rate` at which its units
    may be taken; a resource without a limit is free.
    """

    __slots__ = ("_order", "_plan", "limits", "tasks")

    tasks: Mapping[str, Task]
    limits: Limits

    def __init__(self, tasks: Iterable[Task], limits: Limits | None = None) -> None:
        self.tasks = MappingProxyType(named(tasks))
        self.limits = MappingProxyType(dict(limits or {}))
        check_limits(self.limits)
        check_units(self.tasks.values(), self.limits)
        check_needs(self.tasks)
        check_commits(self.tasks)
        self._order = topological(self.tasks)
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
    def sequential_seconds(self) -> float:
        """One task after the other: the sum of the typical durations of the tasks that are (probably)
        needed."""
        return Ideal(self.tasks, self.order).busy_seconds

    @property
    def ideal_seconds(self) -> float:
        """The makespan with no limit on tasks at once: the length of the critical path."""
        return Ideal(self.tasks, self.order).seconds

    def critical_path(self, *, needed: Mapping[str, bool] | None = None) -> CriticalPath:
        """The chain that sets the time at typical durations, without limits, where every need is waited for.

        `needed` says which conditional tasks are needed; without a word, those of probability one half and
        more.
        """
        ideal = Ideal(self.tasks, self.order, needed)
        return CriticalPath(ideal.path(), ideal.seconds)

    def slack(self, *, needed: Mapping[str, bool] | None = None) -> dict[str, float]:
        """How many seconds later each task may end without making the whole later; 0 on the critical path."""
        return Ideal(self.tasks, self.order, needed).slack()

    def ancestors(self, name: str) -> frozenset[str]:
        """All that comes before it, directly or through others: needs, deciders, and the tasks whose output
        must have begun."""
        seen: set[str] = set()
        stack = [name]
        while stack:
            fresh = [each for each in waits_for(self.tasks[stack.pop()]) if each not in seen]
            seen.update(fresh)
            stack.extend(fresh)
        return frozenset(seen)

    def one_at_a_time(self) -> TaskGraph:
        """The same work as a program that does one thing after the other: sum of durations, nothing
        speculative, no race."""
        plain: dict[str, Any] = {"join": "all", "first": None, "patience_seconds": None}
        return TaskGraph([replace(t, uses=("turn",), speculative=False, **plain) for t in self], {"turn": 1})
