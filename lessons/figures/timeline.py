"""The project's one visual idea: the same work on one time axis, in a row, as planned, and at its best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lessons.figures.base import Picture
from lessons.figures.discs import Numbers, findings_text
from lessons.figures.gantt import DISCARDED, NARROW, WIDE, LaneRows, Row, draw_gantt
from lessons.figures.text import drawable, seconds_text

if TYPE_CHECKING:
    from coach.engine.trace import Span, Trace

_ROWS_LISTED = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One way of doing the work. `markers` are finding numbers by task name."""

    label: str
    trace: Trace
    markers: Mapping[str, Numbers] = field(default_factory=dict)


def timeline(lanes: Sequence[Lane], *, title: str) -> Picture:
    """A Gantt chart of one or more traces on a common time axis.

    Takes traces as the engine leaves them (seconds from the trace's start). Draws at most 24 rows a lane and
    says how many more there are; the table lists 300. An empty trace and spans without length are fine.
    """
    lane_rows = [_lane_rows(lane) for lane in lanes]
    sentence = " ".join(map(_lane_sentence, lane_rows)) or _("Nothing has run yet.")
    return Picture(
        title=title,
        svg=draw_gantt(lane_rows, layout=WIDE, title=title, description=sentence),
        svg_narrow=draw_gantt(lane_rows, layout=NARROW, title=title, description=sentence),
        sentence=sentence,
        columns=(_("Plan"), _("Task"), _("Starts"), _("Ends"), _("Takes"), _("Slack"), _("What it is")),
        rows=_table(lane_rows),
    )


def _lane_rows(lane: Lane) -> LaneRows:
    trace = lane.trace
    return LaneRows(lane.label, _rows_of(lane), trace.makespan, trace.first_output, trace.wasted_seconds)


def _rows_of(lane: Lane) -> list[Row]:
    spans = sorted(lane.trace.spans, key=lambda span: (span.start, span.end))
    slack = _slack_of(spans, lane.trace.makespan)
    marks = {span.name: lane.markers.get(span.name, ()) for span in spans}
    return [Row(span, slack[span.name], marks[span.name], _tip(span, marks[span.name])) for span in spans]


def _slack_of(spans: Sequence[Span], makespan: float) -> dict[str, float]:
    """How much later each task could end without the whole ending later: a backward pass over the trace."""
    latest = {span.name: makespan for span in spans}
    for span in sorted(spans, key=lambda span: (-span.end, -span.start)):
        if span.status in DISCARDED:
            continue  # what is thrown away holds nobody up
        must_start = latest[span.name] - (span.end - span.start)
        for need in span.needs:
            if need in latest:
                latest[need] = min(latest[need], must_start)
    return {
        span.name: 0.0 if span.critical or span.status != "done" else max(0.0, latest[span.name] - span.end)
        for span in spans
    }


def _lane_sentence(lane: LaneRows) -> str:
    chain = [drawable(row.span.title) for row in lane.rows if row.span.critical]
    said = _("%(lane)s: %(time)s") % {"lane": lane.label, "time": seconds_text(lane.makespan)}
    others = [row for row in lane.rows if not row.span.critical]
    # Where all others end as late, no one chain sets the length.
    if chain and any(row.slack > 0 or row.span.status != "done" for row in others):
        named = chain if len(chain) <= 6 else [*chain[:3], "…", *chain[-2:]]
        said += _(", set by %(chain)s") % {"chain": _(", then ").join(named)}
    if lane.streams:
        said += _("; first output after %(time)s") % {"time": seconds_text(lane.first_output)}
    if lane.wasted_seconds > 0:
        said += _("; %(time)s of work thrown away") % {"time": seconds_text(lane.wasted_seconds)}
    return said + "."


def _table(lanes: Sequence[LaneRows]) -> tuple[tuple[str, ...], ...]:
    listed: list[tuple[str, ...]] = []
    for lane in lanes:
        listed += [_table_row(lane.label, row) for row in lane.rows[: max(0, _ROWS_LISTED - len(listed))]]
    left_out = sum(len(lane.rows) for lane in lanes) - len(listed)
    if left_out:
        more = ngettext("and %(count)d more", "and %(count)d more", left_out) % {"count": left_out}
        listed.append((more, "", "", "", "", "", ""))
    return tuple(listed)


def _table_row(lane: str, row: Row) -> tuple[str, ...]:
    span = row.span
    times = (seconds_text(span.start), seconds_text(span.end), seconds_text(span.end - span.start))
    slack = seconds_text(row.slack) if row.slack > 0 else "–"
    return (lane, drawable(span.title), *times, slack, _what_it_is(span, row.markers))


def _what_it_is(span: Span, markers: Numbers) -> str:
    said = [
        _("on the critical path") if span.critical else "",
        _("speculative") if span.speculative else "",
        _outcome(span),
        findings_text(markers),
        drawable(span.note),
    ]
    if span.first_output is not None:
        said.append(_("first output at %(time)s") % {"time": seconds_text(span.first_output)})
    return ", ".join(part for part in said if part)


def _outcome(span: Span) -> str:
    if span.status in DISCARDED:
        return _("discarded") if span.end > span.start else _("not needed")
    return _("failed") if span.status == "failed" else ""


def _tip(span: Span, markers: Numbers) -> str:
    when = _("%(name)s: %(start)s to %(end)s") % {
        "name": span.title,
        "start": seconds_text(span.start),
        "end": seconds_text(span.end),
    }
    return ", ".join(part for part in (when, _what_it_is(span, markers)) if part)
