"""LangGraph: an edge of its own from each branch, so that any one of them may start the answer."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Callable, Mapping
from typing import Annotated, Any, TypedDict

from langgraph.graph import END, START, StateGraph


class State(TypedDict):
    ended: Annotated[list[str], operator.add]


async def run(branches: Mapping[str, float], receive: Callable[[str], None]) -> None:
    def branch(name: str, seconds: float) -> Any:
        async def call(_: State) -> dict[str, list[str]]:
            await asyncio.sleep(seconds)
            return {"ended": [name]}

        return call

    async def answer(state: State) -> dict[str, list[str]]:
        for name in state["ended"]:
            receive(name)
        return {"ended": []}

    builder = StateGraph(State)
    builder.add_node("answer", answer)
    builder.add_edge("answer", END)
    for name, seconds in branches.items():
        builder.add_node(name, branch(name, seconds))
        builder.add_edge(START, name)
        builder.add_edge(name, "answer")
    await builder.compile().ainvoke({"ended": []})
