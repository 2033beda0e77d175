"""A pen for SVG: collects marks as text, escapes what people typed, gives every drawing ids of its own.

Marks carry classes and no style: static/css/pictures.css colours them, so one drawing serves both themes.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from html import escape

from django.utils.safestring import SafeString, mark_safe

from lessons.figures.discs import PITCH, RADIUS, discs_of
from lessons.figures.text import drawable

_DIAGONAL = "M-2 2l4-4M0 8l8-8M6 10l4-4"
_BACK_DIAGONAL = "M0 0l8 8M-1 7l2 2M7-1l2 2"


def _grained(size: int, d: str) -> tuple[int, str]:
    return size, f'<rect class="ground" width="{size}" height="{size}"/><path class="grain" d="{d}"/>'


def _dotted(size: int, *dots: float) -> tuple[int, str]:
    marks = "".join(f'<circle class="speck" cx="{at}" cy="{at}" r="1.2"/>' for at in dots)
    return size, f'<rect class="ground" width="{size}" height="{size}"/>{marks}'


# name -> (size of the tile, its marks). Each meaning has a mark of its own beside its colour.
_PATTERNS: Mapping[str, tuple[int, str]] = {
    "slack": (6, '<path class="ink-slack" d="M-1 1l2-2M0 6l6-6M5 7l2-2"/>'),
    "read": _grained(8, _DIAGONAL),
    "written": _dotted(8, 2, 6),
    "fresh": _grained(6, "M0 3h6"),
    "background": _grained(8, _BACK_DIAGONAL),
    "data": _dotted(7, 3.5),
    "schema": _grained(7, "M0 3.5h7M3.5 0v7"),
    "output": _grained(6, "M3 0v6"),
    "reasoning": _dotted(6, 1.5, 4.5),
    "wait": _grained(6, "M0 3h6"),
    "writing": _grained(6, "M3 0v6"),
}


class Drawing:
    """One SVG under construction, `width` units wide; a unit is a CSS pixel at full width."""

    def __init__(self, *, width: float) -> None:
        self.width = width
        self._id = f"d{secrets.token_hex(4)}"
        self._marks: list[str] = []
        self._patterns: dict[str, None] = {}

    def rect(self, x: float, y: float, width: float, height: float, css: str, *, radius: float = 2) -> None:
        where = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
        self._marks.append(f'<rect class="{css}" {where} rx="{radius}"/>')

    def patterned(self, x: float, y: float, width: float, height: float, css: str, *, pattern: str) -> None:
        """A rectangle filled with the pattern; a kind without one is filled flat by its class."""
        if pattern not in _PATTERNS:
            self.rect(x, y, width, height, f"{css} {pattern}", radius=0)
            return
        self._patterns[pattern] = None
        self._marks.append(
            f'<rect class="{css} {pattern}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
            f' fill="url(#{self._id}-{pattern})"/>'
        )

    def line(self, x1: float, y1: float, x2: float, y2: float, css: str) -> None:
        self._marks.append(f'<path class="{css}" d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"/>')

    def path(self, d: str, css: str) -> None:
        self._marks.append(f'<path class="{css}" d="{d}"/>')

    def text(self, x: float, y: float, text: str, css: str, *, anchor: str = "start") -> None:
        where = f' text-anchor="{anchor}"' if anchor != "start" else ""
        self._marks.append(
            f'<text class="{css}" x="{x:.1f}" y="{y:.1f}"{where}>{escape(drawable(text))}</text>'
        )

    def markers(self, x: float, y: float, numbers: Sequence[int]) -> None:
        """The numbered discs of findings side by side, the first centred on x, y; the text has the same."""
        self.discs(x, y, discs_of(numbers))

    def discs(self, x: float, y: float, said_on_each: Sequence[str]) -> None:
        """Discs side by side, the first centred on x, y."""
        for index, said in enumerate(said_on_each):
            self.disc(x + index * PITCH, y, said)

    def disc(self, x: float, y: float, said: str) -> None:
        """One disc, centred on x, y."""
        self._marks.append(f'<circle class="marker-disc" cx="{x:.1f}" cy="{y:.1f}" r="{RADIUS:.0f}"/>')
        self.text(x, y + 4, said, "marker-number", anchor="middle")

    def flag(self, x: float, y: float, *, length: float) -> None:
        """A small flag on a pole that hangs down from x, y: the moment of the first output."""
        self.line(x, y, x, y + length, "first-output")
        self.path(f"M{x:.1f} {y:.1f}h9l-3 4l3 4h-9z", "first-output-flag")

    def open_group(self, css: str, *, tip: str = "", task: str = "") -> None:
        name = f' data-task="{escape(drawable(task))}"' if task else ""
        self._marks.append(f'<g class="{css}"{name}>')
        if tip:
            self._marks.append(f"<title>{escape(drawable(tip))}</title>")

    def close_group(self) -> None:
        self._marks.append("</g>")

    def arrowhead(self, name: str) -> str:
        """The attribute text that ends a path with an arrow; call once for each look."""
        self._marks.append(
            f'<defs><marker id="{self._id}-{name}" class="arrow {name}" viewBox="0 0 8 8" refX="7" refY="4"'
            ' markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">'
            '<path d="M0 0.5L8 4L0 7.5Z"/></marker></defs>'
        )
        return f"url(#{self._id}-{name})"

    def edge(self, d: str, css: str, *, arrow: str) -> None:
        self._marks.append(f'<path class="{css}" d="{d}" marker-end="{arrow}"/>')

    def finished(self, *, height: float, title: str, description: str) -> SafeString:
        """The drawing as markup. `description` is what a screen reader says after the title."""
        defs = "".join(
            f'<pattern id="{self._id}-{name}" class="pattern {name}" width="{_PATTERNS[name][0]}"'
            f' height="{_PATTERNS[name][0]}" patternUnits="userSpaceOnUse">{_PATTERNS[name][1]}</pattern>'
            for name in self._patterns
        )
        own, width = self._id, f"{self.width:.0f}"
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {width} {height:.0f}"'
            f' width="{width}" height="{height:.0f}" aria-labelledby="{own}-t" aria-describedby="{own}-d">'
            f'<title id="{own}-t">{escape(drawable(title))}</title>'
            f'<desc id="{own}-d">{escape(drawable(description))}</desc>'
        )
        body = "".join(self._marks)
        # Everything that people typed went through escape() above.
        return mark_safe(f"{head}{f'<defs>{defs}</defs>' if defs else ''}{body}</svg>")  # noqa: S308
