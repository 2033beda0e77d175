"""The numbers of findings in a picture: which discs stand at a place, their width, their words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django.utils.translation import ngettext

from lessons.figures.text import listed

Numbers = tuple[int, ...]
"""Finding numbers at one place; () where there is no finding."""

PITCH = 20.0
RADIUS = 9.0
_DISCS_AT_MOST = 4
_BEHIND = 4.0


def discs_of(numbers: Sequence[int], *, room: float = 0) -> list[str]:
    """The text of each disc: every number, or where they are too many the first and how many more.

    Four discs always fit; more where `room`, a width in units of the drawing, allows it.
    """
    most = max(_DISCS_AT_MOST, int(room // PITCH))
    if len(numbers) <= most:
        return [str(number) for number in numbers]
    shown = most - 1
    return [*(str(number) for number in numbers[:shown]), f"+{len(numbers) - shown}"]


def discs_width(numbers: Sequence[int]) -> float:
    """Room for the discs and a gap behind them; 0 without any."""
    return len(discs_of(numbers)) * PITCH + _BEHIND if numbers else 0.0


def findings_text(numbers: Sequence[int]) -> str:
    """`finding 3`, `findings 3 and 4`; empty without any."""
    if not numbers:
        return ""
    said = listed([str(number) for number in numbers])
    return ngettext("finding %(numbers)s", "findings %(numbers)s", len(numbers)) % {"numbers": said}


def merged(places: Iterable[Numbers]) -> Numbers:
    """All numbers of these places, each once, in order."""
    return tuple(sorted({number for numbers in places for number in numbers}))
