"""How a reply was made: its trace as a timeline beside the same graph run in a row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from coach.engine.trace import Span, Trace
from coach.models import Turn
from coach.replies.wording import fallback_text
from lessons.figures.timeline import Lane, timeline

if TYPE_CHECKING:
    from lessons.figures.base import Picture


@dataclass(frozen=True, slots=True)
class MadeCall:
    """One call of a model: what the engine expected of its prompt beside what was reported."""

    row: Mapping[str, Any]

    @property
    def title(self) -> str:
        purpose = {"reply": _("Write the reply"), "classify": _("Classify the question")}
        return purpose.get(self.row["purpose"], str(self.row["purpose"]))

    @property
    def tier(self) -> str:
        tiers = {"small": _("small"), "medium": _("medium")}
        return tiers.get(self.row["tier"], str(self.row["tier"]))

    @property
    def tokens(self) -> list[tuple[str, int, int]]:
        """Name, expected, reported."""
        names = {
            "tokens_read": _("read from the cache"),
            "tokens_written": _("written to the cache"),
            "tokens_fresh": _("sent fresh"),
        }
        expected, usage = self.row["expected"], self.row["usage"]
        return [(name, expected[key], usage[key]) for key, name in names.items()]

    @property
    def is_cold(self) -> bool:
        """It wrote more than it read: for those who come after it."""
        usage = self.row["usage"]
        return bool(usage["tokens_written"] > usage["tokens_read"])

    @property
    def output_tokens(self) -> int:
        return int(self.row["usage"]["tokens_output"])

    @property
    def cost_usd(self) -> float:
        return float(self.row["usage"]["cost_usd"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Making:
    """`fallback`: why the built-in coach wrote it after all; `speculation`: what the engine reckoned."""

    trace: Trace
    sequential: Trace
    picture: Picture | None
    calls: tuple[MadeCall, ...] = ()
    fallback: str = ""
    speculation: str = ""

    @property
    def naive_usd(self) -> float:
        """Everything asked of one model, and nothing cached."""
        return sum(float(call.row["naive_usd"]) for call in self.calls)

    @property
    def cost_usd(self) -> float:
        return sum(call.cost_usd for call in self.calls)

    @property
    def saved_seconds(self) -> float:
        return max(0.0, self.sequential.makespan - self.trace.makespan)

    @property
    def speculated(self) -> list[Span]:
        return [span for span in self.trace.spans if span.speculative]


def making_of(turn: Turn) -> Making:
    trace = Trace.from_dict(turn.trace)
    sequential = in_a_row(trace)
    lanes = [Lane(label=_("One after the other"), trace=sequential), Lane(label=_("As it ran"), trace=trace)]
    picture = timeline(lanes, title=_("How this reply was made")) if trace.spans else None
    reason = turn.trace.get("fallback", "")
    return Making(
        trace=trace,
        sequential=sequential,
        picture=picture,
        calls=tuple(MadeCall(row) for row in turn.trace.get("calls", ())),
        fallback=fallback_text(reason) if reason else "",
        speculation=turn.trace.get("speculation", ""),
    )


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
        spans.append(span._replace(start=at, end=at + length, critical=True, first_output=None))
        at += length
    return Trace(tuple(spans))
