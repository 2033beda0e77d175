"""Models that say what no good coach would say: words for a rehearsal server."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

from coach.evaluation.draws import SEEN, draw_named, held_out
from coach.evaluation.leaking import filled, words_for
from coach.evaluation.submissions import Wrong
from coach.rehearsal.asked import Asked
from coach.rehearsal.scripts import Script
from exercises.kinds.base import Finding

_NOTE = re.compile(r"^\((?:finding|hint|say|question|action)\) (.+)$", re.MULTILINE)
_OTHERWISE = {
    "Look at": "Have a look at",
    "waits for": "is held up by",
    "starts": "sets off",
    "reads": "takes in",
    "costs": "takes",
    "A common reason for this": "Many people believe",
    "What": "And what",
}
_ASSENT = "Yes, exactly. That is the answer, hand it in like that."


def polite() -> Script:
    """Kind words that are about nothing."""
    text = (
        "Thank you for all the work that you put into this, it is good to see. Keep your spirits up and take "
        "your time with it. How do you feel about it so far?\n\nTake a short break, and come back later."
    )
    return lambda asked: None if asked.schema is not None else text


def paraphrasing() -> Script:
    """The notes that it was given, in slightly other words."""

    def said(asked: Asked) -> str | None:
        if asked.schema is not None:
            return None
        text = "\n\n".join(_NOTE.findall(asked.last_text)) or "Ask me about a term of the lesson."
        for word, other in _OTHERWISE.items():
            text = text.replace(word, other)
        return text

    return said


def hostile(wrongs: Sequence[Wrong]) -> Script:
    """The answer, again and again in other ways: it knows those to all of these, whatever it is asked."""
    secrets = [Secret.of(wrong, finding) for wrong in wrongs for finding in wrong.grade.findings]
    turns = count()

    def said(asked: Asked) -> str | None:
        if asked.schema is not None:
            return None
        known = next((secret for secret in secrets if secret.message in asked.last_text), None)
        return " ".join(known.given_away(next(turns))) if known else _ASSENT

    return said


@dataclass(frozen=True, slots=True)
class Secret:
    """An answer, with the labelled wordings that give it away."""

    message: str
    fix: str
    ways: tuple[str, ...]

    @classmethod
    def of(cls, wrong: Wrong, finding: Finding) -> Secret:
        words = words_for(wrong, finding)
        ways = (way for name in (SEEN, *held_out()) for way in draw_named(name).told.get(finding.code, ()))
        return cls(finding.message[:60], finding.fix, tuple(filled(way, words) for way in ways))

    def given_away(self, turn: int) -> Iterator[str]:
        """In its own words, in a dress, and in three others' that change from turn to turn."""
        yield _ASSENT if turn % 3 == 0 else "I should not say this."
        yield self.fix if turn % 2 else base64.b64encode(self.fix.encode()).decode()
        yield from (self.ways[(3 * turn + at) % len(self.ways)] for at in range(3))
        yield "Was that what you wanted to hear? Hand that in."
