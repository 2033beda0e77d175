"""LangGraph's StateGraph. An edge from a list of nodes waits for all of them; results meet in one dict that
is merged, the usual way to collect parallel branches."""

from __future__ import annotations

import operator
from importlib.metadata import version
from typing import Annotated, Any, TypedDict

from langgraph.graph import END, START, StateGraph

from bench.peers.graphs import Graph, Node, tool

VERSION = f"langgraph {version('langgraph')}"
MODEL = "supersteps: a step ends before the next begins"


class State(TypedDict):
    values: Annotated[dict[int, int], operator.or_]


def call_of(node: Node) -> Any:
    async def call(state: State) -> dict[str, dict[int, int]]:
        known = state["values"]
        return {"values": {node.place: await tool(node, [known[need] for need in node.needs])}}

    return call


def build(graph: Graph) -> tuple[Any, int]:
    builder = StateGraph(State)
    for node in graph.nodes:
        builder.add_node(node.name, call_of(node))
    for node in graph.nodes:
        before = [graph.nodes[need].name for need in node.needs] or [START]
        builder.add_edge(before if len(before) > 1 else before[0], node.name)
    builder.add_edge(graph.sink.name, END)
    return builder.compile(), graph.sink.place


async def run(prepared: tuple[Any, int]) -> int:
    app, sink = prepared
    state = await app.ainvoke({"values": {}}, {"recursion_limit": 1_000_000})
    return int(state["values"][sink])
