"""What each call reads from a prefix cache, writes to it and sends fresh: a strip per call."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lessons.figures.base import Picture
from lessons.figures.discs import Numbers, discs_width, findings_text, merged
from lessons.figures.legend import Key, draw_legend, legend_height
from lessons.figures.svg import Drawing
from lessons.figures.text import drawable, fitted, share_text, text_width, tokens_text

_STRIPS_DRAWN = 24
_ROWS_LISTED = 300
_HEADING, _GAP = 34.0, 14.0
_Part = Literal["read", "written", "fresh"]
_PARTS: tuple[_Part, ...] = ("read", "written", "fresh")


@dataclass(frozen=True, slots=True)
class Strip:
    """One call's input tokens. `note` (a time, a price) stands behind it; `markers` are finding numbers."""

    label: str
    read: float
    written: float
    fresh: float
    note: str = ""
    markers: Numbers = ()

    @property
    def tokens(self) -> float:
        """All input tokens of the call."""
        return self.read + self.written + self.fresh


_Groups = Sequence[tuple[str, Sequence[Strip]]]


@dataclass(frozen=True, slots=True)
class _Group:
    """What is drawn under one heading; `share` of its tokens come from the cache."""

    name: str
    share: float
    strips: list[Strip]
    markers: Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    width: float
    gutter: float
    note_room: float
    row_height: float
    bar_top: float
    bar_height: float
    stacked: bool


_WIDE = _Layout(width=832, gutter=184, note_room=110, row_height=22, bar_top=4, bar_height=14, stacked=False)
_NARROW = _Layout(width=320, gutter=0, note_room=0, row_height=38, bar_top=20, bar_height=12, stacked=True)


def cache_strips(groups: _Groups, *, title: str, markers: Mapping[str, Numbers] | None = None) -> Picture:
    """Strips by group (as found, yours, best possible), all on one scale of tokens.

    A group of more than 24 calls is drawn as 24 strips or fewer, each the mean of neighbouring calls, and
    says so; the table lists the first 300 calls one by one. Numbers below zero or not finite count as zero.
    `markers` are the numbers of findings that concern a whole group, by its name.
    """
    clean = [(drawable(name), [_cleaned(strip) for strip in strips]) for name, strips in groups]
    sentence = " ".join(_group_sentence(name, strips) for name, strips in clean) or _("No calls yet.")
    marks = {drawable(name): numbers for name, numbers in (markers or {}).items()}
    drawn = [_Group(name, _share(strips), _bundled(strips), marks.get(name, ())) for name, strips in clean]
    draw = partial(_draw, drawn, title=title, sentence=sentence)
    columns = (_("Layout"), _("Call"), _("From cache"), _("Written"), _("Fresh"), _("Note"))
    return Picture(
        title=title,
        svg=draw(layout=_WIDE),
        svg_narrow=draw(layout=_NARROW),
        sentence=sentence,
        columns=columns,
        rows=_table(clean, marks),
    )


def _amount(value: float) -> float:
    return value if math.isfinite(value) and value > 0 else 0.0


def _cleaned(strip: Strip) -> Strip:
    read, written, fresh = _amount(strip.read), _amount(strip.written), _amount(strip.fresh)
    return Strip(drawable(strip.label), read, written, fresh, drawable(strip.note), strip.markers)


def _share(strips: Sequence[Strip]) -> float:
    total = math.fsum(strip.tokens for strip in strips)
    return math.fsum(strip.read for strip in strips) / total if total else 0.0


def _bundled(strips: list[Strip]) -> list[Strip]:
    """The strips, or the means of runs of neighbours, few enough to be seen."""
    if len(strips) <= _STRIPS_DRAWN:
        return strips
    size = math.ceil(len(strips) / _STRIPS_DRAWN)
    return [_mean(strips[at : at + size]) for at in range(0, len(strips), size)]


def _mean(run: list[Strip]) -> Strip:
    count = len(run)
    read, written, fresh = (math.fsum(getattr(strip, part) for strip in run) / count for part in _PARTS)
    label = run[0].label if count == 1 else f"{_short(run[0].label)} – {_short(run[-1].label)}"
    note = ngettext("mean of %(count)d", "mean of %(count)d", count) % {"count": count}
    return Strip(label, read, written, fresh, note, merged(strip.markers for strip in run))


def _short(label: str) -> str:
    """The time or number that a label begins with, if it does: two whole labels would not fit."""
    first = label.split(" ", 1)[0].rstrip(",")
    return first if first[:1].isdigit() else label


def _group_sentence(name: str, strips: Sequence[Strip]) -> str:
    total = math.fsum(strip.tokens for strip in strips)
    if not total:
        return _("%(group)s: no tokens sent.") % {"group": name}
    sums = {part: math.fsum(getattr(strip, part) for strip in strips) for part in _PARTS}
    shares: dict[str, str] = {part: share_text(amount / total) for part, amount in sums.items()}
    text = ngettext(
        "%(group)s: of %(tokens)s input tokens in %(count)d call, %(read)s come from the cache, "
        "%(written)s are written to it, %(fresh)s are fresh.",
        "%(group)s: of %(tokens)s input tokens in %(count)d calls, %(read)s come from the cache, "
        "%(written)s are written to it, %(fresh)s are fresh.",
        len(strips),
    )
    return text % {"group": name, "tokens": tokens_text(total), "count": len(strips), **shares}


def _table(groups: _Groups, markers: Mapping[str, Numbers]) -> tuple[tuple[str, ...], ...]:
    calls = [_table_row(name, strip) for name, strips in groups for strip in strips[:_ROWS_LISTED]]
    left_out = sum(len(strips) for _name, strips in groups) - len(calls[:_ROWS_LISTED])
    whole = [
        (name, _("all calls"), "", "", "", findings_text(markers[name]))
        for name, _strips in groups
        if markers.get(name)
    ]
    rows = [*whole, *calls[:_ROWS_LISTED]]
    if left_out:
        more = ngettext("and %(count)d more", "and %(count)d more", left_out) % {"count": left_out}
        rows.append((more, "", "", "", "", ""))
    return tuple(rows)


def _table_row(group: str, strip: Strip) -> tuple[str, ...]:
    amounts = (tokens_text(getattr(strip, part)) for part in _PARTS)
    note = ", ".join(part for part in (strip.note, findings_text(strip.markers)) if part)
    return (group, strip.label, *amounts, note)


def _draw(groups: list[_Group], *, layout: _Layout, title: str, sentence: str) -> SafeString:
    pen = Drawing(width=layout.width)
    longest = max((strip.tokens for group in groups for strip in group.strips), default=0.0)
    room = layout.width - layout.gutter - layout.note_room - 1
    scale = room / longest if longest else 0.0
    y = 0.0
    for group in groups:
        _draw_heading(pen, group, y)
        y += _HEADING
        for strip in group.strips:
            _draw_strip(pen, strip, scale, y, layout=layout)
            y += layout.row_height
        y += _GAP
    keys = _keys(groups)
    draw_legend(pen, keys, y=y, width=layout.width)
    return pen.finished(height=y + legend_height(keys, width=layout.width), title=title, description=sentence)


def _keys(groups: list[_Group]) -> list[Key]:
    labels = {
        "read": _("read from the cache"),
        "written": _("written to the cache"),
        "fresh": _("sent fresh"),
    }
    strips = [strip for group in groups for strip in group.strips]
    return [Key(labels[part], pattern=part) for part in _PARTS if any(getattr(s, part) for s in strips)]


def _draw_heading(pen: Drawing, group: _Group, y: float) -> None:
    said = _("%(share)s from cache") % {"share": share_text(group.share)}
    indent = discs_width(group.markers)
    room = pen.width - indent - text_width(said, size=15, bold=True) - 12
    pen.markers(10, y + 13, group.markers)
    pen.text(indent, y + 18, fitted(group.name, width=room, size=15, bold=True), "lane-label")
    pen.text(pen.width, y + 18, said, "lane-total", anchor="end")
    pen.line(0, y + 26, pen.width, y + 26, "lane-rule")


def _draw_strip(pen: Drawing, strip: Strip, scale: float, y: float, *, layout: _Layout) -> None:
    tokens = ", ".join(f"{part} {tokens_text(getattr(strip, part))}" for part in _PARTS)
    said = ", ".join(part for part in (tokens, findings_text(strip.markers)) if part)
    pen.open_group("strip", tip=f"{strip.label}: {said}")
    _draw_strip_label(pen, strip, y, layout=layout)
    x = layout.gutter + 0.5
    for part in _PARTS:
        width = getattr(strip, part) * scale
        if width:
            pen.patterned(x, y + layout.bar_top, max(width, 1.0), layout.bar_height, "segment", pattern=part)
        x += width
    if not layout.stacked:
        note = fitted(strip.note, width=layout.note_room - 8, size=12.5)
        pen.text(x + 8, y + 15.5, note, "value")
    pen.close_group()


def _draw_strip_label(pen: Drawing, strip: Strip, y: float, *, layout: _Layout) -> None:
    indent = discs_width(strip.markers)
    middle = 10.0 if layout.stacked else layout.row_height / 2
    pen.markers(10, y + middle, strip.markers)
    label, room = strip.label, layout.gutter - 12 - indent
    if layout.stacked:
        label, room = ", ".join(part for part in (strip.label, strip.note) if part), layout.width - indent
    pen.text(indent, y + middle + 4.5, fitted(label, width=room, size=13), "label")
