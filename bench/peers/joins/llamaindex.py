"""LlamaIndex workflows: the answer is called once for each branch that ends; that it ends after the last one is a
counter of the user's own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from workflows import Context, Workflow, step
from workflows.events import Event, StartEvent, StopEvent


class Begun(Event):
    name: str
    seconds: float


class Ended(Event):
    name: str


async def run(branches: Mapping[str, float], receive: Callable[[str], None]) -> None:
    left = set(branches)

    class Flow(Workflow):
        @step
        async def start(self, context: Context, _: StartEvent) -> Begun | None:
            for name, seconds in branches.items():
                context.send_event(Begun(name=name, seconds=seconds))

        @step(num_workers=len(branches))
        async def branch(self, begun: Begun) -> Ended:
            await asyncio.sleep(begun.seconds)
            return Ended(name=begun.name)

        @step(num_workers=1)
        async def answer(self, ended: Ended) -> StopEvent | None:
            receive(ended.name)
            left.discard(ended.name)
            return None if left else StopEvent(result=None)

    await Flow(timeout=None).run()
