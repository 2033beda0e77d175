# .venv/bin/python -m bench.headlines.section --rounds 1
"""The source's headline results for the report: claimed, measured, how."""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import Any

from bench.children import answer_of
from bench.environments import ROOT, python_for
from bench.figures import Goal, Promise, Section, spread
from bench.part import Part, Tell
from coach.engine.timing import TIERS

SCALES = (1.0, 4.0, 60.0)
ROUND_SECONDS = 300
"""More than one round of a lane takes."""
CLAIMS = tuple(f"S{n}" for n in (*range(1, 15), *range(17, 21), *range(22, 25)))
"""The claims of the source that a program can be written for."""
RAN = Promise("claims of the source put to the test", f"{len(CLAIMS)} of {len(CLAIMS)}")
EXPLAINED = Promise("come out as told, or the row says why not", "all that ran")

HOW = """Each row is a small program: real HTTP through the real SDK (version {sdk}, in an environment of its own) to
a server on the loopback (`coach/rehearsal`). Every call is made by a task of a graph that this engine runs, with
a deadline and spans on; a call outside one is refused by the program. The server takes the engine's time model
({rates}) and answers `usage` by the engine's cache rules of the model that is asked for. A “look-up” is a call
that stands for a tool of stated duration. At time scale 4 or 60 the server's clock runs so much faster and
measured times are multiplied back, loopback overhead included; the scales run one after the other. A figure
counts as the one claimed if it is no more than 10 % from it. So this shows what the claims come to *under stated
rates*; what a provider's machines do, and what a wording does to a model, it cannot show, and the rows say where
that matters."""


def rates() -> str:
    """The time model in words."""
    fields = {
        "base": "base_seconds",
        "prefill": "prefill_tokens_per_second",
        "cache load": "cache_load_tokens_per_second",
        "decode": "decode_tokens_per_second",
    }
    told = [
        f"{name} {' / '.join(f'{getattr(tier, field):,}' for tier in TIERS.values())}"
        for name, field in fields.items()
    ]
    return f"{' / '.join(TIERS)}: {', '.join(told)}; seconds and tokens a second"


def environment() -> dict[str, str]:
    """Without any setting that could point the SDK elsewhere than at the loopback."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("ANTHROPIC_")}
    return {**kept, "NO_PROXY": "127.0.0.1", "PYTHONDONTWRITEBYTECODE": "1"}


def lane(scale: float, rounds: int) -> dict[str, Any]:
    """The rows of one time scale, in a process of its own. Raises Missing."""
    python = python_for(ROOT / "bench" / "headlines" / "requirements" / "anthropic.txt")
    command = [str(python), "-m", "bench.headlines.programs", "--rounds", str(rounds), "--scale", str(scale)]
    found: dict[str, Any] = json.loads(
        answer_of(command, environment(), rounds * ROUND_SECONDS).splitlines()[-1]
    )
    return found


def measure(rounds: int, tell: Tell) -> Section:
    """One lane after the other: side by side they would be each other's noise."""
    rows: list[dict[str, Any]] = []
    for scale in SCALES:
        found = lane(scale, rounds)
        rows += found["rows"]
        tell(f"headlines: time scale {scale:g} played")
    rows.sort(key=lambda row: CLAIMS.index(row["id"]))
    how = " ".join(HOW.format(sdk=found["sdk"], rates=rates()).split())
    return Section(text="\n\n".join([how, *text_of(rows, rounds)]), goals=goals_of(rows), data=rows)


def goals_of(rows: list[dict[str, Any]]) -> tuple[Goal, Goal]:
    ran = [row for row in rows if not row["error"]]
    silent = [row["id"] for row in ran if row["verdict"] != "reproduced" and not row["why"]]
    lost = [each for each in CLAIMS if each not in {row["id"] for row in ran}]
    return (
        RAN.judged(f"{len(ran)}", kept=not lost, note=_named("did not run", lost)),
        EXPLAINED.judged(
            f"{len(ran) - len(silent)} of {len(ran)}",
            kept=bool(ran) and not silent,
            note="; ".join(filter(None, [tally(ran), _named("no reason given", silent)])),
        ),
    )


def _named(what: str, ids: list[str]) -> str:
    return f"{what}: {', '.join(ids)}" if ids else ""


def tally(ran: list[dict[str, Any]]) -> str:
    counts = Counter(row["verdict"] for row in ran)
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items())


def text_of(rows: list[dict[str, Any]], rounds: int) -> list[str]:
    ran = [row for row in rows if not row["error"]]
    head = [
        "| | claimed | how (time scale) | comes out | measured | CPU of our process, s | spans a round |",
        "|---|---|---|---|---|---:|---:|",
    ]
    return [
        f"Of {len(CLAIMS)} claims {len(ran)} were put to the test: {tally(ran)}. Medians (least to most) of {rounds} rounds.",
        "\n".join([*head, *(_line(row) for row in rows)]),
    ]


def _line(row: dict[str, Any]) -> str:
    cells = [row["id"], row["claimed"], f"{row['how']} ({row['scale']:g})"]
    if row["error"]:
        return f"| {' | '.join([*cells, '**did not run**', row['error'], '', ''])} |"
    why = f" **Why not as told:** {row['why']}" if row["why"] else ""
    cpu = spread(row["cpu_seconds"])
    assert cpu is not None
    cells += [f"**{row['verdict']}**", row["measured"] + why, cpu.told(2), str(row["spans"])]
    return f"| {' | '.join(cells)} |"


HEADLINES = Part(
    name="headlines",
    title="4. The source's headline results",
    command="python -m bench.headlines.section",
    promises=(RAN, EXPLAINED),
    measure=measure,
)


if __name__ == "__main__":
    HEADLINES.main()
