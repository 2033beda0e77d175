"""The guard of a reply that a model writes, put together in one place: whoever speaks, or measures, has it
from here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from coach.replies.founded import Grounds
from coach.replies.plainness import NO_COURSE, Course
from coach.replies.sealed import NOTHING_SEALED, Sealed
from coach.replies.solving import Handed, solved_by
from coach.replies.telling import Teller
from coach.replies.wariness import Wariness


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """What a learner may not be told: the answers of whatever they have not mastered, and what mends the
    answer that they handed in last."""

    sealed: Sealed = NOTHING_SEALED
    handed: Handed | None = None


NOTHING_CLOSED = Closed()


def arm(
    teller: Teller,
    closed: Closed = NOTHING_CLOSED,
    *,
    about: str = "",
    question: str = "",
    known: Iterable[str] = (),
    course: Course = NO_COURSE,
    grounds: Grounds | None = None,
) -> None:
    """From here on the teller is a model's. `about`: the finding that is spoken of; `known`: authored texts,
    which may be said as they stand; `grounds`: what numbers there are."""
    teller.guard.about = about
    withheld = {fact.key for fact in teller.guard.closed}
    wary = Wariness(
        teller.guard,
        question=question,
        known=known,
        directing=about not in withheld,
        opened=bool(about) and about not in withheld,
        closed=closed.sealed,
        course=course,
    )
    solves = _solving(teller, closed.handed)
    teller.refuses = lambda text: (
        (grounds is not None and grounds.refuses(text)) or solves(text) or wary.refuses(text)
    )


def _solving(teller: Teller, handed: Handed | None) -> Callable[[str], bool]:
    """Whether a sentence makes an answer of what was said that mends the learner's: the grader judges."""
    if handed is None:
        return lambda _text: False
    return lambda text: bool(solved_by(handed, "\n".join([*teller.shown, text])))
