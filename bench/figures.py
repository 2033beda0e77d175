"""Medians, spread and goals, in the words of the report."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

MET, AT_BEST, MISSED = "met", "met at the minimum only", "missed"
UNTESTED = "cannot be tested"


@dataclass(frozen=True, slots=True)
class Spread:
    """What several rounds gave."""

    median: float
    least: float
    most: float
    rounds: int

    def told(self, digits: int = 1, scale: float = 1.0) -> str:
        """`median (least to most)`."""
        low, middle, high = (f"{v * scale:,.{digits}f}" for v in (self.least, self.median, self.most))
        return middle if self.rounds == 1 else f"{middle} ({low} to {high})"

    def short(self, digits: int = 1, scale: float = 1.0) -> str:
        return f"{self.median * scale:,.{digits}f}"


def spread(values: Iterable[float | None]) -> Spread | None:
    """None where nothing was measured."""
    known = [value for value in values if value is not None]
    if not known:
        return None
    return Spread(statistics.median(known), min(known), max(known), len(known))


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One figure that was promised, what came out, and whether that keeps it."""

    what: str
    wanted: str
    came_out: str
    verdict: str
    note: str = ""


def at_most(
    what: str, limit: float, found: Spread | None, unit: str, *, digits: int = 1, note: str = ""
) -> Goal:
    """A goal of the kind "no more than". Kept by the median; by the minimum only is said as such."""
    wanted = f"≤ {limit:g} {unit}".strip()
    if found is None:
        return Goal(what=what, wanted=wanted, came_out="not measured", verdict=MISSED, note=note)
    verdict = MET if found.median <= limit else AT_BEST if found.least <= limit else MISSED
    return Goal(
        what=what, wanted=wanted, came_out=f"{found.told(digits)} {unit}".strip(), verdict=verdict, note=note
    )


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table; the first column is left-aligned, the others right."""
    lines = [f"| {' | '.join(head)} |", f"|---|{'---:|' * (len(head) - 1)}"]
    lines += [f"| {' | '.join(str(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the report: its text, its goals, and everything measured, for the JSON."""

    name: str
    title: str
    command: str
    text: str
    goals: tuple[Goal, ...] = ()
    data: Any = None

    def to_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.title,
            "command": self.command,
            "goals": [asdict(goal) for goal in self.goals],
            "data": self.data,
        }
