# .venv/bin/python -m bench.peers.joining by_hand
"""The join that may begin with its first branch, in the contenders: when the answer has its first result, and how
many it gets. Each in a process of its own, once to load and then so many times; one line of JSON.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from bench.children import Late, answer_of
from bench.figures import spread, table
from bench.peers.compare import interpreters
from bench.peers.graphs import travel
from bench.peers.measure import QUIET

TRIES = 2
LIMIT_SECONDS = 60
JOINS = {
    "by_hand": ("engine", "asyncio by hand, `as_completed`"),
    "engine": ("engine", "this engine, spans and deadline on"),
    "hamilton": ("hamilton", "hamilton"),
    "haystack": ("haystack", "haystack"),
    "pydantic_graph": ("pydantic_graph", "pydantic-graph, a join that takes the first value"),
    "langgraph": ("langgraph", "langgraph"),
    "llamaindex": ("llamaindex", "llama-index workflows, counter of ends written by the user"),
}
"""In whose environment, and what it is."""
BRANCHES = {node.name: node.seconds for node in travel().nodes if not node.needs}


async def join(contender: ModuleType) -> dict[str, float]:
    """Milliseconds until the first branch is received, and how many are by the end."""
    began, received = time.perf_counter(), []
    await contender.run(BRANCHES, lambda name: received.append((time.perf_counter() - began) * 1e3))
    return {"first_ms": received[0], "last_ms": received[-1], "received": len(received)}


Joins = dict[str, list[dict[str, float]]]


def joined(rounds: int) -> tuple[Joins, list[str]]:
    """Interleaved, and a sentence for each that had to be left out or failed."""
    pythons, left_out = interpreters()
    found: Joins = defaultdict(list)
    for _ in range(rounds):
        for name, (environment, _) in JOINS.items():
            if environment in pythons:
                found[name] += ask(pythons[environment], name)
    left_out += [f"{JOINS[name][1]} did not end well." for name, rows in found.items() if not rows]
    return found, left_out


def ask(python: Path, name: str) -> list[dict[str, float]]:
    command = [str(python), "-m", "bench.peers.joining", name]
    try:
        said = answer_of(command, os.environ, LIMIT_SECONDS)
    except (Late, subprocess.CalledProcessError):
        return []
    rows: list[dict[str, float]] = json.loads(said.splitlines()[-1])
    return rows


def joins_text(found: Joins, left_out: Sequence[str]) -> list[str]:
    rows = []
    for name, tries in found.items():
        first, last = (spread(each[field] for each in tries) for field in ("first_ms", "last_ms"))
        if first is not None and last is not None:
            least = f"{min(each['received'] for each in tries):.0f} of {len(BRANCHES)}"
            rows.append([JOINS[name][1], first.told(), last.told(), least])
    intro = (
        "**The same join elsewhere**, as far as a few lines can say it: four branches of 800, 600, 450 and 120 ms, and "
        "an answer that may begin with the first."
    )
    head = ["", "first result received, ms", "last, ms", "received"]
    return [intro, *left_out, table(head, rows)]


def main(name: str) -> None:
    os.environ.update(QUIET)
    contender = importlib.import_module(f"bench.peers.joins.{name}")
    found = [asyncio.run(join(contender)) for _ in range(1 + TRIES)]
    print(json.dumps(found[1:]))


if __name__ == "__main__":
    main(sys.argv[1])
