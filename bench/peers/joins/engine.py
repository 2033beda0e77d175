"""This engine's streaming join, with a deadline and spans."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from coach.engine.graph import Fixed, Task, TaskGraph
from coach.engine.runner import Inputs
from coach.engine.runner import run as run_graph


async def run(branches: Mapping[str, float], receive: Callable[[str], None]) -> None:
    async def answer(inputs: Inputs) -> None:
        async for name, _ in inputs.arrivals():
            receive(name)

    tasks = [Task(name, duration=Fixed(seconds)) for name, seconds in branches.items()]
    graph = TaskGraph([*tasks, Task("answer", tuple(branches), join="stream", call=answer)])
    await run_graph(graph, deadline_seconds=10, on_span=lambda span: None)
