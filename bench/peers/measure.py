# .venv/bin/python -m bench.peers.measure engine e
"""One contender, some scenarios, measured in this process; one line of JSON for each.

    python -m bench.peers.measure CONTENDER SCENARIO [SCENARIO ...]

Build, one warm-up run whose tools do not wait, collect garbage, then the runs that count. Wall seconds of
one run; CPU of the process (all threads) per node; where the scenario listens, by how much a 5 ms heartbeat
on the same loop came late at worst, and the most CPU that the process spent between two beats (what it held
the loop for itself: other programs of a shared machine make a beat late too); how far the memory of the
process grew per live run.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import sys
import time
from types import ModuleType
from typing import Any

from bench.peers.graphs import SCENARIOS, Graph, Pace, Scenario

BEAT_SECONDS = 0.005
ENOUGH_SECONDS = 1.0
"""Repeats end here."""
TOO_SLOW_SECONDS = 0.5
"""After such a run, the larger graphs of the same list are left out."""
QUIET = {
    "HAMILTON_TELEMETRY_ENABLED": "false",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "LANGSMITH_TRACING": "false",
    "LANGCHAIN_TRACING_V2": "false",
    "DO_NOT_TRACK": "1",
}


def memory_kb(field: str) -> int | None:
    """`VmRSS` or `VmHWM` of this process; None where the system does not tell."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            lines = [line.split() for line in status if line.startswith(f"{field}:")]
        return int(lines[0][1])
    except (OSError, IndexError):
        return None


def forget_peak() -> None:
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as door:
            door.write("5")
    except OSError:
        return


class Heart:
    """Beats on the loop that is measured; notes the worst delay and the most CPU between two beats."""

    def __init__(self) -> None:
        self.late = self.held = 0.0

    async def beat(self) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            due, spent = clock() + BEAT_SECONDS, time.process_time()
            await asyncio.sleep(BEAT_SECONDS)
            self.late = max(self.late, clock() - due)
            self.held = max(self.held, time.process_time() - spent)


async def play(contender: ModuleType, prepared: Any, scenario: Scenario, right: int) -> int:
    """How often the whole was repeated."""
    began = time.perf_counter()
    for number in range(scenario.repeats):
        runs = [contender.run(prepared) for _ in range(scenario.at_once)]
        values = [await runs[0]] if len(runs) == 1 else await asyncio.gather(*runs)
        if set(values) != {right}:
            raise ValueError(f"wrong answer: {sorted(set(values))[:3]}, not {right}")
        if time.perf_counter() - began > ENOUGH_SECONDS:
            return number + 1
    return scenario.repeats


async def warm_up(contender: ModuleType, prepared: Any, right: int) -> None:
    Pace.share = 0.0
    try:
        value = await contender.run(prepared)
    finally:
        Pace.share = 1.0
    if value != right:
        raise ValueError(f"wrong answer: {value}, not {right}")


async def measure(contender: ModuleType, scenario: Scenario, *, warm: bool) -> dict[str, Any]:
    graph, right = scenario.make(), scenario.make().expected()
    began = time.perf_counter()
    prepared = contender.build(graph)
    build_seconds = time.perf_counter() - began
    if warm:
        await warm_up(contender, prepared, right)
    gc.collect()
    heart = Heart()
    beating = asyncio.create_task(heart.beat()) if scenario.listens else None
    await asyncio.sleep(0.02)
    heart.late = heart.held = 0.0
    forget_peak()
    before = memory_kb("VmRSS")
    wall, cpu = time.perf_counter(), time.process_time()
    repeats = await play(contender, prepared, scenario, right)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = memory_kb("VmHWM")
    if beating is not None:
        beating.cancel()
    row = figures(graph, scenario, wall / repeats, cpu / repeats)
    row["build_seconds"] = build_seconds
    if scenario.listens:
        row |= {"lag_ms": heart.late * 1e3, "held_ms": heart.held * 1e3}
    if scenario.at_once > 1 and before is not None and peak is not None:
        row["kb_per_run"] = (peak - before) / scenario.at_once
    return row


def figures(graph: Graph, scenario: Scenario, wall: float, cpu: float) -> dict[str, Any]:
    nodes, critical = len(graph.nodes), graph.critical_seconds()
    return {
        "nodes": nodes,
        "wall_seconds": wall,
        "critical_seconds": critical,
        "times_critical": wall / critical if critical else None,
        "cpu_us_per_node": cpu / (nodes * scenario.at_once) * 1e6,
        "cpu_seconds": cpu,
    }


def main(name: str, scenarios: list[str], *, warm: bool, growing: bool) -> None:
    os.environ.update(QUIET)
    sys.setrecursionlimit(100_000)
    contender = importlib.import_module(f"bench.peers.contenders.{name}")
    for each in scenarios:
        row: dict[str, Any] = {"contender": name, "version": contender.VERSION, "scenario": each}
        try:
            row |= asyncio.run(measure(contender, SCENARIOS[each], warm=warm))
        except Exception as error:  # what a contender raises is part of its result
            row["error"] = f"{type(error).__name__}: {error}".splitlines()[0][:160]
        print(json.dumps(row), flush=True)
        if growing and ("error" in row or row["wall_seconds"] > TOO_SLOW_SECONDS):
            return


if __name__ == "__main__":
    wanted = [each for each in sys.argv[2:] if not each.startswith("--")]
    main(sys.argv[1], wanted, warm="--cold" not in sys.argv, growing="--growing" in sys.argv)
