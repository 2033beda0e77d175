"""How a timeline is drawn: lanes under each other on one time axis, a row a task, wide and narrow."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lessons.figures.discs import Numbers, discs_width
from lessons.figures.legend import Key, draw_legend, legend_height
from lessons.figures.svg import Drawing
from lessons.figures.text import drawable, fitted, seconds_text, text_width

if TYPE_CHECKING:
    from coach.engine.trace import Span

ROWS_DRAWN = 24
DISCARDED = frozenset({"dropped", "cancelled"})
_HEADING = 34
_LANE_GAP = 14
_AXIS = 24


@dataclass(frozen=True, slots=True)
class Row:
    """One task of a lane. `slack`: seconds it could end later; `markers`: the numbers of its findings."""

    span: Span
    slack: float
    markers: Numbers
    tip: str

    @property
    def skipped(self) -> bool:
        """Never started, because it turned out not to be needed."""
        return self.span.status in DISCARDED and self.span.end <= self.span.start


@dataclass(frozen=True, slots=True)
class LaneRows:
    """A lane ready to draw: its rows in order of time, its length and its first output in seconds."""

    label: str
    rows: list[Row]
    makespan: float
    first_output: float
    wasted_seconds: float

    @property
    def streams(self) -> bool:
        """Whether its first output comes before its end."""
        return self.first_output < self.makespan


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where things stand in one of the two drawings; the narrow one sets each label above its bar."""

    width: float
    gutter: float
    row_height: float
    bar_height: float
    bar_top: float
    value_room: float
    ticks: int
    stacked: bool


WIDE = Layout(
    width=832, gutter=184, row_height=24, bar_height=14, bar_top=5, value_room=64, ticks=8, stacked=False
)
NARROW = Layout(
    width=320, gutter=2, row_height=39, bar_height=11, bar_top=21, value_room=56, ticks=4, stacked=True
)


def draw_gantt(lanes: Sequence[LaneRows], *, layout: Layout, title: str, description: str) -> SafeString:
    """The finished drawing; its height follows from the rows, its time scale from the last end."""
    layout = _fitted_to(lanes, layout)
    pen = Drawing(width=layout.width)
    horizon = max((row.span.end for lane in lanes for row in lane.rows), default=0.0)
    scale = (layout.width - layout.gutter - layout.value_room) / horizon if horizon else 0.0
    keys = _keys(lanes)
    bottom = sum(_lane_height(lane, layout) for lane in lanes)
    _draw_axis(pen, horizon, scale, bottom=bottom, layout=layout)
    y = 0.0
    for lane in lanes:
        _draw_lane(pen, lane, scale, y, layout=layout)
        y += _lane_height(lane, layout)
    draw_legend(pen, keys, y=bottom + _AXIS + 4, width=layout.width)
    height = bottom + _AXIS + 4 + legend_height(keys, width=layout.width)
    return pen.finished(height=height, title=title, description=description)


def _fitted_to(lanes: Sequence[LaneRows], layout: Layout) -> Layout:
    """The layout with a gutter as wide as the labels want, within reason."""
    if layout.stacked:
        return layout
    wanted = [
        text_width(drawable(row.span.title), size=14, bold=row.span.critical) + discs_width(row.markers)
        for lane in lanes
        for row in shown_rows(lane.rows)
    ]
    return replace(layout, gutter=min(max([*wanted, 90.0]) + 16, 270.0))


def tick_step(horizon: float, *, most: int) -> float:
    """The smallest of 1, 2, 2.5, 5 times a power of ten that cuts the axis into at most `most` pieces."""
    raw = horizon / most
    power = 10.0 ** math.floor(math.log10(raw))
    return next((m * power for m in (1, 2, 2.5, 5) if m * power >= raw * (1 - 1e-9)), 10 * power)


_TESTS: tuple[tuple[Callable[[LaneRows, Row], bool], Callable[[], Key]], ...] = (
    (lambda lane, row: row.span.critical, lambda: Key(_("critical path"), "critical")),
    (lambda lane, row: row.slack > 0, lambda: Key(_("slack"), pattern="slack")),
    (
        lambda lane, row: row.span.speculative and row.span.status not in DISCARDED,
        lambda: Key(_("speculative"), "speculative"),
    ),
    (
        lambda lane, row: row.span.status in DISCARDED and not row.skipped,
        lambda: Key(_("discarded"), "discarded"),
    ),
    (lambda lane, row: row.span.status == "failed", lambda: Key(_("failed"), "failed")),
    (lambda lane, row: lane.streams, lambda: Key(_("first output"), flag=True)),
)


def _keys(lanes: Sequence[LaneRows]) -> list[Key]:
    return [key() for used, key in _TESTS if any(used(lane, row) for lane in lanes for row in lane.rows)]


def _lane_height(lane: LaneRows, layout: Layout) -> float:
    drawn = min(len(lane.rows), ROWS_DRAWN) + (len(lane.rows) > ROWS_DRAWN)
    return _HEADING + drawn * layout.row_height + _LANE_GAP


def _draw_axis(pen: Drawing, horizon: float, scale: float, *, bottom: float, layout: Layout) -> None:
    pen.line(layout.gutter, bottom, layout.width - layout.value_room, bottom, "axis")
    if not horizon:
        return
    step = tick_step(horizon, most=layout.ticks)
    for index in range(int(horizon / step + 1e-9) + 1):
        x = layout.gutter + index * step * scale
        pen.line(x, _HEADING - 6, x, bottom, "grid")
        anchor = "middle" if index else "start"
        pen.text(x, bottom + 17, seconds_text(index * step) if index else "0", "tick", anchor=anchor)


def _draw_lane(pen: Drawing, lane: LaneRows, scale: float, y: float, *, layout: Layout) -> None:
    _draw_heading(pen, lane, y, layout=layout)
    top = y + _HEADING
    shown = shown_rows(lane.rows)
    if lane.streams and scale:
        pen.flag(
            layout.gutter + lane.first_output * scale,
            top - 6,
            length=len(shown) * layout.row_height + 6,
        )
    for index, row in enumerate(shown):
        _draw_row(pen, row, scale, top + index * layout.row_height, layout=layout)
    if len(shown) < len(lane.rows):
        left_out = len(lane.rows) - len(shown)
        more = ngettext("and %(count)d more task", "and %(count)d more tasks", left_out) % {"count": left_out}
        pen.text(0, top + len(shown) * layout.row_height + 15, more, "more")


def _draw_heading(pen: Drawing, lane: LaneRows, y: float, *, layout: Layout) -> None:
    total = seconds_text(lane.makespan)
    total_width = text_width(total, size=15, bold=True)
    pen.text(layout.width, y + 18, total, "lane-total", anchor="end")
    room = layout.width - total_width - 12
    if lane.streams:
        first = seconds_text(lane.first_output)
        said = first if layout.stacked else _("first output %(time)s") % {"time": first}
        pen.text(layout.width - total_width - 8, y + 18, said, "lane-first", anchor="end")
        room -= text_width(said, size=13) + 10
    pen.text(0, y + 18, fitted(drawable(lane.label), width=room, size=15, bold=True), "lane-label")
    pen.line(0, y + 26, layout.width, y + 26, "lane-rule")


def shown_rows(rows: list[Row]) -> list[Row]:
    """All rows, or those that explain most: critical or marked ones, then the longest; in their old order."""
    if len(rows) <= ROWS_DRAWN:
        return rows

    def weight(index: int) -> tuple[bool, float]:
        row = rows[index]
        return (not row.span.critical and not row.markers, row.span.start - row.span.end)

    return [rows[index] for index in sorted(sorted(range(len(rows)), key=weight)[:ROWS_DRAWN])]


def _row_class(row: Row) -> str:
    span = row.span
    kinds = {
        "row": True,
        "critical": span.critical,
        "speculative": span.speculative,
        "skipped": row.skipped,
        "discarded": span.status in DISCARDED and not row.skipped,
        "failed": span.status == "failed",
    }
    return " ".join(kind for kind, holds in kinds.items() if holds)


def _draw_row(pen: Drawing, row: Row, scale: float, y: float, *, layout: Layout) -> None:
    span = row.span
    start, length = layout.gutter + span.start * scale, (span.end - span.start) * scale
    bar_y = y + layout.bar_top
    middle = bar_y + layout.bar_height / 2
    pen.open_group(_row_class(row), tip=row.tip)
    _draw_label(pen, row, y, layout=layout)
    tail = row.slack * scale if row.slack * scale >= 2 else 0.0
    if tail:
        pen.patterned(start + length, middle - 2.5, tail, 5, "tail", pattern="slack")
    if not row.skipped:
        pen.rect(start, bar_y, max(length, 2), layout.bar_height, "bar")
    if span.status in DISCARDED and not row.skipped:
        pen.line(start - 4, middle, start + length + 4, middle, "strike")
    said = _("not needed") if row.skipped else seconds_text(span.end - span.start)
    pen.text(start + length + tail + 7, middle + 4.5, said, "value")
    pen.close_group()


def _draw_label(pen: Drawing, row: Row, y: float, *, layout: Layout) -> None:
    indent = discs_width(row.markers)
    room = (layout.width if layout.stacked else layout.gutter - 12) - indent
    size = 13 if layout.stacked else 14
    middle = 9.0 if layout.stacked else layout.row_height / 2
    pen.markers(10, middle + y, row.markers)
    label = fitted(drawable(row.span.title), width=room, size=size, bold=row.span.critical)
    pen.text(indent, y + middle + 5, label, "label")
