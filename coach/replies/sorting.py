"""A second opinion on what a learner wants, from a small model; it can open nothing.

What opens the last rung is read by rule alone: a classifier's "show" does not exist.
"""

from __future__ import annotations

from pydantic import BaseModel, Field

from coach.engine.prompt import Stability
from coach.providers.port import Call, Ended, Part
from coach.replies.instructions import ROUTER
from coach.replies.intents import Intent, Reading
from coach.replies.prompts import VALUE_OF_SECOND_USD, learner_block

SURE = 0.6
"""A classifier less sure than this changes nothing."""
_OTHER = "other"


class Sorted(BaseModel):
    """What the classifier says. The words of an enumeration are not sure to be kept, so it is a string."""

    intent: str = Field(max_length=40)
    finding: int = 0
    sure: float = 0.0


def sort_call(question: str, *, turn: str, graded: bool, topic: str) -> Call:
    known = f"An attempt has {'' if graded else 'not '}been graded. Last topic: {topic or 'none'}."
    return Call(
        purpose="classify",
        tier="small",
        parts=(
            Part(name="instructions", role="system", text=ROUTER, stability=Stability.FIXED, breakpoint="5m"),
            Part(
                name="question",
                role="user",
                text=f"{known}\n{learner_block(question)}",
                stability=Stability.CALL,
            ),
        ),
        max_output_tokens=120,
        schema=Sorted,
        turn=turn,
        first_seconds=3.0,
        progress_seconds=3.0,
        total_seconds=5.0,
        value_of_second_usd=VALUE_OF_SECOND_USD,
    )


def sorted_reading(ended: Ended | None) -> Reading | None:
    """The reading that the classifier gave; None where it gave none that counts."""
    if ended is None or not isinstance(ended.data, Sorted) or ended.data.sure < SURE:
        return None
    named = ended.data.intent.strip().casefold()
    if named == _OTHER:
        return Reading(Intent.CONCEPT)
    intent = next((each for each in Intent if each.value == named and each is not Intent.SHOW), None)
    return Reading(intent, max(0, min(99, ended.data.finding))) if intent else None
