"""LangGraph's functional API: its tasks are futures, and in which order they are begun is the user's own code,
here the asyncio program of the shortest kind. LangGraph runs and records each task; there is no graph."""

from __future__ import annotations

import asyncio
from importlib.metadata import version
from typing import Any

from langgraph.func import entrypoint, task

from bench.peers.graphs import Graph, Node, tool

VERSION = f"langgraph {version('langgraph')}"
MODEL = "futures; the user's asyncio code decides the order"


def build(graph: Graph) -> Any:
    @task
    async def call(place: int, values: list[int]) -> int:
        return await tool(graph.nodes[place], values)

    @entrypoint()
    async def flow(_: dict[str, Any]) -> int:
        begun: list[asyncio.Task[int]] = []

        async def follow(node: Node) -> int:
            return await call(node.place, [await begun[need] for need in node.needs])

        for node in graph.nodes:
            begun.append(asyncio.create_task(follow(node)))
        return await begun[-1]

    return flow


async def run(flow: Any) -> int:
    return int(await flow.ainvoke({}, {"recursion_limit": 1_000_000}))
