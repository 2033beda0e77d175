"""The project's one visual idea: the same work on one time axis, in a row, as planned, and at its best."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lessons.figures.base import Picture
from lessons.figures.svg import Drawing
from lessons.figures.text import drawable, fitted, seconds_text

if TYPE_CHECKING:
    from django.utils.safestring import SafeString

    from coach.engine.trace import Span, Trace

_ROWS_DRAWN = 24
_ROWS_LISTED = 300
_DISCARDED = frozenset({"dropped", "cancelled", "discarded"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One way of doing the work. `markers` are finding numbers by task name."""

    label: str
    trace: Trace
    markers: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """Where things stand in one of the two drawings; a narrow one sets each label above its bar."""

    width: float
    gutter: float
    row_height: float
    bar_height: float
    value_room: float
    label_size: float
    stacked: bool

    def x_of(self, seconds: float, scale: float) -> float:
        return self.gutter + seconds * scale


_WIDE = _Layout(
    width=832, gutter=184, row_height=24, bar_height=14, value_room=62, label_size=14, stacked=False
)
_NARROW = _Layout(
    width=320, gutter=2, row_height=36, bar_height=11, value_room=54, label_size=13, stacked=True
)


@dataclass(frozen=True, slots=True)
class _Row:
    span: Span
    slack: float
    marker: int | None


def timeline(lanes: Sequence[Lane], *, title: str) -> Picture:
    """A Gantt chart of one or more traces on a common time axis.

    Takes traces as the engine leaves them (seconds from the trace's start). Draws at most 24 rows a lane and says
    how many more there are; the table lists 300. Never fails on an empty trace or on spans without length.
    """
    rows = [_rows_of(lane) for lane in lanes]
    horizon = max([_finite(lane.trace.makespan) for lane in lanes], default=0.0)
    sentence = _sentence(lanes, rows)
    svg, narrow = (
        _draw(lanes, rows, horizon, layout=layout, title=title, sentence=sentence)
        for layout in (_WIDE, _NARROW)
    )
    columns = (_("Plan"), _("Task"), _("Starts"), _("Ends"), _("Takes"), _("Slack"), _("What it is"))
    return Picture(
        title=title, svg=svg, svg_narrow=narrow, sentence=sentence, columns=columns, rows=_table(lanes, rows)
    )


# --- what the trace says ---------------------------------------------------------------------------------------


def _finite(seconds: float) -> float:
    return seconds if math.isfinite(seconds) and seconds > 0 else 0.0


def _rows_of(lane: Lane) -> list[_Row]:
    spans = sorted(lane.trace.spans, key=lambda span: (span.start, span.end))
    slack = _slack_of(spans, lane.trace.makespan)
    return [_Row(span, slack[span.name], lane.markers.get(span.name)) for span in spans]


def _slack_of(spans: Sequence[Span], makespan: float) -> dict[str, float]:
    """How much later each task could end without the whole ending later, by a backward pass over the trace."""
    latest = {span.name: makespan for span in spans}
    for span in sorted(spans, key=lambda span: (-span.end, -span.start)):
        must_start = latest[span.name] - (span.end - span.start)
        for need in span.needs:
            if need in latest:
                latest[need] = min(latest[need], must_start)
    return {
        span.name: 0.0 if span.critical or span.status != "done" else max(0.0, latest[span.name] - span.end)
        for span in spans
    }


def _sentence(lanes: Sequence[Lane], rows: Sequence[list[_Row]]) -> str:
    if not lanes:
        return _("Nothing has run yet.")
    return " ".join(_lane_sentence(lane, lane_rows) for lane, lane_rows in zip(lanes, rows, strict=True))


def _lane_sentence(lane: Lane, rows: list[_Row]) -> str:
    chain = [row.span.name for row in rows if row.span.critical]
    said = _("%(lane)s: %(time)s") % {"lane": lane.label, "time": seconds_text(lane.trace.makespan)}
    if chain and len(chain) < len(rows):
        named = chain if len(chain) <= 6 else [*chain[:3], "…", *chain[-2:]]
        said += _(", set by %(chain)s") % {"chain": _(", then ").join(named)}
    if lane.trace.first_output is not None and lane.trace.first_output < lane.trace.makespan:
        said += _("; first output after %(time)s") % {"time": seconds_text(lane.trace.first_output)}
    if lane.trace.wasted_seconds > 0:
        said += _("; %(time)s of work thrown away") % {"time": seconds_text(lane.trace.wasted_seconds)}
    return said + "."


def _table(lanes: Sequence[Lane], rows: Sequence[list[_Row]]) -> tuple[tuple[str, ...], ...]:
    listed: list[tuple[str, ...]] = []
    for lane, lane_rows in zip(lanes, rows, strict=True):
        listed += [_table_row(lane, row) for row in lane_rows[: max(0, _ROWS_LISTED - len(listed))]]
    left_out = sum(map(len, rows)) - len(listed)
    if left_out:
        more = ngettext("and %(count)d more", "and %(count)d more", left_out) % {"count": left_out}
        listed.append((more, "", "", "", "", "", ""))
    return tuple(listed)


def _table_row(lane: Lane, row: _Row) -> tuple[str, ...]:
    span = row.span
    times = (seconds_text(span.start), seconds_text(span.end), seconds_text(span.end - span.start))
    slack = seconds_text(row.slack) if row.slack > 0 else "–"
    return (lane.label, drawable(span.name), *times, slack, _what_it_is(row))


def _what_it_is(row: _Row) -> str:
    span = row.span
    said = [
        _("on the critical path") if span.critical else "",
        _("speculative") if span.speculative else "",
        {"done": "", "failed": _("failed")}.get(span.status, _("discarded")),
        _("first output at %(time)s") % {"time": seconds_text(span.first_output)}
        if span.first_output is not None
        else "",
        _("finding %(number)d") % {"number": row.marker} if row.marker is not None else "",
        drawable(span.note) if span.note else "",
    ]
    return ", ".join(part for part in said if part)


# --- how it is drawn -------------------------------------------------------------------------------------------


def _draw(
    lanes: Sequence[Lane],
    rows: Sequence[list[_Row]],
    horizon: float,
    *,
    layout: _Layout,
    title: str,
    sentence: str,
) -> SafeString:
    pen = Drawing(width=layout.width)
    scale = (layout.width - layout.gutter - layout.value_room) / horizon if horizon else 0.0
    height = _height(rows, layout)
    _draw_axis(pen, horizon, scale, bottom=height - 22, layout=layout)
    y = 0.0
    for lane, lane_rows in zip(lanes, rows, strict=True):
        y = _draw_lane(pen, lane, lane_rows, scale, y, layout=layout)
    return pen.finished(height=height, title=title, description=sentence)


def _height(rows: Sequence[list[_Row]], layout: _Layout) -> float:
    drawn = sum(min(len(lane), _ROWS_DRAWN) + (len(lane) > _ROWS_DRAWN) for lane in rows)
    return drawn * layout.row_height + len(rows) * 46 + 24


def _draw_axis(pen: Drawing, horizon: float, scale: float, *, bottom: float, layout: _Layout) -> None:
    pen.line(layout.gutter, bottom, layout.width - layout.value_room, bottom, "axis")
    if not horizon:
        return
    step = tick_step(horizon, most=4 if layout.stacked else 8)
    for index in range(int(horizon / step + 1e-9) + 1):
        x = layout.x_of(index * step, scale)
        pen.line(x, 30, x, bottom, "grid")
        pen.text(
            x,
            bottom + 17,
            seconds_text(index * step) if index else "0",
            "tick",
            anchor="middle" if index else "start",
        )


def tick_step(horizon: float, *, most: int) -> float:
    """The smallest of 1, 2, 2.5, 5 times a power of ten that cuts the axis into at most `most` pieces."""
    raw = horizon / most
    power = 10.0 ** math.floor(math.log10(raw))
    return next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * (1 - 1e-9))


def _draw_lane(
    pen: Drawing, lane: Lane, rows: list[_Row], scale: float, y: float, *, layout: _Layout
) -> float:
    total = seconds_text(lane.trace.makespan)
    room = layout.width - 90
    pen.text(0, y + 19, fitted(drawable(lane.label), width=room, size=15, bold=True), "lane-label")
    pen.text(layout.width, y + 19, total, "lane-total", anchor="end")
    pen.line(0, y + 27, layout.width, y + 27, "lane-rule")
    y += 34
    shown = _shown(rows)
    for row in shown:
        _draw_row(pen, row, scale, y, layout=layout)
        y += layout.row_height
    if len(shown) < len(rows):
        _draw_rest(pen, len(rows) - len(shown), y, layout=layout)
        y += layout.row_height
    _draw_first_output(pen, lane.trace.first_output, lane.trace.makespan, scale, y, len(shown), layout=layout)
    return y + 12


def _shown(rows: list[_Row]) -> list[_Row]:
    """All rows, or the ones that explain most: critical or marked first, then the longest; in their old order."""
    if len(rows) <= _ROWS_DRAWN:
        return rows

    def weight(index: int) -> tuple[bool, float]:
        row = rows[index]
        return (not row.span.critical and row.marker is None, -(row.span.end - row.span.start))

    kept = sorted(sorted(range(len(rows)), key=weight)[:_ROWS_DRAWN])
    return [rows[index] for index in kept]


def _draw_rest(pen: Drawing, count: int, y: float, *, layout: _Layout) -> None:
    more = ngettext("and %(count)d more task", "and %(count)d more tasks", count) % {"count": count}
    pen.text(0, y + 15, more, "more")


def _row_class(span: Span) -> str:
    kinds = [
        "row",
        "critical" if span.critical else "",
        "speculative" if span.speculative else "",
        "discarded" if span.status in _DISCARDED else "",
        "failed" if span.status == "failed" else "",
    ]
    return " ".join(kind for kind in kinds if kind)


def _draw_row(pen: Drawing, row: _Row, scale: float, y: float, *, layout: _Layout) -> None:
    span = row.span
    start, length = layout.x_of(span.start, scale), (span.end - span.start) * scale
    bar_y = y + (19 if layout.stacked else (layout.row_height - layout.bar_height) / 2)
    pen.open_group(_row_class(span), tip=_tip(row))
    _draw_label(pen, row, y, layout=layout)
    pen.rect(start, bar_y, max(length, 2), layout.bar_height, "bar")
    tail = row.slack * scale
    if tail >= 2:
        pen.patterned(start + length, bar_y + layout.bar_height / 2 - 2.5, tail, 5, "tail", pattern="slack")
    if span.status in _DISCARDED:
        middle = bar_y + layout.bar_height / 2
        pen.line(start - 4, middle, start + length + 4, middle, "strike")
    end = start + length + (tail if tail >= 2 else 0)
    pen.text(end + 6, bar_y + layout.bar_height / 2 + 4.5, seconds_text(span.end - span.start), "value")
    pen.close_group()


def _draw_label(pen: Drawing, row: _Row, y: float, *, layout: _Layout) -> None:
    room = (layout.width if layout.stacked else layout.gutter - 12) - (24 if row.marker is not None else 0)
    label = fitted(drawable(row.span.name), width=room, size=layout.label_size, bold=row.span.critical)
    indent = 24 if row.marker is not None else 0
    if row.marker is not None:
        pen.marker(10, y + (9 if layout.stacked else layout.row_height / 2), row.marker)
    pen.text(indent, y + (14 if layout.stacked else layout.row_height / 2 + 4.5), label, "label")


def _tip(row: _Row) -> str:
    span = row.span
    when = _("%(name)s: %(start)s to %(end)s") % {
        "name": span.name,
        "start": seconds_text(span.start),
        "end": seconds_text(span.end),
    }
    return ", ".join(part for part in (when, _what_it_is(row)) if part)


def _draw_first_output(
    pen: Drawing,
    seconds: float | None,
    makespan: float,
    scale: float,
    y: float,
    count: int,
    *,
    layout: _Layout,
) -> None:
    """A flag where the first words reach the reader, through the lane's whole height."""
    if seconds is None or seconds >= makespan or not scale:
        return
    x = layout.x_of(seconds, scale)
    top = y - count * layout.row_height
    pen.line(x, top - 4, x, y, "first-output")
    pen.path(f"M{x:.1f} {top - 5:.1f}h8l-2.5 4l2.5 4h-8z", "first-output-flag")
