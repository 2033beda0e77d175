# .venv/bin/python bench/engine.py
"""The engine's runner against plain asyncio: one task per node in a TaskGroup, each awaiting the tasks it
needs.

Both run the same graphs with the same tool (a sleep, then a sum over the needs' results), interleaved run
by run, answers checked. Reported: medians of wall time ÷ critical path, of process CPU per node, and of the
ratio of the two CPU figures of the same round. The runner notes its spans as always; "with trace" also
builds the `Trace`.
"""

from __future__ import annotations

import asyncio
import gc
import os
import platform
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from coach.engine.graph import Fixed, Task, TaskGraph
from coach.engine.runner import Inputs, run
from coach.engine.simulation import simulate_many

ROUNDS = 9
MODULUS = 1_000_003


@dataclass(frozen=True)
class Node:
    name: str
    seconds: float
    needs: tuple[int, ...]


@dataclass(frozen=True)
class Scenario:
    name: str
    nodes: list[Node]
    at_once: int = 1
    repeats: int = 1


async def tool(place: int, seconds: float, values: list[int]) -> int:
    """What every node runs, in both engines."""
    await asyncio.sleep(seconds)
    return (place + 1 + sum(values)) % MODULUS


def expected(nodes: list[Node]) -> int:
    values: list[int] = []
    for place, node in enumerate(nodes):
        values.append((place + 1 + sum(values[i] for i in node.needs)) % MODULUS)
    return values[-1]


async def run_plain(nodes: list[Node]) -> int:
    tasks: list[asyncio.Task[int]] = []

    async def one(place: int, node: Node) -> int:
        return await tool(place, node.seconds, [await tasks[i] for i in node.needs])

    async with asyncio.TaskGroup() as group:
        for place, node in enumerate(nodes):
            tasks.append(group.create_task(one(place, node)))
    return tasks[-1].result()


def graph_of(nodes: list[Node]) -> TaskGraph:
    return TaskGraph([task_of(place, node, nodes) for place, node in enumerate(nodes)])


def task_of(place: int, node: Node, nodes: list[Node]) -> Task:
    needs = tuple(nodes[i].name for i in node.needs)

    async def call(inputs: Inputs) -> int:
        return await tool(place, node.seconds, [inputs[need] for need in needs])

    return Task(node.name, needs, duration=Fixed(node.seconds), call=call)


def engine(graph: TaskGraph, *, trace: bool) -> Callable[[], Awaitable[int]]:
    last = list(graph.tasks)[-1]

    async def once() -> int:
        result = await run(graph)
        if trace:
            assert result.trace.spans
        return int(result[last])

    return once


def travel() -> list[Node]:
    branches = [
        Node(name, seconds, ())
        for name, seconds in (("flights", 0.8), ("hotels", 0.6), ("visa", 0.45), ("loyalty", 0.12))
    ]
    return [*branches, Node("compose", 0.3, (0, 1, 2, 3))]


def wide(width: int) -> list[Node]:
    return [*(Node(f"w{i}", 0.0, ()) for i in range(width)), Node("join", 0.0, tuple(range(width)))]


def chain(length: int) -> list[Node]:
    return [Node(f"c{i}", 0.0, (i - 1,) if i else ()) for i in range(length)]


def layered(layers: int, width: int, seed: int = 20261122) -> list[Node]:
    """Each node needs one of the layer before and up to two of the three before it; log-normal sleeps."""
    rng = random.Random(seed)
    nodes: list[Node] = []
    for layer in range(layers):
        for _ in range(width):
            needs = {(layer - 1) * width + rng.randrange(width)} if layer else set()
            for _ in range(rng.randrange(3) if layer else 0):
                needs.add(rng.randrange(max(0, layer - 3) * width, layer * width))
            seconds = min(0.15, 0.015 * rng.lognormvariate(0.0, 1.0))
            nodes.append(Node(f"n{len(nodes)}", seconds, tuple(sorted(needs))))
    needed = {i for node in nodes for i in node.needs}
    return [*nodes, Node("join", 0.0, tuple(i for i in range(len(nodes)) if i not in needed))]


async def measure(scenario: Scenario, once: Callable[[], Awaitable[int]]) -> tuple[float, float]:
    """Wall seconds of one run and CPU microseconds per node."""
    right = expected(scenario.nodes)
    gc.collect()
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(scenario.repeats):
        if scenario.at_once == 1:
            assert await once() == right
        else:
            values = await asyncio.gather(*(once() for _ in range(scenario.at_once)))
            assert set(values) == {right}
    wall = (time.perf_counter() - wall) / scenario.repeats
    cpu = (time.process_time() - cpu) / scenario.repeats
    return wall, cpu / (len(scenario.nodes) * scenario.at_once) * 1e6


async def compare(scenario: Scenario) -> None:
    graph = graph_of(scenario.nodes)
    contenders = {
        "plain asyncio": lambda: run_plain(scenario.nodes),
        "engine": engine(graph, trace=False),
        "engine, with trace": engine(graph, trace=True),
    }
    figures: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    for once in contenders.values():
        await once()
    for turn in range(ROUNDS):
        order = list(contenders)[turn % 3 :] + list(contenders)[: turn % 3]
        for name in order:
            figures[name].append(await measure(scenario, contenders[name]))
    report(scenario, graph.ideal_seconds, figures)


def report(scenario: Scenario, ideal: float, figures: dict[str, list[tuple[float, float]]]) -> None:
    plain = figures["plain asyncio"]
    print(
        f"\n{scenario.name}: {len(scenario.nodes)} nodes, {scenario.at_once} at once, "
        f"critical path {ideal:.3f} s"
    )
    for name, rounds in figures.items():
        wall = statistics.median(each[0] for each in rounds)
        cpu = statistics.median(each[1] for each in rounds)
        ratio = statistics.median(mine[1] / theirs[1] for mine, theirs in zip(rounds, plain, strict=True))
        share = f"{wall / ideal:.3f} x critical path" if ideal else f"{wall * 1e3:.2f} ms"
        print(f"  {name:20} wall {share:22} CPU {cpu:7.1f} us/node   {ratio:5.2f} x plain")


def simulator() -> None:
    from coach.engine.graph import LogNormal

    tasks = [
        Task(n.name, tuple(travel()[i].name for i in n.needs), duration=LogNormal(n.seconds, 2 * n.seconds))
        for n in travel()
    ]
    graph, rounds = TaskGraph(tasks), []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        simulate_many(graph, runs=1000)
        rounds.append(time.perf_counter() - began)
    print(f"\nsimulator: 1,000 jittered runs of the travel graph in {statistics.median(rounds) * 1e3:.1f} ms")


def statement() -> str:
    asked = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
    loop = type(asyncio.new_event_loop()).__name__
    return (
        f"Python {platform.python_version()}, {loop}, {os.cpu_count()} cores, commit {commit or 'unknown'}; "
        f"medians of {ROUNDS} interleaved rounds"
    )


def main() -> None:
    print(statement())
    for scenario in (
        Scenario("travel", travel()),
        Scenario("100 wide", wide(100), repeats=20),
        Scenario("chain of 100", chain(100), repeats=20),
        Scenario("layered 1,000", layered(27, 37)),
        Scenario("200 travel runs", travel(), at_once=200),
    ):
        asyncio.run(compare(scenario))
    simulator()


if __name__ == "__main__":
    main()
