"""The guard of a reply that a model writes: the guard itself, and the further reasons to say no."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from coach.ladder import Step
from coach.replies.guard import Guard
from coach.replies.telling import guard_for
from coach.replies.wariness import Wariness
from exercises.kinds.base import Finding


def guarded(
    findings: Iterable[Finding],
    steps: Mapping[str, Step],
    *,
    mastered: bool,
    question: str = "",
    known: Iterable[str] = (),
) -> tuple[Guard, Callable[[str], bool]]:
    """For a teller: its guard, and what it `refuses` besides. `known`: authored texts, which may be said as
    they stand."""
    guard = guard_for(findings, steps, mastered=mastered)
    return guard, Wariness(guard, question=question, known=known).refuses
