"""A part of the report: what it promises before it runs, and what came of each promise, however it went."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import platform
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.environments import ROOT, Missing
from bench.figures import MISSED, UNTESTED, Goal, Promise, Section

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Part:
    """`measure` takes the number of rounds; it may raise Missing where the machine lacks what it needs."""

    name: str
    title: str
    command: str
    promises: tuple[Promise, ...]
    measure: Callable[[int, Tell], Section]

    def section(self, rounds: int, tell: Tell) -> tuple[Section, bool]:
        """Its section, with a goal for every promise, and whether it broke."""
        try:
            found = self.measure(rounds, tell)
            return replace(found, goals=self._all(found.goals)), False
        except Missing as reason:
            return self._without(UNTESTED, str(reason)), False
        except Exception as error:  # one part that breaks does not take the others with it
            traceback.print_exc()
            why = f"It did not run to its end: {type(error).__name__}: {error}"
            return self._without(MISSED, why), True

    def _all(self, goals: tuple[Goal, ...]) -> tuple[Goal, ...]:
        judged = {goal.what: goal for goal in goals}
        assert judged.keys() <= {promise.what for promise in self.promises}, "judged without a promise"
        return tuple(judged.get(promise.what) or promise.unmeasured() for promise in self.promises)

    def _without(self, verdict: str, why: str) -> Section:
        return Section(text=why, goals=tuple(each.unmeasured(verdict, why) for each in self.promises))

    def play(self, rounds: int, tell: Tell) -> dict[str, Any]:
        """Everything about one run of it, for the JSON."""
        at, on = time.monotonic(), machine()
        section, broke = self.section(rounds, tell)
        return {
            "title": self.title,
            "command": self.command,
            "broke": broke,
            "rounds": rounds,
            "took_seconds": round(time.monotonic() - at, 1),
            "ran_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": on,
            "text": section.text,
            "goals": [asdict(goal) for goal in section.goals],
            "data": section.data,
        }

    def main(self) -> None:
        """This part alone, printed."""
        parser = argparse.ArgumentParser(description=self.title)
        parser.add_argument("--rounds", type=int, default=3)
        rounds = parser.parse_args().rounds
        section, broke = self.section(rounds, lambda line: print(line, file=sys.stderr, flush=True))
        print(section.text, *section.goals, sep="\n")
        sys.exit(broke)


def machine() -> dict[str, Any]:
    return {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "loop": _loop(),
        "commit": _commit(),
        "load_before": [round(each, 1) for each in os.getloadavg()],
    }


def _loop() -> str:
    with contextlib.closing(asyncio.new_event_loop()) as loop:
        return type(loop).__name__


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor()
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _commit() -> str:
    asked = ["git", "rev-parse", "--short", "HEAD"]
    try:
        done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"
