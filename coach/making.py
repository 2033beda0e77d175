"""How a reply was made: its trace as a timeline beside the same graph run in a row."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from coach.engine.trace import Span, Trace
from coach.models import Turn
from lessons.figures.timeline import Lane, timeline

if TYPE_CHECKING:
    from lessons.figures.base import Picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    trace: Trace
    sequential: Trace
    picture: Picture | None

    @property
    def saved_seconds(self) -> float:
        return max(0.0, self.sequential.makespan - self.trace.makespan)

    @property
    def speculated(self) -> list[Span]:
        return [span for span in self.trace.spans if span.speculative]

    @property
    def tokens(self) -> int:
        return sum(
            span.tokens_read + span.tokens_written + span.tokens_fresh + span.tokens_output
            for span in self.trace.spans
        )


def making_of(turn: Turn) -> Making:
    trace = Trace.from_dict(turn.trace)
    sequential = in_a_row(trace)
    lanes = [Lane(label=_("One after the other"), trace=sequential), Lane(label=_("As it ran"), trace=trace)]
    picture = timeline(lanes, title=_("How this reply was made")) if trace.spans else None
    return Making(trace=trace, sequential=sequential, picture=picture)


def in_a_row(trace: Trace) -> Trace:
    """The same tasks with the same durations, one at a time, without those that turned out not to be needed.

    A streaming join is as long as its whole window here; what it waited for is not its own work, so it is
    counted from the end of its last need.
    """
    ends = {span.name: span.end for span in trace.spans}
    spans: list[Span] = []
    at = 0.0
    for span in sorted(trace.spans, key=lambda span: (span.start, span.end)):
        if span.wasted or span.status != "done":
            continue
        ready = max([span.start, *(ends[need] for need in span.needs if need in ends)])
        length = max(0.0, span.end - ready)
        spans.append(replace(span, start=at, end=at + length, critical=True, first_output=None))
        at += length
    return Trace(tuple(spans))
