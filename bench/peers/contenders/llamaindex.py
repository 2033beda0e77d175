"""LlamaIndex workflows: one event class and one step per node. A step that takes several events waits for
one of each; an event goes to every step that takes its class."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from workflows import Workflow, step
from workflows.events import Event, StartEvent, StopEvent

from bench.peers.graphs import Graph, Node, tool

VERSION = f"llama-index-workflows {version('llama-index-workflows')}"
MODEL = "events are routed to steps; a step of several events is a join"


def step_of(graph: Graph, node: Node, events: list[type[Event]]) -> Any:
    gives: type[Event] = StopEvent if node is graph.sink else events[node.place]

    async def body(given: tuple[Any, ...]) -> Any:
        value = await tool(node, [event.value for event in given] if node.needs else [])
        return StopEvent(result=value) if gives is StopEvent else gives(value=value)

    # The signature is the wiring, so it is written from the needs.
    takes = [f"e{need}: events[{need}]" for need in node.needs] or ["start: StartEvent"]
    names = "".join(f"{each.split(':')[0]}, " for each in takes)
    source = f"async def {node.name}(self, {', '.join(takes)}) -> gives:\n    return await body(({names}))\n"
    space = {"events": events, "StartEvent": StartEvent, "gives": gives, "body": body}
    exec(source, space)  # noqa: S102
    made: Any = space[node.name]
    made.__qualname__ = f"Flow.{node.name}"  # a method, not a free function
    return step(made)


def build(graph: Graph) -> Any:
    fields = {"__annotations__": {"value": int}}
    events = [type(f"Event{node.place}", (Event,), dict(fields)) for node in graph.nodes]
    steps = {node.name: step_of(graph, node, events) for node in graph.nodes}
    return type("Flow", (Workflow,), steps)(timeout=None)


async def run(flow: Any) -> int:
    return int(await flow.run())
