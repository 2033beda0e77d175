"""Bare counters: a node that ends goes on with one that it made ready in the same asyncio task. No names,
no events, no deadline, no failure handling of its own: the floor."""

from __future__ import annotations

import asyncio
import platform
from dataclasses import dataclass

from bench.peers.graphs import Graph, Node, tool

VERSION = f"Python {platform.python_version()}"
MODEL = "pending counters, one successor goes on in the same task"


@dataclass
class Prepared:
    nodes: tuple[Node, ...]
    followers: list[list[int]]
    open: list[int]


def build(graph: Graph) -> Prepared:
    return Prepared(graph.nodes, graph.followers(), [len(node.needs) for node in graph.nodes])


async def run(prepared: Prepared) -> int:
    nodes, followers, left = prepared.nodes, prepared.followers, prepared.open[:]
    values = [0] * len(nodes)

    async def follow(place: int) -> None:
        while place >= 0:
            node = nodes[place]
            values[place] = await tool(node, [values[need] for need in node.needs])
            onward = -1
            for each in followers[place]:
                left[each] -= 1
                if left[each] == 0:
                    if onward >= 0:
                        group.create_task(follow(each))
                    else:
                        onward = each
            place = onward

    async with asyncio.TaskGroup() as group:
        for node in nodes:
            if not node.needs:
                group.create_task(follow(node.place))
    return values[-1]
