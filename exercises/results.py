"""What a page shows of an attempt: its grade, its pictures, and how two attempts differ."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from exercises.kinds import kind_named
from exercises.kinds.base import Finding, Grade, Measure
from exercises.models import Submission

if TYPE_CHECKING:
    from lessons.figures.base import Picture

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Result:
    """A submission as it is shown. Its exercise and revision are loaded with it."""

    submission: Submission

    @cached_property
    def grade(self) -> Grade | None:
        return self.submission.grade

    @cached_property
    def pictures(self) -> list[Picture]:
        """Drawn anew each time: it takes milliseconds, and old attempts get better drawings."""
        if self.grade is None:
            return []
        kind = kind_named(self.submission.exercise.kind)
        try:
            spec = kind.Spec.model_validate(self.submission.revision.spec)
            return kind.pictures(spec, kind.Answer.model_validate(self.submission.answer), self.grade)
        except Exception:  # an attempt of an old revision may not fit today's drawing; its grade stands
            logger.exception("drawing submission %s failed", self.submission.pk)
            return []


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurePair:
    first: Measure
    second: Measure

    @property
    def verdict(self) -> str:
        """`better`, `worse` or `same`: the second against the first."""
        if self.first.theirs == self.second.theirs:
            return "same"
        fell = self.second.theirs < self.first.theirs
        return "better" if fell == (self.second.better == "lower") else "worse"


@dataclass(frozen=True)
class Comparison:
    """Two attempts, the earlier one first."""

    first: Result
    second: Result

    @property
    def results(self) -> tuple[Result, Result]:
        return self.first, self.second

    @cached_property
    def measures(self) -> list[MeasurePair]:
        if self.first.grade is None or self.second.grade is None:
            return []
        earlier = {measure.key: measure for measure in self.first.grade.measures}
        return [
            MeasurePair(first=earlier[measure.key], second=measure)
            for measure in self.second.grade.measures
            if measure.key in earlier
        ]

    @cached_property
    def solved(self) -> list[Finding]:
        """Findings of the first attempt that the second no longer has."""
        return _without(self.first, self.second)

    @cached_property
    def new(self) -> list[Finding]:
        return _without(self.second, self.first)

    @cached_property
    def remaining(self) -> list[Finding]:
        earlier = {finding.key for finding in _findings(self.first)}
        return [finding for finding in _findings(self.second) if finding.key in earlier]


def _findings(result: Result) -> tuple[Finding, ...]:
    return result.grade.findings if result.grade else ()


def _without(one: Result, other: Result) -> list[Finding]:
    keys = {finding.key for finding in _findings(other)}
    return [finding for finding in _findings(one) if finding.key not in keys]
