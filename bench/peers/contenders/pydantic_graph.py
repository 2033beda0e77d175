"""pydantic-graph's builder: a join in front of every node of several needs, a fork behind every node of
several followers. A join fires when no running task of its fork can still reach it."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from pydantic_graph import GraphBuilder, StepContext, reduce_dict_update

from bench.peers.graphs import Graph, Node, tool

VERSION = f"pydantic-graph {version('pydantic-graph')}"
MODEL = "forks and joins; a join waits until nothing can reach it any more"


def call_of(node: Node) -> Any:
    async def call(context: StepContext[None, None, dict]) -> dict:
        known = context.inputs or {}
        return {node.place: await tool(node, [known[need] for need in node.needs])}

    return call


def build(graph: Graph) -> tuple[Any, int]:
    builder = GraphBuilder(output_type=dict)
    steps = [builder.step(call_of(node), node_id=node.name) for node in graph.nodes]
    doors: list[Any] = list(steps)
    for node in graph.nodes:
        if len(node.needs) > 1:
            join = builder.join(reduce_dict_update, initial_factory=dict, node_id=f"before_{node.name}")
            builder.add(builder.edge_from(join).to(steps[node.place]))
            doors[node.place] = join
    roots = [doors[node.place] for node in graph.nodes if not node.needs]
    builder.add(builder.edge_from(builder.start_node).to(*roots))
    for place, after in enumerate(graph.followers()):
        onward = [doors[each] for each in after] or [builder.end_node]
        builder.add(builder.edge_from(steps[place]).to(*onward))
    return builder.build(), graph.sink.place


async def run(prepared: tuple[Any, int]) -> int:
    graph, sink = prepared
    return int((await graph.run())[sink])
