# make bench
"""Every measurement, one report: `bench/REPORT.md` and `bench/report.json`.

    python -m bench.report [--rounds 3] [--only NAME ...] [--out FOLDER]

Names: peers, expressive, priming, headlines, llmcompiler, imports, coach. With `--only` the other parts of an
earlier report.json are kept as they were. Ends with 1 where a part broke.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.coach.section import COACH
from bench.environments import ROOT
from bench.expressive.section import EXPRESSIVE
from bench.figures import VERDICTS
from bench.headlines.section import HEADLINES
from bench.imports import IMPORTS
from bench.llmcompiler import LLMCOMPILER
from bench.part import Part
from bench.peers.section import PEERS
from bench.priming import PRIMING

PARTS: dict[str, Part] = {
    part.name: part for part in (PEERS, EXPRESSIVE, PRIMING, HEADLINES, LLMCOMPILER, IMPORTS, COACH)
}
"""As they stand in the report."""
SHORT_FIRST = ("expressive", "imports", "llmcompiler", "priming", "headlines", "peers", "coach")
INTRO = (
    "Written by `make bench` on {date}. A machine that does other work at the same time makes wall times longer "
    "and never shorter, so minima and CPU figures stand beside them; figures are medians with (least to most) of "
    "interleaved rounds. Spans and a deadline are on in every run of this engine. A part that could not run keeps "
    "its goals, and says why. Raw figures: `report.json`."
)


def run_parts(names: list[str], rounds: int) -> dict[str, dict[str, Any]]:
    began = time.monotonic()

    def tell(line: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {line}", file=sys.stderr, flush=True)

    return {name: PARTS[name].play(rounds, tell) for name in SHORT_FIRST if name in names}


def markdown(report: dict[str, Any]) -> str:
    parts = [report["parts"][name] for name in PARTS if name in report["parts"]]
    goals = [goal for part in parts for goal in part["goals"]]
    lines = ["# Benchmarks", INTRO.format(date=report["written_at"]), "## Goals", tally(goals), _goals(goals)]
    for part in parts:
        lines += [f"## {part['title']}", _ran(part), part["text"]]
    return "\n\n".join(lines) + "\n"


def _ran(part: dict[str, Any]) -> str:
    """What ran, when, on what: each part its own, for parts of a report may come from several machines."""
    on = part["machine"]
    return (
        f"`{part['command']}`, {part['rounds']} rounds, {part['took_seconds']:.0f} s, {part['ran_at'][:10]}, commit "
        f"{on['commit']}: {on['system']}, {on['processor']}, {on['cores']} cores, Python {on['python']}, {on['loop']}; "
        f"load before it started {', '.join(str(each) for each in on['load_before'])}."
    )


def tally(goals: list[dict[str, Any]]) -> str:
    counts = Counter(goal["verdict"] for goal in goals)
    told = ", ".join(f"{counts[verdict]} {verdict}" for verdict in VERDICTS if counts[verdict])
    return f"{len(goals)} goals: {told}."


def _goals(goals: list[dict[str, Any]]) -> str:
    rows = [
        f"| {g['what']} | {g['wanted']} | {g['came_out']} | {g['verdict']} | {g['note']} |" for g in goals
    ]
    return "\n".join(["| figure | goal | came out | | beside it |", "|---|---|---|---|---|", *rows])


def earlier(place: Path, wanted: list[str]) -> dict[str, Any]:
    """The parts of the report that is there, where not all are run anew."""
    if len(wanted) == len(PARTS) or not place.exists():
        return {}
    known: dict[str, Any] = json.loads(place.read_text())["parts"]
    return known


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--out", type=Path, default=ROOT / "bench")
    options = parser.parse_args()
    place = options.out / "report.json"
    played = run_parts(options.only, options.rounds)
    report: dict[str, Any] = {
        "written_at": datetime.now(UTC).date().isoformat(),
        "parts": earlier(place, options.only) | played,
    }
    place.write_text(json.dumps(report, indent=1, ensure_ascii=False, default=asdict) + "\n")
    (options.out / "REPORT.md").write_text(markdown(report))
    print(tally([goal for part in report["parts"].values() for goal in part["goals"]]))
    broke = [name for name, part in played.items() if part["broke"]]
    if broke:
        print(f"Broke: {', '.join(broke)}.", file=sys.stderr)
    return int(bool(broke))


if __name__ == "__main__":
    sys.exit(main())
