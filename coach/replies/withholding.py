"""What is said instead of an answer: the rule, then what the ladder has open, then how to go on."""

from __future__ import annotations

from coach.ladder import Rung
from coach.material import Link
from coach.providers import builtin, builtin_talk
from coach.replies.asked import Answer, Asked, kept
from coach.replies.telling import Teller
from exercises.kinds.base import Finding


def ask_back(asked: Asked, finding: Finding, rung: Rung) -> str:
    """The authored question once its rung is reached, else one for the kind of fault; not the last one."""
    authored = asked.words.hint(finding, Rung.ASK) if rung > Rung.ASK else ""
    return builtin.fresh_question(finding, authored, said=asked.memory.said)


def link_for(asked: Asked, finding: Finding, rung: Rung) -> Link | None:
    section = asked.index.at(asked.words.passage(finding)) if rung >= Rung.CONCEPT else None
    return section.link if section else None


def tell_rule(asked: Asked, teller: Teller, finding: Finding) -> Answer:
    """The answer was demanded: the rule in a sentence, the hint of the rung reached, how to be shown."""
    rung = asked.step(finding).rung or Rung.POINT
    teller.tell(builtin_talk.yours_to_find())
    teller.tell(
        asked.words.hint(finding, Rung.POINT) if rung <= Rung.ASK else asked.words.hint(finding, rung),
        role="hint",
        marker=finding.number,
        finding=finding.key,
        link=link_for(asked, finding, rung),
    )
    return _ask(asked, teller, finding, rung, action=builtin_talk.say_show_me())


def tell_try(asked: Asked, teller: Teller, finding: Finding) -> Answer:
    """An idea was put forward: neither yes nor no, a question to hold it against, and the run."""
    teller.tell(builtin_talk.neither_yes_nor_no())
    rung = asked.step(finding).rung or Rung.POINT
    return _ask(asked, teller, finding, rung, action=builtin_talk.run_judges())


def _ask(asked: Asked, teller: Teller, finding: Finding, rung: Rung, *, action: str) -> Answer:
    question = ask_back(asked, finding, max(rung, Rung.ASK))
    teller.tell(question, role="question", finding=finding.key)
    teller.tell(action, role="action")
    return kept(asked, finding=finding, said=(question,), asked_back=True)
