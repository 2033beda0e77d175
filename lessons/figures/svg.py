"""A pen for SVG: collects marks as text, escapes what people typed, gives every drawing ids of its own.

Marks carry classes and no style: static/css/pictures.css colours them, so that one drawing serves both themes.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from html import escape

from django.utils.safestring import SafeString, mark_safe

from lessons.figures.text import drawable

# name -> (size of the tile, its marks). Each meaning has a mark of its own beside its colour.
_PATTERNS: Mapping[str, tuple[int, str]] = {
    "slack": (6, '<path class="ink-slack" d="M-1 1l2-2M0 6l6-6M5 7l2-2"/>'),
    "read": (8, '<rect class="ground" width="8" height="8"/><path class="grain" d="M-2 2l4-4M0 8l8-8M6 10l4-4"/>'),
    "written": (8, '<rect class="ground" width="8" height="8"/><circle class="speck" cx="2" cy="2" r="1.2"/><circle class="speck" cx="6" cy="6" r="1.2"/>'),
    "fresh": (6, '<rect class="ground" width="6" height="6"/><path class="grain" d="M0 3h6"/>'),
    "background": (8, '<rect class="ground" width="8" height="8"/><path class="grain" d="M0 0l8 8M-1 7l2 2M7-1l2 2"/>'),
    "data": (7, '<rect class="ground" width="7" height="7"/><circle class="speck" cx="3.5" cy="3.5" r="1.1"/>'),
    "schema": (7, '<rect class="ground" width="7" height="7"/><path class="grain" d="M0 3.5h7M3.5 0v7"/>'),
    "output": (6, '<rect class="ground" width="6" height="6"/><path class="grain" d="M3 0v6"/>'),
    "wait": (6, '<rect class="ground" width="6" height="6"/><path class="grain" d="M0 3h6"/>'),
}  # fmt: skip


class Drawing:
    """One SVG under construction, `width` units wide; units are CSS pixels when it is shown at its full width."""

    def __init__(self, *, width: float) -> None:
        self.width = width
        self._id = f"d{secrets.token_hex(4)}"
        self._marks: list[str] = []
        self._patterns: dict[str, None] = {}

    def rect(self, x: float, y: float, width: float, height: float, css: str, *, radius: float = 2) -> None:
        self._marks.append(
            f'<rect class="{css}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{radius}"/>'
        )

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

    def marker(self, x: float, y: float, number: int) -> None:
        """The numbered disc of a finding, centred on x, y; the same number stands in the text."""
        self._marks.append(f'<circle class="marker-disc" cx="{x:.1f}" cy="{y:.1f}" r="9"/>')
        self.text(x, y + 4, str(number), "marker-number", anchor="middle")

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
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {self.width:.0f} {height:.0f}"'
            f' width="{self.width:.0f}" height="{height:.0f}" aria-labelledby="{self._id}-t" aria-describedby="{self._id}-d">'
            f'<title id="{self._id}-t">{escape(drawable(title))}</title>'
            f'<desc id="{self._id}-d">{escape(drawable(description))}</desc>'
        )
        body = "".join(self._marks)
        # Everything that people typed went through escape() above.
        return mark_safe(f"{head}{f'<defs>{defs}</defs>' if defs else ''}{body}</svg>")  # noqa: S308
