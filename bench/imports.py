# .venv/bin/python -m bench.imports --rounds 5
"""What importing the engine costs in a fresh interpreter, over importing asyncio, with the peers beside it.

Wall and CPU seconds of the import statement itself, memory of the process after it where the system tells, and
its modules. Bytecode is there already, as after any first start: it lies in a folder of the measurement's own.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections import defaultdict
from pathlib import Path

from bench.environments import ROOT
from bench.figures import Section, Spread, at_most, spread, table
from bench.part import Part, Tell
from bench.peers.compare import interpreters

MODULES = sorted(path.stem for path in (ROOT / "coach" / "engine").glob("*.py") if path.stem != "__init__")
WHOLE = "import asyncio, " + ", ".join(f"coach.engine.{name}" for name in MODULES)
STATEMENTS = {
    "asyncio": ("engine", "import asyncio"),
    "the engine, what a run needs": ("engine", "import asyncio, coach.engine.runner"),
    "the engine, every module": ("engine", WHOLE),
    "hamilton": ("hamilton", "from hamilton import async_driver"),
    "haystack": ("haystack", "from haystack import Pipeline"),
    "pydantic-graph": ("pydantic_graph", "import pydantic_graph"),
    "langgraph": ("langgraph", "from langgraph.graph import StateGraph"),
    "llama-index workflows": ("llamaindex", "import workflows"),
}
PROGRAM = """
import sys, time
wall, cpu = time.perf_counter(), time.process_time()
{statement}
wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
mb = "null"
try:
    for line in open("/proc/self/status"):
        if line.startswith("VmRSS"): mb = int(line.split()[1]) / 1024
except OSError:
    pass
print('{{"wall_ms": %f, "cpu_ms": %f, "mb": %s, "modules": %d}}' % (wall * 1e3, cpu * 1e3, mb, len(sys.modules)))
"""
BASE, ENGINE = "asyncio", "the engine, every module"
FIELDS = {"wall_ms": 1, "cpu_ms": 1, "mb": 1, "modules": 0}
"""And the digits that are told of them."""
LEAST_ROUNDS = 5
TIME = at_most("importing every module, over asyncio", 60, "ms CPU")
MEMORY = at_most("its memory over asyncio", 6, "MB")

Figures = dict[str, list[dict[str, float | None]]]


def once(python: Path, statement: str, bytecode: str) -> dict[str, float | None]:
    command = [str(python), "-c", PROGRAM.format(statement=statement)]
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    found: dict[str, float | None] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(rounds: int) -> Figures:
    pythons, _ = interpreters()
    wanted = {name: (pythons[who], said) for name, (who, said) in STATEMENTS.items() if who in pythons}
    found: Figures = defaultdict(list)
    with tempfile.TemporaryDirectory() as bytecode:
        for python, statement in wanted.values():
            once(python, statement, bytecode)
        for _ in range(rounds):
            for name, (python, statement) in wanted.items():
                found[name].append(once(python, statement, bytecode))
    return found


def over_asyncio(found: Figures, name: str, field: str) -> Spread | None:
    pairs = [(mine[field], base[field]) for mine, base in zip(found[name], found[BASE], strict=True)]
    return spread(mine - base for mine, base in pairs if mine is not None and base is not None)


def judge(rounds: int, tell: Tell) -> Section:
    found = measure(max(rounds, LEAST_ROUNDS))
    tell("imports: measured")
    wall = over_asyncio(found, ENGINE, "wall_ms")
    return Section(
        text="\n\n".join([" ".join((__doc__ or "").split()), table_of(found)]),
        goals=(
            TIME.of(over_asyncio(found, ENGINE, "cpu_ms"), note=f"wall: {wall.told()} ms" if wall else ""),
            MEMORY.of(over_asyncio(found, ENGINE, "mb")),
        ),
        data=found,
    )


def table_of(found: Figures) -> str:
    rows = []
    for name, figures in found.items():
        cells = [(spread(row[field] for row in figures), digits) for field, digits in FIELDS.items()]
        rows.append([name, *(cell.told(digits) if cell else "–" for cell, digits in cells)])
    return table(["", "wall, ms", "CPU, ms", "memory of the process, MB", "modules"], rows)


IMPORTS = Part(
    name="imports",
    title="6. What importing it costs",
    command="python -m bench.imports",
    promises=(TIME, MEMORY),
    measure=judge,
)


if __name__ == "__main__":
    IMPORTS.main()
