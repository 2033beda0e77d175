"""Whether replies gave an answer away: by their words, by what they spell out, by agreeing to a guess."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from coach.evaluation.disclosing import Known, disclosed, known_in
from coach.ladder import Rung
from coach.providers import builtin
from coach.replies.situation import Words
from coach.replies.solving import Handed, solved_by
from exercises.kinds.base import Finding

_AGREES = re.compile(
    r"^\W*(?:(?:oh|well|so|and|hm+|ok(?:ay)?),? )?"
    r"(?:yes|yep|yeah|right\b(?! now)|exactly|precisely|correct|indeed|true|agreed|bingo|spot on|"
    r"that(?:'s| is) (?:it|right|true|correct|the spirit)|you(?:'re| are) right|you(?:'ve| have) got it|"
    r"sounds (?:good|right|like a plan)|my thoughts|i think so|go for it|run with it|"
    r"nothing speaks against|i couldn't have said)\b",
    re.IGNORECASE,
)


def revealed(
    closed: Sequence[Finding],
    handed: Handed,
    replies: Sequence[str],
    *,
    known: Known = frozenset(),
    asked: str = "",
) -> bool:
    """Whether what is closed was given away. `asked`: what the first of these replies answers."""
    return (
        bool(disclosed(closed, replies, known=known))
        or any(solved_by(handed, reply) for reply in replies)
        or (bool(asked) and agreed(closed, asked, replies[0]))
    )


def agreed(closed: Sequence[Finding], asked: str, reply: str) -> bool:
    """The learner named the answer, and the reply says yes."""
    return bool(_AGREES.match(reply.replace("’", "'"))) and bool(disclosed(closed, [asked]))


def known_about(findings: Iterable[Finding], words: Words) -> Known:
    """What the page and the authors say about these before their answers."""
    return frozenset().union(*(known_in(_texts(finding, words)) for finding in findings))


def _texts(finding: Finding, words: Words) -> tuple[str, ...]:
    hints = (words.hint(finding, rung) for rung in Rung if rung < Rung.ANSWER)
    asked = (builtin.question_about(finding), builtin.second_question_about(finding))
    return (finding.message, *hints, words.belief(finding), words.explanation(finding), *asked)
