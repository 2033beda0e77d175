# make bench
"""Every measurement, one report: `bench/REPORT.md` and `bench/report.json`.

    python -m bench.report [--rounds 3] [--only NAME ...] [--out FOLDER]

Names: expressive, imports, llmcompiler, priming, headlines, peers, coach. With `--only` the other parts
of an earlier report.json are kept as they were.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.coach.section import coach
from bench.environments import ROOT
from bench.expressive import expressive
from bench.figures import AT_BEST, MET, MISSED, UNTESTED, Goal, Section
from bench.headlines.section import headlines
from bench.imports import imports
from bench.llmcompiler import llmcompiler
from bench.peers.compare import compare
from bench.priming import priming

Tell = Callable[[str], None]


PARTS: dict[str, Callable[[int, Tell], Section]] = {
    "peers": compare,
    "expressive": expressive,
    "priming": priming,
    "headlines": headlines,
    "llmcompiler": llmcompiler,
    "imports": imports,
    "coach": coach,
}
ORDER = ("expressive", "imports", "llmcompiler", "priming", "headlines", "peers", "coach")


def machine() -> dict[str, Any]:
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "loop": type(asyncio.new_event_loop()).__name__,
        "commit": _commit(),
        "load_before": [round(each, 1) for each in os.getloadavg()],
    }


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _commit() -> str:
    asked = ["git", "rev-parse", "--short", "HEAD"]
    return (
        subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False).stdout.strip()
        or "unknown"
    )


def run_parts(names: list[str], rounds: int) -> dict[str, dict[str, Any]]:
    began = time.monotonic()

    def tell(line: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {line}", file=sys.stderr, flush=True)

    found: dict[str, dict[str, Any]] = {}
    for name in (each for each in ORDER if each in names):
        at = time.monotonic()
        try:
            section = PARTS[name](rounds, tell)
        except Exception as error:  # one part that breaks does not take the others with it
            traceback.print_exc()
            why = f"It did not run to its end: {type(error).__name__}: {error}"
            section = Section(
                name=name, title=name, command=f"python -m bench.report --only {name}", text=why
            )
        found[name] = {
            **section.to_dict(),
            "text": section.text,
            "took_seconds": round(time.monotonic() - at, 1),
            "rounds": rounds,
            "commit": _commit(),
            "ran_at": datetime.now(UTC).isoformat(timespec="seconds"),
        }
    return found


def markdown(report: dict[str, Any]) -> str:
    parts = report["parts"]
    goals = [goal for name in PARTS if name in parts for goal in parts[name]["goals"]]
    m = report["machine"]
    intro = (
        f"`make bench` wrote this on {report['written_at']}: {m['system']}, {m['processor']}, {m['cores']} cores, "
        f"Python {m['python']}, {m['loop']}, commit {m['commit']}; load before it started "
        f"{', '.join(str(each) for each in m['load_before'])}. "
        "A machine that does other work at the same time makes wall times longer and never shorter, so minima and "
        "CPU figures stand beside them; figures are medians with (least to most) of interleaved rounds. Spans and "
        "a deadline are on in every measurement of this engine. Raw figures: `report.json`."
    )
    lines = ["# Benchmarks", "", intro, "", "## Goals", "", _tally(goals), "", _goals(goals)]
    for name in PARTS:
        if name in parts:
            part = parts[name]
            when = f"{part['rounds']} rounds, {part['took_seconds']:.0f} s"
            run = f"`{part['command']}`, {when}, at commit {part.get('commit', m['commit'])}"
            lines += ["", f"## {part['title']}", "", run, "", part["text"]]
    return "\n".join(lines) + "\n"


def _tally(goals: list[dict[str, Any]]) -> str:
    counts = {
        verdict: sum(goal["verdict"] == verdict for goal in goals)
        for verdict in (MET, AT_BEST, MISSED, UNTESTED)
    }
    return (
        f"{len(goals)} goals: "
        + ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
        + "."
    )


def _goals(goals: list[dict[str, Any]]) -> str:
    rows = [
        f"| {g['what']} | {g['wanted']} | {g['came_out']} | {g['verdict']} | {g['note']} |" for g in goals
    ]
    return "\n".join(["| figure | goal | came out | | beside it |", "|---|---|---|---|---|", *rows])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--out", type=Path, default=ROOT / "bench")
    options = parser.parse_args()
    place = options.out / "report.json"
    known = (
        json.loads(place.read_text())["parts"] if len(options.only) < len(PARTS) and place.exists() else {}
    )
    report: dict[str, Any] = {
        "written_at": datetime.now(UTC).date().isoformat(),
        "machine": machine(),
        "parts": known | run_parts(options.only, options.rounds),
    }
    place.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    (options.out / "REPORT.md").write_text(markdown(report))
    goals = [Goal(**goal) for part in report["parts"].values() for goal in part["goals"]]
    print(_tally([asdict(goal) for goal in goals]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
