"""Every contender on every graph: a fresh process for each measurement, interleaved round by round, another
contender first each round.

A measurement that fails, answers wrongly or takes too long is not repeated; what it said stands in its cell.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.environments import ROOT, Missing, python_for
from bench.figures import Spread, spread

CONTENDERS = {
    "engine": "this engine, spans and deadline on",
    "gather": "asyncio, gather by levels",
    "taskgroup": "asyncio, TaskGroup",
    "inline": "asyncio, inline counters",
    "hamilton": "hamilton",
    "haystack": "haystack",
    "pydantic_graph": "pydantic-graph",
    "pydantic_graph_ready": "pydantic-graph, one step; order written by the user",
    "langgraph": "langgraph",
    "langgraph_func": "langgraph, functional API; order written by the user",
    "llamaindex": "llama-index workflows",
}
ENVIRONMENTS = {"pydantic_graph_ready": "pydantic_graph", "langgraph_func": "langgraph"}
"""Of contenders that share another's."""
PLAIN = ("engine", "gather", "taskgroup", "inline")
SLOW_SECONDS = 8.0
LIMITS = {"a": 30.0, "d": 60.0, "e": 30.0, "x_1000": 30.0}
LIMIT_SECONDS, GROWING_SECONDS = 12.0, 6.0
COLD = {("llamaindex", "d")}
"""Measured without a warm-up run, for one alone takes half a minute."""

Row = dict[str, Any]
Figures = dict[tuple[str, str], list[Row]]


def interpreters() -> tuple[dict[str, Path], list[str]]:
    """The interpreter of each contender, and a sentence for each that had to be left out."""
    found: dict[str, Path] = {name: Path(sys.executable) for name in PLAIN}
    left_out: list[str] = []
    for name, told in CONTENDERS.items():
        if name not in found:
            try:
                found[name] = python_for(requirements_of(name))
            except Missing as reason:
                left_out.append(f"{told}: {reason}")
    return {name: found[name] for name in CONTENDERS if name in found}, left_out


def requirements_of(name: str) -> Path:
    environment = ENVIRONMENTS.get(name, name).replace("_", "-")
    return ROOT / "bench" / "peers" / "requirements" / f"{environment}.txt"


def ask(python: Path, contender: str, scenarios: Sequence[str], *, growing: bool = False) -> list[Row]:
    """One fresh process. What it had said before it was stopped counts."""
    limit = GROWING_SECONDS if growing else LIMITS.get(scenarios[0], LIMIT_SECONDS)
    command = [str(python), "-m", "bench.peers.measure", contender, *scenarios]
    if (contender, scenarios[0]) in COLD:
        command.append("--cold")
    if growing:
        command.append("--growing")
    environment = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=limit
        )
        said, complaint = done.stdout, (done.stderr.strip().splitlines() or ["no answer"])[-1][:120]
    except subprocess.TimeoutExpired as late:
        said = late.stdout.decode() if isinstance(late.stdout, bytes) else late.stdout or ""
        complaint = f"over {limit:g} s"
    rows = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    missing = [each for each in scenarios if each not in {row["scenario"] for row in rows}]
    if growing and rows:
        missing = missing[:1] if complaint.startswith("over") else []
    return rows + [_failed(contender, each, complaint) for each in missing]


def _failed(contender: str, scenario: str, why: str) -> Row:
    return {"contender": contender, "scenario": scenario, "error": why}


class Comparison:
    """Collects rows; asks nobody twice who failed or was slow."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        self.pythons, self.left_out = interpreters()
        self.figures: Figures = defaultdict(list)
        self.tell = tell
        self._over: set[tuple[str, str]] = set()

    def round(
        self,
        groups: Sequence[Sequence[str]],
        number: int,
        names: Sequence[str] = tuple(CONTENDERS),
        *,
        growing: bool = False,
    ) -> None:
        """Each group of scenarios once in every contender, each group in a process of its own."""
        names = [name for name in names if name in self.pythons]
        turn = number % len(names)
        for group in groups:
            for name in [*names[turn:], *names[:turn]]:
                wanted = [each for each in group if (name, each) not in self._over]
                for row in ask(self.pythons[name], name, wanted, growing=growing) if wanted else ():
                    self._keep(row)
            self.tell(f"peers, round {number + 1}: {', '.join(group)}")

    def _keep(self, row: Row) -> None:
        key = (row["contender"], row["scenario"])
        self.figures[key].append(row)
        if "error" in row or row["cpu_seconds"] > SLOW_SECONDS:
            self._over.add(key)

    def spread(self, contender: str, scenario: str, field: str) -> Spread | None:
        return spread(row.get(field) for row in self.figures[contender, scenario])

    def error(self, contender: str, scenario: str) -> str:
        return next((row["error"] for row in self.figures[contender, scenario] if "error" in row), "")
