"""What the built-in coach says about the lessons: authored answers, else a definition, else sentences."""

from __future__ import annotations

import re
from dataclasses import replace

from coach.material import Section
from coach.providers import builtin_talk
from coach.replies.asked import Answer, Asked, Found, kept
from coach.replies.bank import SURE, Entry, Term
from coach.replies.choosing import (
    COVERAGE_MIN,
    NEAREST_MIN,
    answer_beside,
    follow_up,
    is_about,
    stays,
    touched,
    written,
)
from coach.replies.extracting import opening_of, sentences_for
from coach.replies.telling import Teller

# A sentence behind a definition has to say more than this many words can.
TELLING_WORDS = 10
_EXAMPLE = re.compile(r"\b(?:example|instance|numbers?|e\.g|concrete)", re.IGNORECASE)


def tell_concept(asked: Asked, teller: Teller) -> Answer:
    """The written answer, if the question is one that was answered; else what the lessons have on it."""
    follow = follow_up(asked)
    if follow is not None:
        return _tell_entry(asked, teller, follow, lead=builtin_talk.related(follow.question))
    match = written(asked)
    if match is not None:
        lead = "" if match.score >= SURE else builtin_talk.read_as(match.entry.question)
        return _tell_entry(asked, teller, match.entry, lead=lead)
    if asked.found.term is not None:
        return _tell_term(asked, teller, asked.found.term)
    if is_about(asked):
        section = asked.index.at(asked.hits[0].passage.place)
        return _tell_section(asked, teller, section) if section else tell_unknown(asked, teller)
    return tell_more(asked, teller) if stays(asked) else tell_unknown(asked, teller)


def _tell_entry(asked: Asked, teller: Teller, entry: Entry, *, lead: str = "") -> Answer:
    section = asked.index.at(entry.place)
    if section is None:
        return tell_unknown(asked, teller)
    if lead:
        teller.tell(lead, role="aside")
    teller.tell(entry.answer, role="passage", link=section.link)
    _tie_to_attempt(asked, teller, section)
    asked_of = _ask_on(asked, teller, entry)
    return kept(asked, section=section, said=(entry.question, *asked_of), asked_back=True)


def _ask_on(asked: Asked, teller: Teller, entry: Entry) -> tuple[str, ...]:
    """The author's question; when the talk stays on the topic, once what pulls the other way."""
    other = asked.index.at(entry.against)
    offered = f"against {entry.against}"
    if other is None or offered in asked.memory.said or entry.place not in asked.memory.discussed:
        teller.tell(entry.then, role="question")
        return ()
    teller.tell(builtin_talk.against(other.title), role="question", link=other.link)
    return (offered,)


def _tell_term(asked: Asked, teller: Teller, term: Term) -> Answer:
    """The definition, and one sentence of the passage behind it."""
    section = asked.index.at(term.place)
    if section is None:
        return tell_unknown(asked, teller)
    said = asked.memory.said
    found = sentences_for(term.term, section, asked.index, said=(*said, term.definition))
    more = [sentence for sentence in found if len(sentence.split()) >= TELLING_WORDS][:1]
    teller.tell(" ".join([term.definition, *more]), role="passage", link=section.link)
    _tie_to_attempt(asked, teller, section)
    teller.tell(_section_question(asked, section), role="question")
    return kept(asked, section=section, said=(term.definition, *more), asked_back=True)


def _tell_section(asked: Asked, teller: Teller, section: Section) -> Answer:
    said = asked.memory.said
    found = sentences_for(asked.question, section, asked.index, said=said, best_text=_best_text(asked))
    sentences = found or opening_of(section, said=said)
    if not sentences:
        return _exhausted(asked, teller, section)
    teller.tell(" ".join(sentences), role="passage", link=section.link)
    _tie_to_attempt(asked, teller, section)
    _also(asked, teller, section)
    teller.tell(_section_question(asked, section), role="question")
    return kept(asked, section=section, said=tuple(sentences), asked_back=True)


def _best_text(asked: Asked) -> str:
    return asked.hits[0].passage.text if asked.hits else ""


def _tie_to_attempt(asked: Asked, teller: Teller, section: Section) -> None:
    """What was handed in, where it meets the passage."""
    finding = next((each for each in asked.findings if asked.words.passage(each) == section.place), None)
    if finding is not None and asked.attempts and asked.attempts.latest:
        text = builtin_talk.in_your_attempt(finding, asked.attempts.latest.number)
        teller.tell(text, marker=finding.number, finding=finding.key)


def _also(asked: Asked, teller: Teller, section: Section) -> None:
    others = [
        hit for hit in asked.hits[1:] if hit.passage.place != section.place and hit.coverage >= COVERAGE_MIN
    ]
    if others and others[0].score >= 0.6 * asked.hits[0].score:
        teller.tell(builtin_talk.see_also(), link=others[0].passage.link, role="aside")


def _section_question(asked: Asked, section: Section) -> str:
    if section.question and section.place not in asked.memory.discussed:
        return builtin_talk.try_this(section.question)
    return builtin_talk.question_of_transfer(section.title, asked.memory.turns)


def _exhausted(asked: Asked, teller: Teller, section: Section) -> Answer:
    teller.tell(builtin_talk.said_all(section.title), link=section.link)
    rest = _undiscussed(asked, section.place)
    if rest:
        teller.tell(builtin_talk.offer(rest[:2]), role="question")
    return kept(asked, section=section, asked_back=True)


def _undiscussed(asked: Asked, besides: str = "") -> list[Section]:
    done = {*asked.memory.discussed, besides}
    return [
        section
        for section in asked.index.of_lesson(asked.lesson)
        if section.place not in done and section.passages
    ]


def tell_more(asked: Asked, teller: Teller) -> Answer:
    """What the topic has besides: other answers, with numbers if an example is wanted; then sentences."""
    section = asked.index.at(asked.memory.topic)
    if section is None:
        return tell_here(asked, teller) if asked.here else tell_topics(asked, teller)
    before = next(iter(asked.memory.questions), "")
    rest = asked.index.bank.of(section.place, said=asked.memory.said, like=before)
    if _EXAMPLE.search(asked.question):
        rest.sort(key=lambda entry: -sum(letter.isdigit() for letter in entry.answer))
    if rest:
        return _tell_entry(asked, teller, rest[0], lead=builtin_talk.related(rest[0].question))
    return _tell_section(replace(asked, question=section.title, found=Found()), teller, section)


def tell_here(asked: Asked, teller: Teller) -> Answer:
    section = asked.index.at(asked.here) or asked.index.at(asked.memory.topic)
    if section is None:
        return tell_topics(asked, teller)
    teller.tell(builtin_talk.open_section(section.title))
    sentences = opening_of(section, said=asked.memory.said)
    if not sentences:
        return _exhausted(asked, teller, section)
    teller.tell(" ".join(sentences), role="passage", link=section.link)
    teller.tell(_section_question(asked, section), role="question")
    return kept(asked, section=section, said=tuple(sentences), asked_back=True)


def tell_topics(asked: Asked, teller: Teller) -> Answer:
    rest = _undiscussed(asked)
    if not rest:
        teller.tell(builtin_talk.all_discussed())
        return kept(asked)
    first = rest[0]
    sentences = opening_of(first, said=asked.memory.said)
    teller.tell(builtin_talk.topics(rest[:4]))
    if sentences:
        teller.tell(" ".join(sentences), role="passage", link=first.link)
    teller.tell(builtin_talk.which_is_yours(), role="question")
    return kept(asked, topic=first.place, said=tuple(sentences), asked_back=True)


def tell_statement(asked: Asked, teller: Teller) -> Answer:
    """An answer to what the coach asked, or a description: set beside the lesson, not judged."""
    entry = answer_beside(asked)
    if entry is not None:
        first = entry.place not in asked.memory.discussed
        lead = builtin_talk.beside_question if first else builtin_talk.related
        return _tell_entry(asked, teller, entry, lead=lead(entry.question))
    section = asked.index.at(touched(asked))
    return _beside(asked, teller, section) if section else tell_unknown(asked, teller)


def _beside(asked: Asked, teller: Teller, section: Section) -> Answer:
    said = asked.memory.said
    sentences = sentences_for(asked.question, section, asked.index, said=said)
    sentences = sentences or opening_of(section, said=said)
    if not sentences:
        return _exhausted(asked, teller, section)
    teller.tell(builtin_talk.beside_your_words(section.title))
    teller.tell(" ".join(sentences), role="passage", link=section.link)
    rest = _undiscussed(asked, section.place)[:1]
    teller.tell(builtin_talk.what_differs(), role="question")
    if rest:
        teller.tell(builtin_talk.next_conflict(rest[0].title), role="aside")
    return kept(asked, section=section, said=tuple(sentences), asked_back=True)


def tell_unknown(asked: Asked, teller: Teller) -> Answer:
    teller.tell(builtin_talk.unknown())
    nearest = [hit for hit in asked.hits if hit.coverage >= NEAREST_MIN][:1]
    if nearest:
        teller.tell(builtin_talk.nearest(), link=nearest[0].passage.link)
    finding = asked.finding if asked.in_exercise else None
    if finding is not None:
        teller.tell(builtin_talk.talk_about(finding), role="question", finding=finding.key)
    teller.tell(builtin_talk.able(in_exercise=asked.in_exercise), role="action")
    return kept(asked, finding=finding, asked_back=finding is not None)
