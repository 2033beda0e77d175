"""Which of the things that the course has on a question is to be said: the nearest, and the topic's."""

from __future__ import annotations

import re

from coach.replies.asked import Asked
from coach.replies.bank import SURE, Entry, Match

# A passage that covers less of a question than this is not about it; nor may it be offered as "the nearest".
COVERAGE_MIN = 0.38
NEAREST_MIN = 0.26
# A question as short as this may lean on the topic.
SHORT = 5
# As good as the best, if something else speaks for it.
NEARLY = 0.15
_TURNING = re.compile(r"^(?:and|but|ok|okay|so|hm+)\b|^(?:what|how) about\b", re.IGNORECASE)
_POINTING = re.compile(r"\b(?:that|it|those|them|both)\b", re.IGNORECASE)


def follow_up(asked: Asked) -> Entry | None:
    """What the topic has on another side of it: "what about money?", "how many can I set?"."""
    topic, words = asked.index.at(asked.memory.topic), asked.question.split()
    turns = bool(_TURNING.match(asked.question.strip()))
    if topic is None or not (turns or (len(words) <= SHORT and not _is_sure(asked))):
        return None
    if asked.found.term is not None:
        return None
    bank, said = asked.index.bank, asked.memory.said
    before = next(iter(asked.memory.questions), "")
    near = bank.about(asked.question, [topic.place], said=said, like=before)
    if near is None and bank.is_general(asked.question):
        near = bank.about(
            asked.question, [each.place for each in asked.index.of_lesson(topic.lesson)], said=said
        )
    return near


def _is_sure(asked: Asked) -> bool:
    best = next(iter(asked.matches), None)
    return best is not None and best.score >= SURE and (best.exact or asked.found.term is None)


def written(asked: Asked) -> Match | None:
    """The best answer that was not said yet; a definition comes before one that only comes near."""
    said = asked.memory.said
    if not asked.matches or (asked.found.term is not None and not _is_sure(asked)):
        return None
    best = asked.matches[0].entry
    unsaid = [match for match in asked.matches if match.entry.question not in said]
    if best.question in said:
        unsaid = [match for match in unsaid if match.entry.place == best.place]
    return next(iter(unsaid), None)


def is_about(asked: Asked) -> bool:
    """A question of nothing but plain words is about nothing that a passage could be about."""
    if not asked.hits or asked.index.bank.is_plain(asked.question):
        return False
    return asked.hits[0].coverage >= COVERAGE_MIN


def stays(asked: Asked) -> bool:
    """A question without words of its own, or about a side of things, is about the topic before it."""
    if not asked.index.at(asked.memory.topic):
        return False
    if asked.index.asked(asked.question):
        return bool(_TURNING.match(asked.question.strip())) and asked.index.bank.is_general(asked.question)
    return len(asked.question.split()) < SHORT or bool(_POINTING.search(asked.question))


def answer_beside(asked: Asked) -> Entry | None:
    """What was written nearest to the words: in this lesson first; on the topic if nothing leads off."""
    near = follow_up(asked)
    if near is not None:
        return near
    bank, said = asked.index.bank, asked.memory.said
    fits = [match for match in asked.matches if match.entry.question not in said and _leads_off(asked, match)]
    if not fits:
        return next(iter(bank.of(touched(asked), said=said, like=asked.question)), None)
    here = [match for match in fits if _is_here(asked, match.entry.place)]
    margin = NEARLY if fits[0].score < SURE else NEARLY / 3
    if here and here[0].score >= fits[0].score - margin:
        return here[0].entry
    if fits[0].score >= SURE:
        return fits[0].entry
    if _is_here(asked, fits[0].entry.against):
        # In the lesson on conflicts the conflict is the matter, not what one side of it is.
        there = bank.of(fits[0].entry.against, said=said, like=asked.question)
        return next(iter(there), fits[0].entry)
    return fits[0].entry


def _is_here(asked: Asked, place: str) -> bool:
    return place.startswith(f"{asked.lesson}#")


def _leads_off(asked: Asked, match: Match) -> bool:
    """Whether it may be said to a statement: on the topic, or so near that the topic has changed."""
    topic = asked.memory.topic
    least = SURE - (NEARLY if _is_here(asked, match.entry.place) else 0.0)
    return not topic or match.entry.place == topic or match.score >= least


def touched(asked: Asked) -> str:
    """The place that a statement is about: the topic, else the one its words lead to."""
    touches = bool(asked.hits) and asked.hits[0].coverage >= (
        COVERAGE_MIN if asked.memory.topic else NEAREST_MIN
    )
    return asked.hits[0].passage.place if touches else asked.memory.topic
