# .venv/bin/python -m bench.priming --rounds 1
"""Six agents over a cold prefix of 40,000 tokens: in a row, all at once, prime then release, and what the
engine chooses at several values of a second."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.children import answer_of
from bench.environments import ROOT, python_for
from bench.figures import Goal, Promise, Section, Spread, spread, table
from bench.headlines.section import environment
from bench.part import Part, Tell
from coach.engine.priming import AT_ONCE, IN_A_ROW, PRIMED

FIXED = (IN_A_ROW, AT_ONCE, PRIMED)
ALLOWED = 0.03
ROUND_SECONDS = 300
"""More than one round takes."""
CHOICE = Promise(
    "the engine's choice against the best of three designs, as measured", "never more than 3 % worse"
)

INTRO = """Six calls of the medium model, each with a prompt of its own of 200 tokens behind 40,000 that all share
and nobody has cached; 150 tokens of answer. Really sent, through the SDK to the loopback server of section 4 at
time scale 2; cost from `usage` and the price list. Burden: dollars, and seconds at their value. The engine
chooses before anything is sent, from its own estimates, which stand beside what came out. What it chose is sent
too and is another sample of the design that it is, so it counts as one: two samples of one design would differ
by the machine's noise, which is not the choice's doing. Medians (least to most)."""

Rows = list[dict[str, Any]]


def play(rounds: int) -> Rows:
    """Raises Missing."""
    python = python_for(ROOT / "bench" / "headlines" / "requirements" / "anthropic.txt")
    command = [str(python), "-m", "bench.headlines.agents", "--rounds", str(rounds)]
    rows: Rows = json.loads(answer_of(command, environment(), rounds * ROUND_SECONDS).splitlines()[-1])
    return rows


@dataclass(frozen=True, slots=True)
class Choice:
    """At one value of a second: what was chosen, and the burden of each design that was sent."""

    value: float
    design: str
    burdens: dict[str, Spread]

    @property
    def worse(self) -> float:
        """By what share than the best of the fixed ones. Below zero: better."""
        best = min(self.burdens[name].median for name in FIXED)
        return self.burdens[self.design].median / best - 1


def by_design(rows: Rows) -> dict[str, Rows]:
    found: dict[str, Rows] = {name: [] for name in FIXED}
    for row in rows:
        found.setdefault(row["design"], []).append(row)
    return found


def choices(rows: Rows) -> list[Choice]:
    """For each value and each design that was chosen at it; estimates have no noise, so that is one."""
    designs = by_design(rows)
    chosen = sorted({(row["value"], row["design"]) for row in rows if row["value"] is not None})
    return [
        Choice(value, design, {name: _burden(sent, value) for name, sent in designs.items()})
        for value, design in chosen
    ]


def _burden(rows: Rows, value: float) -> Spread:
    return _spread(row["cost_usd"] + row["seconds"] * value for row in rows)


def _spread(values: Iterable[float]) -> Spread:
    found = spread(values)
    assert found is not None
    return found


def measure(rounds: int, tell: Tell) -> Section:
    rows = play(rounds)
    tell("priming: sent")
    return Section(text="\n\n".join(texts(rows)), goals=(goal_of(choices(rows)),), data=rows)


def goal_of(found: list[Choice]) -> Goal:
    worst = max(found, key=lambda each: each.worse)
    picked: dict[str, int] = defaultdict(int)
    for each in found:
        picked[each.design] += 1
    return CHOICE.judged(
        f"{worst.worse:+.1%} at worst (a second worth ${worst.value:g}, “{worst.design}”)",
        kept=worst.worse <= ALLOWED,
        note=f"of {len(found)} values of a second it chose "
        + ", ".join(f"“{d}” at {n}" for d, n in picked.items()),
    )


def texts(rows: Rows) -> list[str]:
    said = next((row["reason"] for row in rows if row["value"] is not None and row["design"] == PRIMED), "")
    told = [" ".join(INTRO.split()), designs_table(rows), choices_table(choices(rows))]
    return [*told, f"What it says in the trace: “{said}”"] if said else told


def designs_table(rows: Rows) -> str:
    estimates = next(row["estimates"] for row in rows if row["value"] is not None)
    lines = []
    for name, sent in by_design(rows).items():
        expected = estimates.get(name)
        lines.append(
            [
                name,
                len(sent),
                _spread(row["seconds"] for row in sent).told(2),
                f"{expected['seconds']:.2f}" if expected else "–",
                f"{median(row['cost_usd'] for row in sent):.4f}",
                f"{expected['cost_usd']:.4f}" if expected else "–",
                f"{median(row['written'] for row in sent):,.0f}",
                _spread(row["cpu_seconds"] for row in sent).told(0, 1e3),
            ]
        )
    head = [
        "",
        "sent",
        "seconds",
        "estimated",
        "dollars",
        "estimated",
        "tokens written",
        "CPU of our process, ms",
    ]
    return table(head, lines)


def choices_table(found: list[Choice]) -> str:
    lines = [
        [
            f"${each.value:g}",
            *(each.burdens[name].told(3) for name in FIXED),
            each.design,
            f"{each.worse:+.1%}",
        ]
        for each in found
    ]
    head = [
        "a second is worth",
        *(f"burden {name}" for name in FIXED),
        "the engine chose",
        "against the best",
    ]
    return table(head, lines)


PRIMING = Part(
    name="priming",
    title="3. Calls that share a cold prefix",
    command="python -m bench.priming",
    promises=(CHOICE,),
    measure=measure,
)


if __name__ == "__main__":
    PRIMING.main()
