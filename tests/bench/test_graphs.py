"""The graphs of the comparison are what the report says, and the contenders without dependencies run them."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Iterator
from types import ModuleType

import pytest

from bench.environments import ROOT
from bench.peers.compare import CONTENDERS, PLAIN, requirements_of
from bench.peers.graphs import MAIN, SCENARIOS, STRESS, Graph, Pace, chain, fan, layered, travel


@pytest.fixture(autouse=True)
def no_waiting() -> Iterator[None]:
    Pace.share = 0.0
    yield
    Pace.share = 1.0


@pytest.mark.parametrize(
    ("graph", "serial", "levels", "critical"),
    [
        (travel(), 2.27, 1.1, 1.1),
        (travel(("flights",)), 2.27, 1.7, 1.7),
        (travel(("loyalty",)), 2.27, 1.7, 1.1),
        (layered(), 22.612, 2.811, 1.148),
    ],
    ids=["a", "a_hf", "a_hl", "d"],
)
def test_graph_has_the_bounds_of_the_report(
    graph: Graph, serial: float, levels: float, critical: float
) -> None:
    found = (graph.serial_seconds(), graph.level_seconds(), graph.critical_seconds())
    assert found == pytest.approx((serial, levels, critical), abs=5e-4)


@pytest.mark.parametrize("name", [*MAIN, *STRESS])
def test_graph_stands_after_its_needs_and_has_one_sink(name: str) -> None:
    graph = SCENARIOS[name].make()
    assert all(need < node.place for node in graph.nodes for need in node.needs)
    assert [place for place, after in enumerate(graph.followers()) if not after] == [graph.sink.place]


@pytest.fixture(params=PLAIN)
def contender(request: pytest.FixtureRequest) -> ModuleType:
    return importlib.import_module(f"bench.peers.contenders.{request.param}")


@pytest.mark.parametrize(
    "graph", [travel(), fan(30), chain(30), layered(6, 5)], ids=["a", "fan", "chain", "d"]
)
def test_contender_gives_the_sink_value(contender: ModuleType, graph: Graph) -> None:
    prepared = contender.build(graph)
    assert asyncio.run(contender.run(prepared)) == graph.expected()


@pytest.mark.parametrize("name", CONTENDERS)
def test_contender_has_its_module_and_its_environment(name: str) -> None:
    assert (ROOT / "bench" / "peers" / "contenders" / f"{name}.py").exists()
    assert name in PLAIN or requirements_of(name).exists()
