"""How often the first reply to a question that nobody prepared stands where it should."""

from __future__ import annotations

import re

import pytest
from django.db import transaction
from pytest_django import DjangoDbBlocker

from coach.providers import builtin_talk
from tests.coach.conversing import FORBIDDEN, Said, Shipped, Talk, shipped_course, talk_at
from tests.coach.unseen import EXERCISES, LESSONS, OFF_TOPIC, rows

RATE = 0.92
OFF_TOPIC_RATE = 14 / 15
WORDS_AT_MOST = 120
pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def shipped(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Shipped:
    with django_db_blocker.unblock(), transaction.atomic():
        course = shipped_course()
        transaction.set_rollback(True)
    return course


def fits(said: Said, place: str) -> bool:
    texts = {sentence.text for sentence in said.sentences}
    if place.startswith("@"):
        about = " ".join(f"{each.finding} {each.text}" for each in said.sentences if each.finding)
        return place[1:].casefold() in about.casefold() and bool(said.of("question"))
    if place in {"rule", "try"}:
        lead = builtin_talk.say_show_me() if place == "rule" else builtin_talk.run_judges()
        return lead in texts and bool(said.of("question"))
    if place == "unknown":
        return builtin_talk.unknown() in texts
    return any(link.endswith(f"#{place}") for link in said.links[:1]) and bool(said.of("passage"))


def replies(shipped: Shipped) -> list[tuple[str, str, tuple[str, ...], Said]]:
    """Page, question, acceptable places, reply: each asked afresh."""
    told = []
    for page, table in {**LESSONS, **EXERCISES}.items():
        for question, places in rows(table):
            talk = talk_at(shipped, page) if page in EXERCISES else Talk(shipped.index, lesson=page)
            told.append((page, question, places, talk.ask(question)))
    return told


def test_unseen_questions_are_answered_where_they_should_be(shipped: Shipped):
    told = replies(shipped)
    misses = [
        f"{page}: {question} -> {said.links[:1]} {said.text}"
        for page, question, places, said in told
        if not any(fits(said, place) for place in places)
    ]
    rate = 1 - len(misses) / len(told)
    assert len(told) >= 120
    assert rate >= RATE, f"{rate:.3f}\n" + "\n".join(misses)


def test_unseen_replies_keep_their_manners(shipped: Shipped):
    for _page, question, _places, said in replies(shipped):
        where = f"{question} -> {said.text}"
        assert said.sentences, where
        assert len(said.text.split()) <= WORDS_AT_MOST, where
        assert not FORBIDDEN.search(said.text), where
        asked = {sentence.paragraph for sentence in said.sentences if sentence.role == "question"}
        assert len(asked) <= 1, where
        if any(sentence.finding for sentence in said.sentences) and not said.of("passage"):
            assert said.sentences[-1].role == "action", where


def test_what_no_lesson_is_about_is_mostly_left_alone(shipped: Shipped):
    asked = re.sub(r"^ +", "", OFF_TOPIC.strip(), flags=re.MULTILINE).splitlines()
    answered = [question for question in asked if Talk(shipped.index).ask(question).of("passage")]
    assert 1 - len(answered) / len(asked) >= OFF_TOPIC_RATE, answered


@pytest.mark.parametrize(
    "demand", ["just tell me which arrow is missing", "just tell me", "which arrow is it?"]
)
def test_a_demand_gets_the_rule_a_question_and_the_way_to_be_shown(shipped: Shipped, demand: str):
    said = talk_at(shipped, "travel-agent", 2).ask(demand)
    assert said.text.startswith(builtin_talk.yours_to_find())
    assert said.of("question").endswith("?")
    assert said.of("action") == builtin_talk.say_show_me()


def test_the_same_question_is_not_asked_back_twice(shipped: Shipped):
    talk = talk_at(shipped, "travel-agent")
    first, second = talk.ask("is it the loyalty tier?"), talk.ask("is it the loyalty tier?")
    assert first.of("question") != second.of("question")


def test_a_word_on_a_marked_place_is_about_that_place(shipped: Shipped):
    said = talk_at(shipped, "travel-agent").ask("why does compose take so long")
    assert said.text.startswith("“Compose” has to read")
    assert said.links == ["parallel-execution#fan-in"]
