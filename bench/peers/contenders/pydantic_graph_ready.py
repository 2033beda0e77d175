"""pydantic-graph with a counter of the user's own: one generic step counts down what waits for it and is mapped
over the nodes that became ready. So it runs the graphs on which its joins fire too early."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from pydantic_graph import GraphBuilder, StepContext

from bench.peers.graphs import Graph, tool

VERSION = f"pydantic-graph {version('pydantic-graph')}"
MODEL = "one mapped step; the user's counters decide the order"


@dataclass
class State:
    left: list[int]
    values: dict[int, int] = field(default_factory=dict)


@dataclass
class Done:
    value: int


def build(graph: Graph) -> tuple[Any, Graph]:
    builder = GraphBuilder(state_type=State, output_type=Done)
    followers = graph.followers()

    @builder.step
    async def roots(_: StepContext[State, None, None]) -> list[int]:
        return [node.place for node in graph.nodes if not node.needs]

    @builder.step
    async def call(context: StepContext[State, None, int]) -> list[int] | Done:
        node, state = graph.nodes[context.inputs], context.state
        value = await tool(node, [state.values[need] for need in node.needs])
        state.values[node.place] = value
        if node is graph.sink:
            return Done(value)
        for each in followers[node.place]:
            state.left[each] -= 1
        return [each for each in followers[node.place] if not state.left[each]]

    onward = builder.decision().branch(builder.match(Done).to(builder.end_node))
    builder.add(
        builder.edge_from(builder.start_node).to(roots),
        builder.edge_from(roots).map().to(call),
        builder.edge_from(call).to(onward.branch(builder.match(list).map().to(call))),
    )
    return builder.build(), graph


async def run(prepared: tuple[Any, Graph]) -> int:
    flow, graph = prepared
    done = await flow.run(state=State([len(node.needs) for node in graph.nodes]))
    return int(done.value)
