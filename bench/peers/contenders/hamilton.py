"""Hamilton's async driver: one function per node, its parameters' names are its needs."""

from __future__ import annotations

import inspect
from importlib.metadata import version
from itertools import count
from typing import Any

from hamilton import ad_hoc_utils, async_driver, base

from bench.peers.graphs import Graph, Node, tool

VERSION = f"sf-hamilton {version('sf-hamilton')}"
MODEL = "a task per node, made up front, awaiting its needs"
_modules = count()


def call_of(graph: Graph, node: Node) -> Any:
    names = [graph.nodes[need].name for need in node.needs]

    async def call(**given: int) -> int:
        return await tool(node, [given[name] for name in names])

    # The parameters' names are the wiring, so they are made from the needs.
    parameters = [inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, annotation=int) for n in names]
    call.__signature__ = inspect.Signature(parameters, return_annotation=int)  # type: ignore[attr-defined]
    call.__annotations__ = {**dict.fromkeys(names, int), "return": int}
    call.__name__ = call.__qualname__ = node.name
    return call


def build(graph: Graph) -> tuple[Any, str]:
    calls = [call_of(graph, node) for node in graph.nodes]
    module = ad_hoc_utils.create_temporary_module(*calls, module_name=f"graph_{next(_modules)}")
    return async_driver.AsyncDriver({}, module, result_builder=base.DictResult()), graph.sink.name


async def run(prepared: tuple[Any, str]) -> int:
    driver, sink = prepared
    if not driver.initialized:
        await driver.ainit()
    return int((await driver.execute([sink]))[sink])
