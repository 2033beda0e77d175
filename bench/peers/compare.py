# .venv/bin/python -m bench.peers.compare --rounds 3
"""Every contender on every graph: a fresh process for each measurement, interleaved round by round, another
contender first each round.

A measurement that fails, answers wrongly or takes too long is not repeated; what it said stands in its cell.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.environments import ROOT, Missing, python_for
from bench.figures import Goal, Section, Spread, at_most, spread, table
from bench.peers.graphs import GROWTH, MAIN, SCENARIOS, STRESS

CONTENDERS = {
    "engine": "this engine, spans and deadline on",
    "gather": "asyncio, gather by levels",
    "taskgroup": "asyncio, TaskGroup",
    "inline": "asyncio, inline counters",
    "hamilton": "hamilton",
    "haystack": "haystack",
    "pydantic_graph": "pydantic-graph",
    "langgraph": "langgraph",
    "llamaindex": "llama-index workflows",
}
PLAIN = ("engine", "gather", "taskgroup", "inline")
SLOW_SECONDS = 8.0
LIMITS = {"a": 30.0, "d": 60.0, "e": 30.0, "x_1000": 30.0}
LIMIT_SECONDS = 12.0

Row = dict[str, Any]
Figures = dict[tuple[str, str], list[Row]]


def interpreters() -> tuple[dict[str, Path], list[str]]:
    """The interpreter of each contender, and a sentence for each that had to be left out."""
    found: dict[str, Path] = {name: Path(sys.executable) for name in PLAIN}
    left_out: list[str] = []
    for name in CONTENDERS:
        if name not in found:
            requirements = ROOT / "bench" / "peers" / "requirements" / f"{name.replace('_', '-')}.txt"
            try:
                found[name] = python_for(requirements)
            except Missing as reason:
                left_out.append(str(reason))
    return {name: found[name] for name in CONTENDERS if name in found}, left_out


def ask(python: Path, contender: str, scenarios: Sequence[str], *, growing: bool = False) -> list[Row]:
    """One fresh process. What it had said before it was stopped counts."""
    limit = LIMITS.get(scenarios[0], LIMIT_SECONDS)
    command = [str(python), "-m", "bench.peers.measure", contender, *scenarios]
    if scenarios[0] == "d" and contender == "llamaindex":
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


def compare(rounds: int, tell: Callable[[str], None]) -> Section:
    """Everything. Memory and lag are measured in processes of their own, where nothing ran before."""
    comparison = Comparison(tell)
    for number in range(rounds):
        comparison.round([["a", "a_hf", "a_hl", "b", "c"], ["d"], ["e"]], number)
        names = tuple(CONTENDERS) if not number else PLAIN
        comparison.round([STRESS[:-1], STRESS[-1:]], number, names)
        comparison.round(list(GROWTH.values()), number, names, growing=True)
    return Section(
        name="peers",
        title="1. Against other engines",
        command="python -m bench.peers.compare",
        text=text_of(comparison),
        goals=goals_of(comparison),
        data=[row for rows in comparison.figures.values() for row in rows],
    )


# Words


def cell(c: Comparison, name: str, scenario: str, field: str, *, digits: int = 1, full: bool = False) -> str:
    found = c.spread(name, scenario, field)
    if found is None:
        error = c.error(name, scenario)
        return error.split(":")[0] if error else "–"
    return found.told(digits) if full else found.short(digits)


def grid(c: Comparison, scenarios: Sequence[str], field: str, *, digits: int, full: bool = False) -> str:
    rows = [
        [CONTENDERS[name], *(cell(c, name, each, field, digits=digits, full=full) for each in scenarios)]
        for name in c.pythons
    ]
    return table(["", *scenarios], rows)


def versions(c: Comparison) -> str:
    seen = {name: row["version"] for (name, _), rows in c.figures.items() for row in rows if "version" in row}
    return "; ".join(f"{CONTENDERS[name]}: {version}" for name, version in seen.items() if version)


def shapes() -> str:
    rows = []
    for name in (*MAIN, *STRESS):
        graph = SCENARIOS[name].make()
        bounds = (graph.serial_seconds(), graph.level_seconds(), graph.critical_seconds())
        rows.append([f"{name}: {SCENARIOS[name].says}", len(graph.nodes), *(f"{b:.3f}" for b in bounds)])
    return table(["graph", "nodes", "in a row, s", "by levels, s", "critical path, s"], rows)


def text_of(c: Comparison) -> str:
    parts = [
        "Every node calls the same tool (a wait, then a sum over its needs); the sink's value is checked "
        "against one worked out without any engine. A fresh process for each measurement, one warm-up run "
        "without waits, contenders interleaved, another one first each round. A cell that names an error is "
        "what that contender raised; “over … s” was stopped there.",
        versions(c) + ".",
        *c.left_out,
        shapes(),
        "**Wall seconds, median (least to most)**",
        grid(c, ("a", "a_hf", "a_hl", "d", "e"), "wall_seconds", digits=3, full=True),
        "**CPU of a node, µs, median (least to most)**; `a` and `e` divide what a run costs by five nodes",
        grid(c, ("a", "b", "c", "d", "e"), "cpu_us_per_node", digits=1, full=True),
        "**In `e`**: `late`: by how much a 5 ms heartbeat on the same loop came late at worst; `held`: the most "
        "CPU the process spent between two beats, which other programs of the machine do not touch",
        _live(c),
        "**Stress: CPU of a node, µs** (peers once)",
        grid(c, STRESS, "cpu_us_per_node", digits=1),
        "**Cost of a node as the graph grows: CPU, µs** (a contender that took over 0.5 s at one size is not "
        "asked for a larger one; peers were asked once)",
        *(grid(c, sizes, "cpu_us_per_node", digits=1) for sizes in GROWTH.values()),
    ]
    return "\n\n".join(part for part in parts if part)


def _live(c: Comparison) -> str:
    fields = ("lag_ms", "held_ms", "kb_per_run")
    rows = [
        [CONTENDERS[name], *(cell(c, name, "e", field, full=True) for field in fields)] for name in c.pythons
    ]
    return table(["", "late, ms", "held, ms", "KB per live run"], rows)


def goals_of(c: Comparison) -> tuple[Goal, ...]:
    us, late, held = "µs CPU a node", c.spread("engine", "e", "lag_ms"), c.spread("engine", "e", "held_ms")
    beside = f"held by the process itself: {held.told()} ms" if held else ""
    floor = c.spread("taskgroup", "d", "times_critical")
    goals = [
        at_most("b: 100 at once", 25, c.spread("engine", "b", "cpu_us_per_node"), us),
        at_most("c: a chain of 100", 25, c.spread("engine", "c", "cpu_us_per_node"), us),
        at_most("e: 200 runs at once", 65, c.spread("engine", "e", "cpu_us_per_node"), us),
        at_most(
            "d: 1,000 nodes",
            1.02,
            c.spread("engine", "d", "times_critical"),
            "× critical path",
            digits=3,
            note=f"TaskGroup in the same rounds: {floor.told(3)}" if floor else "",
        ),
        at_most("e: worst lag of the loop", 10, late, "ms", note=beside),
        at_most("e: memory of a live run", 20, c.spread("engine", "e", "kb_per_run"), "KB"),
    ]
    for shape, sizes in GROWTH.items():
        small, large = (c.spread("engine", each, "cpu_us_per_node") for each in (sizes[0], sizes[-1]))
        ratio = None if small is None or large is None else large.median / small.median
        goals.append(
            at_most(
                f"a node at 10,000 nodes against 100, {shape}",
                1.5,
                spread([ratio]),
                "×",
                digits=2,
                note=_other_growth(c, sizes),
            )
        )
    return tuple(goals)


def _other_growth(c: Comparison, sizes: Sequence[str]) -> str:
    small, large = (c.spread("inline", each, "cpu_us_per_node") for each in (sizes[0], sizes[-1]))
    if small is None or large is None:
        return ""
    return f"bare inline counters: {large.median / small.median:.2f} ×"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    section = compare(parser.parse_args().rounds, lambda line: print(line, file=sys.stderr, flush=True))
    print(section.text)
    for goal in section.goals:
        print(goal)


if __name__ == "__main__":
    main()
