"""Marks, counted: a rate for each criterion beside its goal, and what missed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from coach.evaluation.marks import GOALS, Mark


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How often a criterion was met, of how many replies."""

    criterion: str
    met: int
    count: int

    @property
    def rate(self) -> float:
        return self.met / self.count if self.count else 0.0

    @property
    def goal(self) -> float:
        return GOALS[self.criterion]

    @property
    def ok(self) -> bool:
        """Nothing measured is no goal met."""
        return self.count > 0 and self.rate >= self.goal


def scores_of(marks: Iterable[Mark]) -> list[Score]:
    """One for every goal, in the order of the goals."""
    marks = list(marks)
    return [
        Score(
            criterion=name,
            met=sum(mark.ok for mark in marks if mark.criterion == name),
            count=sum(mark.criterion == name for mark in marks),
        )
        for name in GOALS
    ]


def table(scores: Iterable[Score]) -> str:
    """For people."""
    lines = [f"{'criterion':34} {'rate':>6} {'n':>5} {'goal':>5}"]
    for score in scores:
        missed = "" if score.ok else "  below its goal"
        lines.append(
            f"{score.criterion:34} {100 * score.rate:5.1f}% {score.count:5} {100 * score.goal:4.0f}%{missed}"
        )
    return "\n".join(lines)


def as_json(scores: Iterable[Score], marks: Iterable[Mark]) -> dict[str, Any]:
    """For machines: scores, and every miss with what was asked and said."""
    rows = [{**asdict(score), "rate": score.rate, "goal": score.goal, "ok": score.ok} for score in scores]
    return {"scores": rows, "misses": [asdict(mark) for mark in marks if not mark.ok]}
