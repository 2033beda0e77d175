"""What a trial has measured, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coach.trials.asking import SIDES
from exercises.kinds.trials import Trial
from lessons.figures.text import seconds_text, tokens_text, usd_text

Call = Mapping[str, Any]
DASH = "–"


@dataclass(frozen=True, slots=True)
class Column:
    """One prompt's calls. Seconds and dollars; None where no call gave an answer."""

    calls: Sequence[Call]
    right: int
    cases: int

    @property
    def answered(self) -> list[Call]:
        return [call for call in self.calls if call["outcome"] in {"done", "truncated"}]

    @property
    def first_seconds(self) -> float | None:
        return _median([call["first_seconds"] for call in self.answered if call["first_seconds"] is not None])

    @property
    def median_seconds(self) -> float | None:
        return _median([call["seconds"] for call in self.answered])

    @property
    def total_seconds(self) -> float:
        return float(sum(call["seconds"] for call in self.answered))

    def tokens(self, kind: str) -> int:
        return int(sum(call["usage"][f"tokens_{kind}"] for call in self.calls))

    @property
    def cost_usd(self) -> float:
        return float(sum(call["usage"]["cost_usd"] for call in self.calls))


@dataclass(frozen=True, slots=True)
class Row:
    """A measure in words."""

    label: str
    found: str
    own: str


@dataclass(frozen=True, slots=True)
class CaseRow:
    """One case: what was expected, and what each prompt's answer said."""

    label: str
    text: str
    expected: str
    found: Mapping[str, Any]
    own: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Report:
    """The table, the cases, and what changed in a sentence or two."""

    rows: list[Row]
    cases: list[CaseRow]
    sentences: list[str]


def report_of(trial: Trial, calls: Sequence[Call]) -> Report | None:
    """None before anything was measured."""
    if not calls:
        return None
    found, own = (_column(trial, [call for call in calls if call["side"] == side]) for side in SIDES)
    return Report(_rows(found, own), _cases(trial, calls), _sentences(found, own))


def _column(trial: Trial, calls: Sequence[Call]) -> Column:
    right = sum(call["label"] == trial.cases[call["case"]].expected for call in calls)
    return Column(calls, right, len(trial.cases))


def _median(values: Sequence[float]) -> float | None:
    return median(values) if values else None


def _rows(found: Column, own: Column) -> list[Row]:
    return [
        Row(label, found_text, own_text)
        for label, found_text, own_text in zip(_labels(), _texts(found), _texts(own), strict=True)
    ]


def _labels() -> list[str]:
    return [
        _("Cases right"),
        _("Time of a call, median"),
        _("Time of all calls together"),
        _("First token, median"),
        _("Input tokens read from the cache"),
        _("Input tokens written to the cache"),
        _("Input tokens sent fresh"),
        _("Output tokens"),
        _("Cost"),
    ]


def _texts(column: Column) -> list[str]:
    of = _("%(right)s of %(cases)s")
    return [
        of % {"right": column.right, "cases": column.cases},
        _seconds(column.median_seconds),
        _seconds(column.total_seconds),
        _seconds(column.first_seconds),
        *(tokens_text(column.tokens(kind)) for kind in ("read", "written", "fresh", "output")),
        usd_text(column.cost_usd),
    ]


def _cases(trial: Trial, calls: Sequence[Call]) -> list[CaseRow]:
    by_place = {(call["side"], call["case"]): call for call in calls}
    return [
        CaseRow(
            case.label,
            case.text,
            case.expected,
            *(_said(by_place.get((side, at)), case.expected) for side in SIDES),
        )
        for at, case in enumerate(trial.cases)
    ]


def _said(call: Call | None, expected: str) -> dict[str, Any]:
    if call is None:
        return {"label": "", "right": False, "text": "", "missing": True}
    return {"label": call["label"], "right": call["label"] == expected, "text": call["text"]}


def _seconds(value: float | None) -> str:
    return DASH if value is None else seconds_text(value)


def _sentences(found: Column, own: Column) -> list[str]:
    made = [_accuracy(found, own)]
    if found.median_seconds is not None and own.median_seconds is not None:
        made.append(_time(found, own))
    if found.tokens("read") and not own.tokens("read"):
        made.append(_too_short_to_cache())
    lost = found.cases + own.cases - len(found.answered) - len(own.answered)
    if lost:
        made.append(_lost(lost))
    return made


def _accuracy(found: Column, own: Column) -> str:
    values = {"own": own.right, "found": found.right, "cases": own.cases}
    if own.right == found.right:
        return _("Both prompts get %(own)s of %(cases)s cases right.") % values
    return _("Yours gets %(own)s of %(cases)s cases right, the prompt as found %(found)s.") % values


def _time(found: Column, own: Column) -> str:
    values = {
        "own": _seconds(own.median_seconds),
        "found": _seconds(found.median_seconds),
        "out": tokens_text(own.tokens("output")),
        "out_found": tokens_text(found.tokens("output")),
    }
    if values["out"] == values["out_found"]:
        said = _(
            "A call with yours takes %(own)s (median) instead of %(found)s; both write %(out)s tokens in all."
        )
    else:
        said = _(
            "A call with yours takes %(own)s (median) instead of %(found)s, and writes %(out)s tokens in all "
            "instead of %(out_found)s."
        )
    return said % values


def _too_short_to_cache() -> str:
    return _(
        "The prompt as found is long enough for the provider to cache, so most of its calls read it at a "
        "tenth of the price or less; yours is too short for that. That is why the costs "
        "differ less than the times."
    )


def _lost(calls: int) -> str:
    return ngettext(
        "%(count)s call gave no answer; its case counts as not right.",
        "%(count)s calls gave no answer; their cases count as not right.",
        calls,
    ) % {"count": calls}
