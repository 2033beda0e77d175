"""Places where a process may be made to die, for the tests that kill it there: `CRASH_AT=mid_stream:3`.

The process kills itself as it comes by the named place for the first (or the n-th) time, without a word, as
a power cut would. Unset, a place costs a call of an empty function.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Final, Literal

Point = Literal[
    "before_commit",
    "after_commit_before_ack",
    "before_claim",
    "after_claim",
    "before_first_event",
    "mid_stream",
    "before_finish",
    "after_finish_before_publish",
    "before_release",
    "before_attempt",
    "after_attempt_row",
    "after_response_before_settle",
]


def _killer(armed: str) -> Callable[[Point], None]:
    name, _, count = armed.partition(":")
    left = int(count or 1)

    def come_by(point: Point) -> None:
        nonlocal left
        if point != name:
            return
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return come_by


def _pass_by(point: Point) -> None:
    pass


_armed = os.environ.get("CRASH_AT", "")
crash_point: Final[Callable[[Point], None]] = _killer(_armed) if _armed else _pass_by
"""Call it between two side effects, with the name of the place."""
