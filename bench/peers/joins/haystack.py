"""Haystack: a socket that takes any number of values. A greedy one begins no sooner, for the pipeline runs such a
component by itself, after all that is running; and it gets one value only.

Annotations are not postponed here: the kind of a socket is read from them.
"""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from haystack import Pipeline, component
from haystack.core.component.types import Variadic


@component
class Branch:
    def __init__(self, name: str, seconds: float) -> None:
        self.name, self.seconds = name, seconds

    @component.output_types(value=str)
    def run(self, go: bool) -> dict[str, str]:  # noqa: FBT001
        raise RuntimeError("only the asynchronous side is measured")

    @component.output_types(value=str)
    async def run_async(self, go: bool) -> dict[str, str]:  # noqa: FBT001
        await asyncio.sleep(self.seconds)
        return {"value": self.name}


@component
class Answer:
    def __init__(self, receive: Callable[[str], None]) -> None:
        self.receive = receive

    @component.output_types(count=int)
    def run(self, values: Variadic[str]) -> dict[str, int]:
        names = list(values)
        for name in names:
            self.receive(name)
        return {"count": len(names)}


async def run(branches: Mapping[str, float], receive: Callable[[str], None]) -> None:
    pipeline: Any = Pipeline()
    pipeline.add_component("answer", Answer(receive))
    for name, seconds in branches.items():
        pipeline.add_component(name, Branch(name, seconds))
        pipeline.connect(f"{name}.value", "answer.values")
    await pipeline.run_async({name: {"go": True} for name in branches}, concurrency_limit=len(branches) + 1)
