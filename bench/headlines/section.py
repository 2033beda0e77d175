# .venv/bin/python -m bench.headlines.section --rounds 1
"""The source's headline results for the report: claimed, measured, how."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

from bench.environments import ROOT, Missing, python_for
from bench.figures import Section

SCALES = (1.0, 4.0, 60.0)
HOW = """Each row is a small program: real HTTP through the real SDK (version {sdk}, in an environment of its
own) to a server on the loopback (`coach/rehearsal`), driven by this engine's runner with spans and a
deadline on. The server takes the engine's time model (small / medium / large: base 0.20 / 0.32 / 0.34 s, prefill
17,000 / 16,000 / 14,000, cache load 220,000 / 300,000 / 350,000, decode 180 / 90 / 60 tokens a second) and
answers `usage` by the engine's cache rules of the model that is asked for. A “look-up” is a call that stands for
a tool of stated duration. At time scale 4 or 60 the server's clock runs so much faster and measured times are
multiplied back, loopback overhead included. So this shows what the claims come to *under stated rates*; what a
provider's machines do, and what a wording does to a model, it cannot show, and the rows say where that matters."""


def environment() -> dict[str, str]:
    """Without any setting that could point the SDK elsewhere than at the loopback."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ANTHROPIC_")}
    return {**kept, "NO_PROXY": "127.0.0.1", "PYTHONDONTWRITEBYTECODE": "1"}


def play(rounds: int) -> dict[str, Any]:
    """All rows by number. The time scales run side by side, each in a process of its own. Raises Missing."""
    python = python_for(ROOT / "bench" / "headlines" / "requirements" / "anthropic.txt")
    command = [str(python), "-m", "bench.headlines.programs", "--rounds", str(rounds), "--scale"]
    running = [
        subprocess.Popen(
            [*command, str(scale)], cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True
        )
        for scale in SCALES
    ]
    answers = [process.communicate(timeout=600)[0] for process in running]
    if any(process.returncode for process in running):
        raise Missing("The headline programs did not end well; see above.")
    lanes = [json.loads(answer.splitlines()[-1]) for answer in answers]
    rows = sorted((row for lane in lanes for row in lane["rows"]), key=lambda row: int(row["id"][1:]))
    return {"sdk": lanes[0]["sdk"], "rows": rows}


def headlines(rounds: int, tell: Callable[[str], None]) -> Section:
    data: dict[str, Any] = {}
    try:
        data = play(rounds)
        text = text_of(data)
        tell("headlines: played")
    except Missing as reason:
        text = str(reason)
    return Section(
        name="headlines",
        title="4. The source's headline results",
        command="python -m bench.headlines.section",
        text=text,
        data=data,
    )


def text_of(data: dict[str, Any]) -> str:
    counts = Counter(row["verdict"] for row in data["rows"])
    tally = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    lines = ["| | claimed | how (time scale) | comes out | measured |", "|---|---|---|---|---|"]
    for row in data["rows"]:
        how = f"{row['how']} ({row['scale']:g})"
        lines.append(f"| {row['id']} | {row['claimed']} | {how} | **{row['verdict']}** | {row['measured']} |")
    rounds = len(data["rows"][0]["rounds"])
    return "\n\n".join(
        [
            " ".join(HOW.format(sdk=data["sdk"]).split()),
            f"Of {len(data['rows'])} claims: {tally}. Medians of {rounds} rounds.",
            "\n".join(lines),
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    print(headlines(parser.parse_args().rounds, lambda line: print(line, file=sys.stderr)).text)


if __name__ == "__main__":
    main()
