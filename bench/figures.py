"""Medians, spread and goals, in the words of the report."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

MET, AT_BEST, MISSED = "met", "met at the minimum only", "missed"
UNTESTED = "cannot be tested"
VERDICTS = (MET, AT_BEST, MISSED, UNTESTED)


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


@dataclass(frozen=True, slots=True)
class Promise:
    """A figure that is to come out, said before anything is measured: what could not run cannot drop it."""

    what: str
    wanted: str

    def judged(self, came_out: str, *, kept: bool, note: str = "") -> Goal:
        return self.goal(came_out, MET if kept else MISSED, note)

    def goal(self, came_out: str, verdict: str, note: str = "") -> Goal:
        return Goal(what=self.what, wanted=self.wanted, came_out=came_out, verdict=verdict, note=note)

    def unmeasured(self, verdict: str = MISSED, why: str = "") -> Goal:
        return self.goal("not measured", verdict, why)


@dataclass(frozen=True, slots=True)
class AtMost(Promise):
    """No more than so much of a unit. Made by `at_most`."""

    limit: float
    unit: str
    digits: int

    def of(self, found: Spread | None, *, and_also: bool = True, note: str = "") -> Goal:
        """Kept by the median; by the minimum only is said as such. Missed where `and_also` does not hold."""
        if found is None:
            return self.unmeasured(why=note)
        verdict = MET if found.median <= self.limit else AT_BEST if found.least <= self.limit else MISSED
        came_out = f"{found.told(self.digits)} {self.unit}".strip()
        return self.goal(came_out, verdict if and_also else MISSED, note)


def at_most(what: str, limit: float, unit: str, *, digits: int = 1) -> AtMost:
    return AtMost(what, f"≤ {limit:g} {unit}".strip(), limit, unit, digits)


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table; the first column is left-aligned, the others right."""
    lines = [f"| {' | '.join(head)} |", f"|---|{'---:|' * (len(head) - 1)}"]
    lines += [f"| {' | '.join(str(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What a part gives to the report: its text, its goals, and everything measured, for the JSON."""

    text: str
    goals: tuple[Goal, ...] = ()
    data: Any = None
