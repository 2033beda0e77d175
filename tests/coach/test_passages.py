from __future__ import annotations

import pytest

from coach.replies import passages
from tests.coach.factories import make_lesson, publish_lesson

pytestmark = pytest.mark.django_db


def test_passages_finds_the_paragraph_a_question_is_about():
    make_lesson()
    make_lesson("caching", position=1)
    hit = passages.index().find("What does prompt caching store?")[0]
    assert hit.passage.place == "caching#prefix"
    assert hit.passage.link.url.endswith("/caching/#prefix")


def test_passages_covers_little_of_a_foreign_question():
    make_lesson()
    hits = passages.index().find("Who won the football world championship in the longest final?")
    assert not hits or hits[0].coverage < 0.26


def test_passages_of_an_empty_course_finds_nothing():
    assert passages.index().find("anything") == []


def test_passages_are_indexed_anew_when_a_lesson_is_published():
    lesson = make_lesson()
    assert not passages.index().find("zebra")
    publish_lesson(
        lesson, [("zebra", "The zebra", ["A zebra is a striped animal that lives in the savanna of Africa."])]
    )
    assert passages.index().find("zebra")[0].passage.place == "parallel#zebra"


def test_passages_prefer_the_open_section_when_two_fit():
    lesson = make_lesson()
    text = ["The barrier waits for everything that stands before it in the graph of tasks."]
    publish_lesson(lesson, [("one", "First", text), ("two", "Second", text)])
    assert passages.index().find("what is a barrier", near="parallel#two")[0].passage.anchor == "two"


def test_passages_markup_characters_and_odd_text_are_only_words():
    make_lesson()
    for question in ("", "   ", "((((", "\\", "a" * 2000, "🦓", "' OR 1=1 --", "<script>"):
        assert isinstance(passages.index().find(question), list)
