"""asyncio.TaskGroup: one asyncio task per node, each awaits those it needs. The shortest correct program."""

from __future__ import annotations

import asyncio
import platform

from bench.peers.graphs import Graph, Node, tool

VERSION = f"Python {platform.python_version()}"
MODEL = "a task per node, awaiting its needs"


def build(graph: Graph) -> tuple[Node, ...]:
    return graph.nodes


async def run(nodes: tuple[Node, ...]) -> int:
    tasks: list[asyncio.Task[int]] = []

    async def call(node: Node) -> int:
        values = [await tasks[need] for need in node.needs]
        return await tool(node, values)

    async with asyncio.TaskGroup() as group:
        tasks.extend(group.create_task(call(node)) for node in nodes)
    return tasks[-1].result()
