# .venv/bin/python -m bench.peers.graphs
"""The graphs that every contender runs, the tool that every node calls, and what is known beforehand.

A graph is a list of nodes, each after all that it needs, with one sink at the end. The tool waits and then
adds up: the sink's value depends on every node, so a contender that skips, repeats or mixes up a node is
found out. Standard library only: it runs inside every contender's environment.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

MODULUS = 1_000_003
SEED = 20261122


@dataclass(frozen=True, slots=True)
class Node:
    """One call of the tool; `needs` are places in the graph's list."""

    place: int
    name: str
    seconds: float
    needs: tuple[int, ...] = ()


class Pace:
    """How much of its waiting a tool really does: 0 for warm-up runs, 1 when it counts."""

    share = 1.0


async def tool(node: Node, values: Sequence[int]) -> int:
    """The same in every contender. A wait of nothing still gives the loop a turn."""
    await asyncio.sleep(node.seconds * Pace.share)
    return answer(node, values)


def answer(node: Node, values: Sequence[int]) -> int:
    return (node.place + 1 + sum(values)) % MODULUS


@dataclass(frozen=True)
class Graph:
    nodes: tuple[Node, ...]

    @property
    def sink(self) -> Node:
        return self.nodes[-1]

    @property
    def edges(self) -> int:
        return sum(len(node.needs) for node in self.nodes)

    def followers(self) -> list[list[int]]:
        found: list[list[int]] = [[] for _ in self.nodes]
        for node in self.nodes:
            for need in node.needs:
                found[need].append(node.place)
        return found

    def levels(self) -> list[list[Node]]:
        """Nodes by the longest way from a root: the steps of a superstep engine."""
        depth: list[int] = []
        for node in self.nodes:
            depth.append(max((depth[need] + 1 for need in node.needs), default=0))
        rows: list[list[Node]] = [[] for _ in range(max(depth) + 1)]
        for node in self.nodes:
            rows[depth[node.place]].append(node)
        return rows

    def expected(self) -> int:
        """The sink's value, worked out without any engine."""
        values: list[int] = []
        for node in self.nodes:
            values.append(answer(node, [values[need] for need in node.needs]))
        return values[-1]

    def critical_seconds(self) -> float:
        """No scheduler can be faster."""
        ends: list[float] = []
        for node in self.nodes:
            ends.append(node.seconds + max((ends[need] for need in node.needs), default=0.0))
        return max(ends)

    def level_seconds(self) -> float:
        """What a barrier after each level costs at best."""
        return sum(max(node.seconds for node in row) for row in self.levels())

    def serial_seconds(self) -> float:
        return sum(node.seconds for node in self.nodes)

    def without_waits(self) -> Graph:
        """The same shape, all scheduling and no waiting."""
        return Graph(tuple(replace(node, seconds=0.0) for node in self.nodes))


def named(tasks: dict[str, tuple[float, tuple[str, ...]]]) -> Graph:
    places = {name: place for place, name in enumerate(tasks)}
    return Graph(
        tuple(
            Node(places[name], name, seconds, tuple(places[need] for need in needs))
            for name, (seconds, needs) in tasks.items()
        )
    )


BRANCHES = ("flights", "hotels", "visa", "loyalty")


def travel(hotels_needs: tuple[str, ...] = ()) -> Graph:
    """Four look-ups and an answer that needs them all."""
    tasks = {
        "flights": (0.8, ()),
        "visa": (0.45, ()),
        "loyalty": (0.12, ()),
        "hotels": (0.6, hotels_needs),
        "compose": (0.3, BRANCHES),
    }
    return named(tasks)


def fan(width: int) -> Graph:
    """All at once, then a join."""
    roots = [Node(place, f"f{place}", 0.0) for place in range(width)]
    return Graph((*roots, Node(width, "join", 0.0, tuple(range(width)))))


def chain(length: int) -> Graph:
    return Graph(tuple(Node(i, f"c{i}", 0.0, (i - 1,) if i else ()) for i in range(length)))


def layered(layers: int = 27, width: int = 37) -> Graph:
    """A node needs one of the layer before and up to two of the three layers before it; the waits have a
    long tail: log-normal about 15 ms, at most 150 ms. The last node joins what nobody needs."""
    rng = random.Random(SEED)
    nodes: list[Node] = []
    for layer in range(layers):
        for _ in range(width):
            needs: set[int] = set()
            if layer:
                needs.add((layer - 1) * width + rng.randrange(width))
                for _ in range(rng.randrange(3)):
                    needs.add(rng.randrange(max(0, layer - 3) * width, layer * width))
            seconds = min(0.15, 0.015 * rng.lognormvariate(0.0, 1.0))
            nodes.append(Node(len(nodes), f"n{len(nodes)}", seconds, tuple(sorted(needs))))
    needed = {need for node in nodes for need in node.needs}
    loose = tuple(node.place for node in nodes if node.place not in needed)
    return Graph((*nodes, Node(len(nodes), "join", 0.0, loose)))


def layered_of(nodes: int) -> Graph:
    """About so many nodes in layers of the same width at every size: it grows longer, not wider."""
    return layered(max(2, nodes // 25), 25).without_waits()


@dataclass(frozen=True)
class Scenario:
    """A graph, how many runs of it at once, and how often the whole is repeated in one measurement."""

    name: str
    make: Callable[[], Graph]
    says: str
    at_once: int = 1
    repeats: int = 1
    listens: bool = False


_ALL = (
    Scenario("a", travel, "travel agent: four look-ups, then an answer"),
    Scenario("a_hf", lambda: travel(("flights",)), "the same, hotels needs flights"),
    Scenario("a_hl", lambda: travel(("loyalty",)), "the same, hotels needs loyalty"),
    Scenario("b", lambda: fan(100), "100 at once without waits, then a join", repeats=20),
    Scenario("c", lambda: chain(100), "a chain of 100 without waits", repeats=20),
    Scenario("d", layered, "1,000 nodes in 27 layers, long-tailed waits", listens=True),
    Scenario("e", travel, "200 runs of the travel agent at once", at_once=200, listens=True),
    Scenario("x_fan", lambda: fan(1000), "1,000 at once without waits", repeats=3),
    Scenario("x_chain", lambda: chain(1000), "a chain of 1,000 without waits", repeats=3),
    Scenario("x_layered", lambda: layered().without_waits(), "the shape of d without waits", repeats=3),
    Scenario("x_1000", travel, "1,000 runs of the travel agent at once", at_once=1000, listens=True),
)
_SIZES = {100: 30, 1_000: 5, 10_000: 1}
_SHAPES: dict[str, Callable[[int], Graph]] = {
    "chain": chain,
    "fan": lambda size: fan(size - 1),
    "layered": layered_of,
}
_GROWING = tuple(
    Scenario(f"{shape}_{size}", partial(make, size), f"{shape} of {size:,}", repeats=n)
    for shape, make in _SHAPES.items()
    for size, n in _SIZES.items()
)

SCENARIOS = {scenario.name: scenario for scenario in (*_ALL, *_GROWING)}
MAIN = ("a", "a_hf", "a_hl", "b", "c", "d", "e")
STRESS = ("x_fan", "x_chain", "x_layered", "x_1000")
GROWTH = {shape: tuple(f"{shape}_{size}" for size in _SIZES) for shape in _SHAPES}


if __name__ == "__main__":
    for scenario in SCENARIOS.values():
        graph = scenario.make()
        print(
            f"{scenario.name:14} {len(graph.nodes):6} nodes {graph.edges:6} edges {len(graph.levels()):6} levels"
            f"   in a row {graph.serial_seconds():7.3f} s, by levels {graph.level_seconds():6.3f} s,"
            f" critical path {graph.critical_seconds():6.3f} s"
        )
