"""Haystack's pipeline: one component per node, its input sockets are its needs. Its default of four at once
is lifted to the size of the graph."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from haystack import Pipeline, component

from bench.peers.graphs import Graph, Node, tool

VERSION = f"haystack-ai {version('haystack-ai')}"
MODEL = "a priority queue made anew after every end"


@component
class Call:
    def __init__(self, graph: Graph, node: Node) -> None:
        self.node = node
        self.sockets = [graph.nodes[need].name for need in node.needs]
        for socket in self.sockets:
            component.set_input_type(self, socket, int)
        if not self.sockets:
            component.set_input_type(self, "go", bool)

    @component.output_types(value=int)
    def run(self, **given: Any) -> dict[str, int]:
        raise RuntimeError("only the asynchronous side is measured")

    @component.output_types(value=int)
    async def run_async(self, **given: Any) -> dict[str, int]:
        return {"value": await tool(self.node, [given[socket] for socket in self.sockets])}


def build(graph: Graph) -> tuple[Any, Graph]:
    pipeline = Pipeline()
    for node in graph.nodes:
        pipeline.add_component(node.name, Call(graph, node))
    for node in graph.nodes:
        for need in node.needs:
            name = graph.nodes[need].name
            pipeline.connect(f"{name}.value", f"{node.name}.{name}")
    return pipeline, graph


async def run(prepared: tuple[Any, Graph]) -> int:
    pipeline, graph = prepared
    start = {node.name: {"go": True} for node in graph.nodes if not node.needs}
    out = await pipeline.run_async(start, concurrency_limit=len(graph.nodes))
    return int(out[graph.sink.name]["value"])
