"""What may become of a turn: each state, each event, the next state. No other code moves a turn."""

from __future__ import annotations

from typing import Any, Literal

from django.db.models import QuerySet

from coach.models import Turn

S = Turn.State
Event = Literal[
    "begin",
    "begin and claim",
    "claim",
    "take over",
    "release",
    "finish",
    "truncate",
    "refuse",
    "fail",
    "stop",
    "interrupt",
]

TRANSITIONS: dict[tuple[S | None, Event], S] = {
    # It waits for the one before it, or for a process; else who stores it runs it.
    (None, "begin"): S.QUEUED,
    (None, "begin and claim"): S.RUNNING,
    # A process takes a turn that waits, or one whose process has gone silent.
    (S.QUEUED, "claim"): S.RUNNING,
    (S.RUNNING, "take over"): S.RUNNING,
    # A process that is being stopped hands back what it has not ended.
    (S.RUNNING, "release"): S.QUEUED,
    (S.RUNNING, "finish"): S.DONE,
    (S.RUNNING, "truncate"): S.TRUNCATED,
    (S.RUNNING, "refuse"): S.REFUSED,
    (S.RUNNING, "fail"): S.FAILED,
    (S.RUNNING, "stop"): S.STOPPED,
    (S.RUNNING, "interrupt"): S.INTERRUPTED,
    # While nobody runs it: stopped by its asker; about what is withdrawn; or not to be paid for again.
    (S.QUEUED, "stop"): S.STOPPED,
    (S.QUEUED, "fail"): S.FAILED,
    (S.QUEUED, "interrupt"): S.INTERRUPTED,
}
TERMINAL = frozenset(S) - {state for state, _ in TRANSITIONS}
ENDING: dict[str, Event] = {
    state: event
    for (origin, event), state in TRANSITIONS.items()
    if origin == S.RUNNING and state in TERMINAL
}
"""The event that ends a running turn in each terminal state."""


def move(turns: QuerySet[Turn], event: Event, **fields: Any) -> int:
    """Let the event happen to those of the turns that are in a state for it; how many there were."""
    targets = {origin: state for (origin, known), state in TRANSITIONS.items() if known == event}
    return sum(turns.filter(state=origin).update(state=state, **fields) for origin, state in targets.items())
