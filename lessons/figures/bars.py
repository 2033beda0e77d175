"""Bars cut into parts: what a prompt consists of, what the time of a call goes into."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lessons.figures.base import Picture
from lessons.figures.discs import PITCH, Numbers, discs_of, discs_width, findings_text
from lessons.figures.legend import Key, draw_legend, legend_height
from lessons.figures.svg import Drawing
from lessons.figures.text import drawable, fitted, listed, seconds_text, text_width, tokens_text

_WIDE, _NARROW = 832.0, 320.0
_ROWS_DRAWN = 24
_HEADING, _BAR, _BELOW = 26.0, 24.0, 30.0
_MARKER_ROOM = PITCH + 1
_Marks = Mapping[str, Numbers]


def kind_labels() -> dict[str, str]:
    """What each kind of part is called in the key; any other kind is drawn plain."""
    return {
        "background": _("background"),
        "task": _("task"),
        "data": _("data"),
        "schema": _("output schema"),
        "output": _("output"),
        "reasoning": _("reasoning"),
        "base": _("before any reading"),
        "wait": _("until the first token"),
        "writing": _("from the first token to the last"),
        "read": _("read from the cache"),
        "written": _("written to the cache"),
        "fresh": _("fresh"),
    }


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a prompt or an output, in tokens. `kind`: one of `kind_labels()`; others are drawn plain."""

    label: str
    tokens: float
    kind: str = "other"
    markers: Numbers = ()


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a call's time, in seconds. `kind` as for `Segment`."""

    label: str
    seconds: float
    kind: str = "other"
    markers: Numbers = ()


@dataclass(frozen=True, slots=True)
class _Part:
    label: str
    amount: float
    said: str
    kind: str
    markers: Numbers


@dataclass(frozen=True, slots=True)
class _Row:
    label: str
    parts: list[_Part]
    total: float
    said: str
    markers: Numbers


def token_bars(
    rows: Sequence[tuple[str, Sequence[Segment]]], *, title: str, markers: _Marks | None = None
) -> Picture:
    """One bar a row, cut into its segments, all on one scale of tokens.

    Draws at most 24 rows; the table has all. Amounts below zero or not finite count as zero. `markers` are
    the numbers of findings that concern a whole row, by its label.
    """
    made = [
        _row(label, [_part(s, s.tokens, _tokens_said) for s in segments], _tokens_said, markers)
        for label, segments in rows
    ]
    return _picture(made, title=title, columns=(_("Version"), _("Part"), _("Tokens")))


def time_bars(
    rows: Sequence[tuple[str, Sequence[Stretch]]], *, title: str, markers: _Marks | None = None
) -> Picture:
    """One bar a row, cut into stretches of time, all on one scale of seconds. Limits as for `token_bars`."""
    made = [
        _row(label, [_part(s, s.seconds, seconds_text) for s in stretches], seconds_text, markers)
        for label, stretches in rows
    ]
    return _picture(made, title=title, columns=(_("Call"), _("Part"), _("Time")))


def _tokens_said(tokens: float) -> str:
    count = round(tokens)
    return ngettext("%(number)s token", "%(number)s tokens", count) % {"number": tokens_text(count)}


def _part(given: Segment | Stretch, raw: float, say: Callable[[float], str]) -> _Part:
    amount = raw if math.isfinite(raw) and raw > 0 else 0.0
    return _Part(drawable(given.label), amount, say(amount), given.kind, given.markers)


def _row(label: str, parts: list[_Part], say: Callable[[float], str], markers: _Marks | None) -> _Row:
    total = math.fsum(part.amount for part in parts)
    return _Row(drawable(label), parts, total, say(total), (markers or {}).get(label, ()))


def _picture(rows: list[_Row], *, title: str, columns: tuple[str, ...]) -> Picture:
    sentence = " ".join(map(_row_sentence, rows)) or _("Nothing to show yet.")
    draw = partial(_draw, rows, title=title, sentence=sentence)
    table = [cells for row in rows for cells in _table_rows(row)]
    if any(cells[3] for cells in table):
        columns = (*columns, _("Findings"))
    return Picture(
        title=title,
        svg=draw(width=_WIDE),
        svg_narrow=draw(width=_NARROW),
        sentence=sentence,
        columns=columns,
        rows=tuple(cells[: len(columns)] for cells in table),
    )


def _table_rows(row: _Row) -> Iterator[tuple[str, ...]]:
    """Cells of the parts, below those of the whole row where it has findings of its own."""
    if row.markers:
        yield (row.label, _("all of it"), row.said, findings_text(row.markers))
    for part in row.parts:
        yield (row.label, part.label, part.said, findings_text(part.markers))


def _row_sentence(row: _Row) -> str:
    largest = sorted((part for part in row.parts if part.amount), key=lambda part: -part.amount)[:3]
    if len(largest) < 2:
        return _("%(row)s: %(total)s.") % {"row": row.label, "total": row.said}
    parts = listed([f"{part.label} {part.said}" for part in largest])
    said = {"row": row.label, "total": row.said, "parts": parts}
    if len(row.parts) > len(largest):
        return _("%(row)s: %(total)s, most of it %(parts)s.") % said
    return _("%(row)s: %(total)s, of which %(parts)s.") % said


def _draw(rows: list[_Row], *, width: float, title: str, sentence: str) -> SafeString:
    pen = Drawing(width=width)
    shown = rows[:_ROWS_DRAWN]
    largest = max((row.total for row in shown), default=0.0)
    scale = (width - 2) / largest if largest else 0.0
    y = 0.0
    for row in shown:
        _draw_row(pen, row, scale, y)
        y += _HEADING + _BAR + _BELOW
    if len(shown) < len(rows):
        left_out = len(rows) - len(shown)
        pen.text(
            0,
            y + 15,
            ngettext("and %(count)d more", "and %(count)d more", left_out) % {"count": left_out},
            "more",
        )
        y += 24
    keys = _keys(shown)
    draw_legend(pen, keys, y=y, width=width)
    return pen.finished(height=y + legend_height(keys, width=width), title=title, description=sentence)


def _keys(rows: list[_Row]) -> list[Key]:
    labels = kind_labels()
    used = {_known(part.kind) for row in rows for part in row.parts if part.amount}
    keys = [Key(label, pattern=kind) for kind, label in labels.items() if kind in used]
    return [*keys, Key(_("other"), pattern="other")] if "other" in used and keys else keys


def _known(kind: str) -> str:
    return kind if kind in kind_labels() else "other"


def _draw_row(pen: Drawing, row: _Row, scale: float, y: float) -> None:
    indent = discs_width(row.markers)
    room = pen.width - indent - text_width(row.said, size=15, bold=True) - 12
    pen.markers(10, y + 12, row.markers)
    pen.text(indent, y + 17, fitted(row.label, width=room, size=15, bold=True), "lane-label")
    pen.text(pen.width, y + 17, row.said, "lane-total", anchor="end")
    x = 1.0
    middles: list[tuple[float, str]] = []
    for part in row.parts:
        width = part.amount * scale
        if part.amount:
            _draw_part(pen, part, x, y + _HEADING, width)
        discs = discs_of(part.markers, room=width)
        left = x + (width - (len(discs) - 1) * _MARKER_ROOM) / 2
        middles += [(left + index * _MARKER_ROOM, said) for index, said in enumerate(discs)]
        x += width
    _draw_markers(pen, middles, y + _HEADING + _BAR / 2)


def _draw_markers(pen: Drawing, middles: list[tuple[float, str]], y: float) -> None:
    """On top of all parts, side by side where parts are thinner than a marker, inside the frame."""
    room = int(pen.width // _MARKER_ROOM)
    if len(middles) > room:
        middles = [*middles[: room - 1], (pen.width, f"+{len(middles) - room + 1}")]
    last = -_MARKER_ROOM / 2
    for index, (middle, said) in enumerate(middles):
        room_behind = (len(middles) - index - 0.5) * _MARKER_ROOM
        last = max(last + _MARKER_ROOM, min(middle, pen.width - room_behind))
        pen.disc(last, y, said)


def _draw_part(pen: Drawing, part: _Part, x: float, y: float, width: float) -> None:
    said = ", ".join(each for each in (part.said, findings_text(part.markers)) if each)
    pen.open_group("part", tip=f"{part.label}: {said}")
    pen.patterned(x, y, max(width, 1.0), _BAR, "segment", pattern=_known(part.kind))
    label = fitted(part.label, width=width - 4, size=12.5)
    if 2 * len(label) > len(part.label):  # less of it would be a riddle; key, tip and table say the rest
        pen.text(x, y + _BAR + 16, label, "part-label")
    pen.close_group()
