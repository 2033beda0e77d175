# var/bench-venvs/anthropic/bin/python -m bench.headlines.programs --scale 1 --rounds 1
"""Plays the headlines of one time scale, one after the other, in the SDK's environment against a server of
their own; one line of JSON at the end."""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
from collections import defaultdict
from typing import Any

import anthropic

from bench.headlines import caching, joining, parallel, prompts
from bench.headlines.client import SMALL, Caller, Figures, Headline, text

ROWS = sorted((*parallel.ROWS, *joining.ROWS, *caching.ROWS, *prompts.ROWS), key=lambda row: int(row.id[1:]))


def start(scale: float) -> tuple[subprocess.Popen[str], int]:
    command = [sys.executable, "-m", "coach.rehearsal", "--words", "--scale", str(scale)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    return server, int(server.stdout.readline().rpartition(":")[2])


async def play(scale: float, rounds: int, only: set[str]) -> list[dict[str, Any]]:
    rows = [row for row in ROWS if row.scale == scale and (not only or row.id in only)]
    found: dict[str, list[Figures]] = defaultdict(list)
    server, port = start(scale)
    caller = Caller(port, scale)
    try:
        await caller.ask(SMALL, text(50_000), writes=1)  # the first call of a process loads and connects
        for _ in range(rounds):
            for row in rows:
                found[row.id].append(await row.play(caller))
    finally:
        await caller.close()
        server.terminate()
        server.wait(timeout=10)
    return [told(row, found[row.id]) for row in rows]


def told(row: Headline, rounds: list[Figures]) -> dict[str, Any]:
    medians = {key: statistics.median(figures[key] for figures in rounds) for key in rounds[0]}
    verdict, said = row.judge(medians)
    return {
        "id": row.id,
        "claimed": row.claimed,
        "how": row.how,
        "scale": row.scale,
        "verdict": verdict,
        "measured": said,
        "medians": medians,
        "rounds": rounds,
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
