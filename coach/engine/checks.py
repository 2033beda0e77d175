"""Whether tasks fit together: those of a graph, and those that are added to one while it runs."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping

from coach.engine.errors import CycleError, DuplicateTask, GraphError, UnknownNeed
from coach.engine.rates import Limits, Rate
from coach.engine.task import Task, waits_for


def named(tasks: Iterable[Task], known: Container[str] = ()) -> dict[str, Task]:
    """The tasks by name. DuplicateTask where two share one, or share one with what is `known`."""
    by_name: dict[str, Task] = {}
    for task in tasks:
        if task.name in by_name or task.name in known:
            raise DuplicateTask(f"Two tasks are named {task.name!r}", (task.name,))
        by_name[task.name] = task
    return by_name


def check_limits(limits: Limits) -> None:
    """GraphError for a resource that is neither a rate nor has whole units, one at least."""
    for name, limit in limits.items():
        if not isinstance(limit, Rate) and not (isinstance(limit, int) and limit >= 1):
            raise GraphError(
                f"Resource {name!r} has a limit of {limit!r}, not a Rate or a whole number, 1 or more"
            )


def check_units(tasks: Iterable[Task], limits: Limits) -> None:
    """GraphError for a task that takes more of a rate than there ever is, or units of what is no rate."""
    for task in tasks:
        for name, units in units_taken(task, limits).items():
            limit = limits[name]
            if not isinstance(limit, Rate):
                raise GraphError(
                    f"Task {task.name!r} takes units of {name!r}, which limits tasks at once: it uses it",
                    (task.name,),
                )
            if units > limit.most:
                raise GraphError(
                    f"Task {task.name!r} takes {units:g} of {name!r}: there are never more than "
                    f"{limit.most:g} at once",
                    (task.name,),
                )


def units_taken(task: Task, limits: Limits, by_call: Mapping[str, float] | None = None) -> dict[str, float]:
    """Units that a task takes when it starts, by rate: one of each that it uses, and those that it names. A
    call of a model knows better what it takes: `by_call`, or as nothing is cached."""
    taken = {name: 1.0 for name in task.uses if isinstance(limits.get(name), Rate)}
    for name, units in task.takes.items():
        if name in limits:
            taken[name] = taken.get(name, 0.0) + units
    if task.model_call is not None:
        called = task.model_call.takes_cold if by_call is None else by_call
        taken |= {name: units for name, units in called.items() if isinstance(limits.get(name), Rate)}
    return taken


def check_needs(tasks: Mapping[str, Task], known: Container[str] = ()) -> None:
    """UnknownNeed where one waits for a task that is neither here nor `known`."""
    for task in tasks.values():
        for need in waits_for(task):
            if need not in tasks and need not in known:
                raise UnknownNeed(
                    f"Task {task.name!r} needs {need!r}, which is not in the graph", (task.name, need)
                )


def check_commits(tasks: Mapping[str, Task], known: Container[str] = ()) -> None:
    """UnknownNeed or GraphError where a staged task has no commit that fits it."""
    for task in tasks.values():
        if not task.speculative or task.effects != "staged" or task.commit is None:
            continue
        commit = tasks.get(task.commit)
        if commit is None and task.commit not in known:
            raise UnknownNeed(
                f"Task {task.name!r} is committed by {task.commit!r}, which is not in the graph",
                (task.name, task.commit),
            )
        if commit is None or commit.speculative or not _follows(commit, task.name):
            raise GraphError(
                f"Task {task.commit!r} commits {task.name!r}: it has to need it, to be decided by it, and "
                "not to be speculative itself",
                (task.name, task.commit),
            )


def _follows(commit: Task, name: str) -> bool:
    decided = commit.condition is not None and commit.condition.decider == name
    return decided and name in commit.needs


def topological(tasks: Mapping[str, Task]) -> tuple[str, ...]:
    """An order in which each stands after all of these that it waits for. CycleError where there is none.

    Kahn's algorithm over needs and deciders; what it leaves over contains a ring.
    """
    open_needs = dict.fromkeys(tasks, 0)
    followers: dict[str, list[str]] = {name: [] for name in tasks}
    for task in tasks.values():
        for need in waits_for(task):
            if need in followers:
                followers[need].append(task.name)
                open_needs[task.name] += 1
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
