"""How much of a conversation is sent again, and where an old part of it is cut off. Pure."""

from __future__ import annotations

TURNS_MAX = 16
"""So many earlier turns are read at most: two blocks each, inside a breakpoint's look-back of 20."""
CUT_TURNS = 8
"""Old turns are left out so many at a time, so that the prefix stays the same for as many turns."""


def left_out(turns: int) -> int:
    """How many of so many turns, the oldest, are not sent again."""
    steps = -(-max(0, turns - TURNS_MAX) // CUT_TURNS)
    return steps * CUT_TURNS
