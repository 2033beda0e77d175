"""Random graphs for property tests, and the travel graph of the lessons."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

from hypothesis import strategies as st

from coach.engine.graph import Condition, Fixed, LogNormal, Task, TaskGraph

T = TypeVar("T")


def travel() -> TaskGraph:
    branches = {"flights": 0.8, "hotels": 0.6, "visa": 0.45, "loyalty": 0.12}
    tasks = [Task(name, duration=LogNormal(p50, 2 * p50)) for name, p50 in branches.items()]
    return TaskGraph([*tasks, Task("compose", tuple(branches), duration=LogNormal(0.3, 0.6))])


def seconds(rng: random.Random, place: int) -> float:
    """No two sums of different durations are equal, so that no two ends fall together by chance."""
    return rng.randrange(1, 2000) / 1000 + rng.random() * 1e-4 + place * 1e-6


def _conditions(rng: random.Random, earlier: list[str]) -> dict[str, Any]:
    decider = rng.choice(earlier)
    condition = Condition(decider, rng.choice([0.1, 0.5, 0.9]))
    return {"condition": condition, "speculative": rng.random() < 0.6, "effects": "pure"}


def _leaders(rng: random.Random, earlier: list[str]) -> dict[str, Any]:
    """Streams its output, waits for that of others, or both."""
    more: dict[str, Any] = {}
    if rng.random() < 0.6:
        more["first_output_seconds"] = rng.randrange(1, 1500) / 1000 + rng.random() * 1e-4
    if earlier and rng.random() < 0.4:
        more["after_output"] = tuple(rng.sample(earlier, min(len(earlier), rng.randrange(1, 3))))
    return more


def _policy(rng: random.Random, needs: tuple[str, ...]) -> dict[str, Any]:
    """Puts up with failures, goes on with the first, loses patience, or several of these."""
    more: dict[str, Any] = {"losers": rng.choice(["cancel", "drain", "keep"])}
    if rng.random() < 0.3:
        more["on_failure"] = "collect"
    if rng.random() < 0.3:
        more["optional"] = dict.fromkeys(rng.sample(needs, rng.randrange(1, len(needs) + 1)), "default")
    if rng.random() < 0.5:
        more["first"] = rng.randrange(1, len(needs) + 1)
    if rng.random() < 0.3:
        more["patience_seconds"] = rng.randrange(1, 4000) / 1000 + rng.random() * 1e-4
    return more


def random_graph(
    rng: random.Random,
    size: int,
    *,
    limits: bool,
    conditions: bool,
    streams: bool,
    leaders: bool = False,
    policies: bool = False,
    priced: bool = False,
) -> TaskGraph:
    """What may start ahead costs nothing, and so does start ahead, unless it is `priced`."""
    names = [f"t{i}" for i in range(size)]
    tasks = []
    for i, name in enumerate(names):
        earlier = names[:i]
        needs = tuple(rng.sample(earlier, rng.randrange(0, min(i, 4) + 1)))
        more: dict[str, Any] = {}
        if conditions and earlier and rng.random() < 0.4:
            more |= _conditions(rng, earlier)
        if streams and needs and rng.random() < 0.4:
            more["join"] = "stream"
        if policies and needs and rng.random() < 0.6:
            more |= _policy(rng, needs)
        if leaders:
            more |= _leaders(rng, earlier)
        if limits:
            more["uses"] = tuple(r for r in ("calls", "rows") if rng.random() < 0.5)
        cost = rng.random() if priced or not more.get("speculative") else 0.0
        tasks.append(Task(name, needs, duration=Fixed(seconds(rng, i)), cost_usd=cost, **more))
    units = {"calls": rng.randrange(1, 4), "rows": rng.randrange(1, 3)} if limits else {}
    return TaskGraph(tasks, units)


@st.composite
def graphs(
    draw: st.DrawFn,
    *,
    limits: bool = False,
    conditions: bool = False,
    streams: bool = False,
    leaders: bool = False,
    policies: bool = False,
    priced: bool = False,
    most: int = 14,
) -> TaskGraph:
    rng = random.Random(draw(st.integers(0, 2**32)))
    return random_graph(
        rng,
        draw(st.integers(1, most)),
        limits=limits,
        conditions=conditions,
        streams=streams,
        leaders=leaders,
        policies=policies,
        priced=priced,
    )


@st.composite
def decisions(draw: st.DrawFn, graph: TaskGraph) -> dict[str, bool]:
    return {task.name: draw(st.booleans()) for task in graph if task.condition is not None}


@st.composite
def failures(draw: st.DrawFn, graph: TaskGraph) -> set[str]:
    """Some of the tasks: most of the time few, so that runs get far."""
    share = draw(st.sampled_from([0.0, 0.1, 0.3]))
    rng = random.Random(draw(st.integers(0, 2**32)))
    return {name for name in graph.tasks if rng.random() < share}


def shuffled(graph: TaskGraph, rng: random.Random) -> tuple[TaskGraph, dict[str, str]]:
    """The same graph with other names, of resources too, in another order, and which name became which."""
    names, resources = _other_names(graph.tasks, rng), _other_names(graph.limits, rng)
    tasks = [_renamed(task, names, _permuted([resources[r] for r in task.uses], rng)) for task in graph]
    limits = {resources[name]: limit for name, limit in graph.limits.items()}
    return TaskGraph(_permuted(tasks, rng), dict(_permuted(limits.items(), rng))), names


def _other_names(names: Iterable[str], rng: random.Random) -> dict[str, str]:
    names = list(names)
    return dict(zip(names, _permuted([f"x{i}" for i in range(len(names))], rng), strict=True))


def _permuted(things: Iterable[T], rng: random.Random) -> tuple[T, ...]:
    things = list(things)
    rng.shuffle(things)
    return tuple(things)


def tied(graph: TaskGraph, rng: random.Random) -> TaskGraph:
    """The same with two durations only and without costs: much ends in the same moment and matters alike."""
    return TaskGraph([_plainer(task, rng.randrange(1, 3)) for task in graph], graph.limits)


def _plainer(task: Task, seconds: float) -> Task:
    first = task.first_output_seconds and seconds / 2
    return replace(task, duration=Fixed(seconds), cost_usd=0.0, first_output_seconds=first)


def _renamed(task: Task, names: dict[str, str], uses: tuple[str, ...]) -> Task:
    condition = task.condition and Condition(names[task.condition.decider], task.condition.probability)
    return Task(
        names[task.name],
        tuple(names[need] for need in task.needs),
        duration=task.duration,
        cost_usd=task.cost_usd,
        condition=condition,
        speculative=task.speculative,
        effects=task.effects,
        join=task.join,
        first_output_seconds=task.first_output_seconds,
        after_output=tuple(names[leader] for leader in task.after_output),
        uses=uses,
        on_failure=task.on_failure,
        optional={names[need]: value for need, value in task.optional.items()},
        first=task.first,
        losers=task.losers,
        patience_seconds=task.patience_seconds,
    )


def counted(graph: TaskGraph) -> dict[str, int]:
    """Its limits of tasks at once, without those that are rates."""
    return {name: limit for name, limit in graph.limits.items() if isinstance(limit, int)}


def pairs(graph: TaskGraph) -> list[tuple[str, str]]:
    return [(need, task.name) for task in graph for need in task.needs]


def diamond(layers: int) -> TaskGraph:
    """Two tasks a layer, each needing both of the layer before: 2^layers ways through."""
    tasks = []
    for layer, side in itertools.product(range(layers), "ab"):
        needs = (f"a{layer - 1}", f"b{layer - 1}") if layer else ()
        tasks.append(Task(f"{side}{layer}", needs, duration=Fixed(1.0 if side == "a" else 0.5)))
    return TaskGraph(tasks)


def chain(length: int, *, each: float = 0.001) -> TaskGraph:
    return TaskGraph(Task(f"c{i}", (f"c{i - 1}",) if i else (), duration=Fixed(each)) for i in range(length))
