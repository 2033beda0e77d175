# var/bench-venvs/anthropic/bin/python -m bench.headlines.programs --scale 1 --rounds 1
"""Plays the headlines of one time scale, one after the other, in the SDK's environment against a server of
their own; one line of JSON at the end."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Any

import anthropic

from bench.headlines import caching, joining, parallel, prompts
from bench.headlines.client import SMALL, Caller, Figures, Headline, Median, text

ROWS = sorted((*parallel.ROWS, *joining.ROWS, *caching.ROWS, *prompts.ROWS), key=lambda row: int(row.id[1:]))


@contextlib.asynccontextmanager
async def calling(scale: float) -> AsyncIterator[Caller]:
    """A server of its own, and a caller whose first call, which loads and connects, is behind it."""
    command = [sys.executable, "-m", "coach.rehearsal", "--words", "--scale", str(scale)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    caller = Caller(int(server.stdout.readline().rpartition(":")[2]), scale)
    try:
        await caller.in_order(caller.asking(SMALL, text(50_000), writes=1))
        yield caller
    finally:
        await caller.close()
        server.terminate()
        server.wait(timeout=10)


async def play(scale: float, rounds: int, only: set[str]) -> list[dict[str, Any]]:
    rows = [row for row in ROWS if row.scale == scale and (not only or row.id in only)]
    found: dict[str, list[Round]] = defaultdict(list)
    async with calling(scale) as caller:
        for _ in range(rounds):
            for row in rows:
                found[row.id].append(await once(caller, row))
    return [told(row, found[row.id]) for row in rows]


@dataclass(frozen=True, slots=True)
class Round:
    """One row once: its figures or what it raised, spans of the engine that it left, CPU of this process."""

    figures: Figures
    spans: int
    cpu_seconds: float
    error: str = ""


async def once(caller: Caller, row: Headline) -> Round:
    figures, error, spans, cpu = {}, "", caller.spans, time.process_time()
    try:
        figures = await row.play(caller)
    except Exception as broken:  # one row that breaks does not take the others with it
        error = f"{type(broken).__name__}: {broken}".splitlines()[0]
    return Round(figures, caller.spans - spans, time.process_time() - cpu, error)


def told(row: Headline, rounds: list[Round]) -> dict[str, Any]:
    error = next((each.error for each in rounds if each.error), "")
    says = {"id": row.id, "claimed": row.claimed, "how": row.how, "scale": row.scale, "error": error}
    if error:
        return says
    keys = rounds[0].figures
    judgement = row.judge({key: Median.of([each.figures[key] for each in rounds]) for key in keys})
    return {
        **says,
        **asdict(judgement),
        "spans": min(each.spans for each in rounds),
        "cpu_seconds": [each.cpu_seconds for each in rounds],
        "rounds": [each.figures for each in rounds],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=())
    options = parser.parse_args()
    rows = asyncio.run(play(options.scale, options.rounds, set(options.only)))
    print(json.dumps({"sdk": anthropic.__version__, "rows": rows}))


if __name__ == "__main__":
    main()
