"""asyncio.gather, level by level: the loop that people write first."""

from __future__ import annotations

import asyncio
import platform

from bench.peers.graphs import Graph, Node, tool

VERSION = f"Python {platform.python_version()}"
MODEL = "a barrier after every level"


def build(graph: Graph) -> list[list[Node]]:
    return graph.levels()


async def run(levels: list[list[Node]]) -> int:
    values: dict[int, int] = {}
    for level in levels:
        calls = [tool(node, [values[need] for need in node.needs]) for node in level]
        results = await asyncio.gather(*calls)
        values.update(zip((node.place for node in level), results, strict=True))
    return values[levels[-1][-1].place]
