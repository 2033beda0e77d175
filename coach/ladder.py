"""How much may be said about a finding now. Decided here, never by whoever words the reply.

point at the place → ask → name the concept and its passage → an analogous example → the answer. Each step is
earned: by another attempt that still has the finding, or by asking for a hint. The last one opens only once
the learner has mastered the exercise or has asked to be shown it, and then it no longer counts as mastered.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import IntEnum


class Rung(IntEnum):
    POINT = 1
    ASK = 2
    CONCEPT = 3
    EXAMPLE = 4
    ANSWER = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Where a learner stands with one finding; `rung` is the highest that was said, None before any."""

    finding_key: str
    rung: Rung | None = None
    shown_answer: bool = False

    @property
    def answer_is_open(self) -> bool:
        return self.shown_answer or self.rung is Rung.ANSWER


def step_for_attempt(step: Step, *, seen_before: bool) -> Step:
    """A new attempt still has the finding: one step up, at most to the example. First sight points."""
    if step.rung is None:
        return Step(finding_key=step.finding_key, rung=Rung.POINT)
    if step.answer_is_open or not seen_before:
        return step
    return _raised(step)


def step_for_hint(step: Step) -> Step:
    """The learner asked for a hint: one step up, at most to the example."""
    return step if step.answer_is_open else _raised(step)


def step_for_showing(step: Step, *, mastered: bool) -> Step:
    """The learner said "show me", or has mastered it: the answer. Only the first costs the mastery."""
    return Step(
        finding_key=step.finding_key, rung=Rung.ANSWER, shown_answer=step.shown_answer or not mastered
    )


def _raised(step: Step) -> Step:
    rung = Rung.POINT if step.rung is None else Rung(min(step.rung + 1, Rung.EXAMPLE))
    return Step(finding_key=step.finding_key, rung=rung, shown_answer=step.shown_answer)


# An order to be shown, in so many words. A wish for help, a quotation of the rule, a claim of authority or a
# game ("pretend that …") is none: those get the next hint.
_SHOW = re.compile(
    r"^(?:(?:ok(?:ay)?|please|yes|well|then|now|no|i give up|giving up|i'?m stuck|coach)[\s,.!:;-]*)*"
    r"(?:can you |could you |would you |will you |i want you to |i'?d like you to )?(?:please )?(?:just )?"
    r"(?:show me(?: (?:the|your|its) (?:answer|solution|fix)| it| how(?: it(?:'s| is) done)?|"
    r" what (?:the )?(?:answer|solution|fix) is)?"
    r"|(?:tell|give) me the (?:answer|solution|fix)"
    r"|reveal (?:it|the (?:answer|solution|fix)))"
    r"(?: (?:to|for|of) (?:finding |number |no\.? ?|#)?(?P<number>\d{1,2}|this|that|it|the (?:first|"
    r"second|third)(?: one| finding)?))?"
    r"(?:[\s,]*(?:please|now|then|i give up|already|thanks|thank you))*[\s.!?]*$"
)


def asks_to_be_shown(question: str) -> bool:
    """True for an explicit wish to see the answer; the whole message must be that wish."""
    text = unicodedata.normalize("NFKC", question).casefold().replace("’", "'")
    return bool(_SHOW.match(" ".join(text.split())))
