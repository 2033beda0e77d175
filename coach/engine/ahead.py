"""Which tasks of a graph may start ahead of their deciders. Units: seconds, US dollars.

A task that is `speculative` has opted in; a policy (`speculating.Speculation`) weighs what that brings
against what it costs. Without a policy nobody has said what a second is worth, and only what costs nothing
may start ahead.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from coach.engine.graph import TaskGraph
from coach.engine.task import Task


def ahead_of(tasks: Iterable[Task]) -> tuple[str, ...]:
    """The names of those that may start ahead."""
    return tuple(task.name for task in tasks if task.speculative)


def only_ahead(graph: TaskGraph, ahead: Iterable[str], notes: Mapping[str, str]) -> TaskGraph:
    """The same graph in which only these start ahead. `notes`: why, by task."""
    chosen = set(ahead)
    tasks = [
        replace(task, speculative=task.name in chosen, note=notes.get(task.name, task.note)) for task in graph
    ]
    return TaskGraph(tasks, graph.limits)


def only_free(graph: TaskGraph) -> TaskGraph:
    """The same graph in which only those start ahead that cost nothing if they are not needed."""
    if not any(task.speculative for task in graph):
        return graph
    tasks = [held_if_dear(task) for task in graph]
    return graph if tasks == list(graph) else TaskGraph(tasks, graph.limits)


def held_if_dear(task: Task) -> Task:
    """The task, which waits for its decider if it would cost something not to be needed."""
    waste_usd = _expected_waste_usd(task)
    if not task.speculative or not waste_usd:
        return task
    return replace(
        task,
        speculative=False,
        note=f"It would waste ${waste_usd:.5f} on average, and nobody has said what a second is worth.",
    )


def _expected_waste_usd(task: Task) -> float:
    return 0.0 if task.condition is None else (1.0 - task.condition.probability) * task.cost_usd
