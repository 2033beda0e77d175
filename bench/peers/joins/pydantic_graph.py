"""pydantic-graph: a join that takes the first value. It cancels the branches that are still running."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from pydantic_graph import GraphBuilder, ReduceFirstValue, StepContext


async def run(branches: Mapping[str, float], receive: Callable[[str], None]) -> None:
    builder = GraphBuilder(output_type=str)

    def branch(name: str, seconds: float) -> Any:
        async def call(_: StepContext[None, None, None]) -> str:
            await asyncio.sleep(seconds)
            return name

        return builder.step(call, node_id=name)

    @builder.step
    async def answer(context: StepContext[None, None, str]) -> str:
        receive(context.inputs)
        return context.inputs

    steps = [branch(*each) for each in branches.items()]
    join = builder.join(ReduceFirstValue[str](), initial="", node_id="first")
    builder.add(
        builder.edge_from(builder.start_node).to(*steps),
        *(builder.edge_from(step).to(join) for step in steps),
        builder.edge_from(join).to(answer),
        builder.edge_from(answer).to(builder.end_node),
    )
    await builder.build().run()
