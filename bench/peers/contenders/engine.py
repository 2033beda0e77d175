"""This project's engine, as its users have it: a span for every task as it ends, and a deadline."""

from __future__ import annotations

from bench.peers.graphs import Graph, Node, tool
from coach.engine.graph import Fixed, Task, TaskGraph
from coach.engine.runner import Inputs
from coach.engine.runner import run as run_graph
from coach.engine.trace import Span

VERSION = "this commit"
MODEL = "pending counters, one successor goes on in the same task; spans and a deadline on"
DEADLINE_SECONDS = 120.0


def build(graph: Graph) -> TaskGraph:
    return TaskGraph([task_of(graph, node) for node in graph.nodes])


def task_of(graph: Graph, node: Node) -> Task:
    needs = tuple(graph.nodes[need].name for need in node.needs)

    async def call(inputs: Inputs) -> int:
        return await tool(node, [inputs[name] for name in needs])

    return Task(node.name, needs, duration=Fixed(node.seconds), call=call)


async def run(graph: TaskGraph) -> int:
    spans: list[Span] = []
    result = await run_graph(graph, deadline_seconds=DEADLINE_SECONDS, on_span=spans.append)
    assert len(spans) == len(graph)
    return int(result[graph.order[-1]])
