"""The key under a drawing: only the marks that the drawing uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lessons.figures.svg import Drawing
from lessons.figures.text import text_width

LINE_HEIGHT = 22
_SIZE = 12.5


@dataclass(frozen=True, slots=True)
class Key:
    """A mark and what it means. `css` is the class of the group the sample stands in; `pattern` fills it."""

    label: str
    css: str = ""
    pattern: str = ""
    flag: bool = False


def _width(key: Key) -> float:
    return 30 + text_width(key.label, size=_SIZE) + 18


def _placed(keys: Sequence[Key], width: float) -> list[tuple[float, int, Key]]:
    """Left edge and line of each key, broken like words."""
    placed: list[tuple[float, int, Key]] = []
    x, line = 0.0, 0
    for key in keys:
        if x and x + _width(key) - 18 > width:
            x, line = 0.0, line + 1
        placed.append((x, line, key))
        x += _width(key)
    return placed


def legend_height(keys: Sequence[Key], *, width: float) -> float:
    """Units the key takes; 0 without keys."""
    return (_placed(keys, width)[-1][1] + 1) * LINE_HEIGHT + 6 if keys else 0.0


def draw_legend(pen: Drawing, keys: Sequence[Key], *, y: float, width: float) -> None:
    for x, line, key in _placed(keys, width):
        _draw_key(pen, key, x, y + line * LINE_HEIGHT)


def _draw_key(pen: Drawing, key: Key, x: float, y: float) -> None:
    pen.open_group(f"key {key.css}".strip())
    if key.flag:
        pen.flag(x + 8, y + 6, length=12)
    elif key.pattern == "slack":
        pen.patterned(x + 1, y + 9, 22, 5, "tail", pattern=key.pattern)
    elif key.pattern:
        pen.patterned(x + 1, y + 6, 22, 11, "segment", pattern=key.pattern)
    else:
        pen.rect(x + 1, y + 6, 22, 10, "bar")
    if "discarded" in key.css:
        pen.line(x - 1, y + 11, x + 25, y + 11, "strike")
    pen.text(x + 30, y + 16, key.label, "key-label")
    pen.close_group()
