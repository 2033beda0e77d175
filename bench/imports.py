# .venv/bin/python -m bench.imports --rounds 5
"""What importing the engine costs in a fresh interpreter, over importing asyncio, with the peers beside it.

Wall and CPU seconds of the import statement itself, memory and modules of the process after it. Bytecode is
there already, as after any first start: it lies in a folder of the measurement's own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from bench.environments import ROOT
from bench.figures import Section, Spread, at_most, spread, table
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
kb = 0
for line in open("/proc/self/status"):
    if line.startswith("VmRSS"): kb = int(line.split()[1])
print('{{"wall_ms": %f, "cpu_ms": %f, "mb": %f, "modules": %d}}' % (wall * 1e3, cpu * 1e3, kb / 1024, len(sys.modules)))
"""
BASE, ENGINE = "asyncio", "the engine, every module"


def once(python: Path, statement: str, bytecode: str) -> dict[str, float]:
    command = [str(python), "-c", PROGRAM.format(statement=statement)]
    environment = {**os.environ, "PYTHONPYCACHEPREFIX": bytecode}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True, timeout=60
    )
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(rounds: int) -> dict[str, list[dict[str, float]]]:
    pythons, _ = interpreters()
    wanted = {name: (pythons[who], said) for name, (who, said) in STATEMENTS.items() if who in pythons}
    found: dict[str, list[dict[str, float]]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as bytecode:
        for python, statement in wanted.values():
            once(python, statement, bytecode)
        for _ in range(rounds):
            for name, (python, statement) in wanted.items():
                found[name].append(once(python, statement, bytecode))
    return found


def over_asyncio(found: dict[str, list[dict[str, float]]], name: str, field: str) -> Spread | None:
    pairs = zip(found[name], found[BASE], strict=True)
    return spread(mine[field] - base[field] for mine, base in pairs)


def imports(rounds: int, tell: Callable[[str], None]) -> Section:
    rounds = max(rounds, 5)
    found = measure(rounds)
    tell("imports: measured")
    fields = ("wall_ms", "cpu_ms", "mb", "modules")
    rows = []
    for name, figures in found.items():
        cells = (spread(row[field] for row in figures) for field in fields)
        rows.append([name, *(cell.told(0 if i == 3 else 1) if cell else "" for i, cell in enumerate(cells))])
    return Section(
        name="imports",
        title="6. What importing it costs",
        command="python -m bench.imports",
        text="\n\n".join(
            [
                " ".join((__doc__ or "").split()),
                table(["", "wall, ms", "CPU, ms", "memory of the process, MB", "modules"], rows),
            ]
        ),
        goals=(
            at_most("importing every module, over asyncio", 60, over_asyncio(found, ENGINE, "cpu_ms"), "ms CPU",
                    note=f"wall: {_told(over_asyncio(found, ENGINE, 'wall_ms'))} ms"),
            at_most("its memory over asyncio", 6, over_asyncio(found, ENGINE, "mb"), "MB"),
        ),
        data=found,
    )  # fmt: skip


def _told(found: Spread | None) -> str:
    return found.told() if found else "–"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    section = imports(parser.parse_args().rounds, lambda line: print(line, file=sys.stderr))
    print(section.text, *section.goals, sep="\n")


if __name__ == "__main__":
    main()
