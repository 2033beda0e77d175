from __future__ import annotations

import pytest
from django.template import Context, Template
from django.test import RequestFactory

from exercises.templatetags.exercise_format import marks, passage_url, quantity, severity_name
from lessons.models import User
from tests.exercises.factories import make_exercise, make_learner, make_submission


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (1.4249, "s", "1.42 s"),
        (0.8, "s", "800 ms"),
        (0, "s", "0 ms"),
        (9.07, "usd", "$9.07"),
        (0.0123, "usd", "$0.0123"),
        (0.85, "ratio", "85.0 %"),
        (45000, "tokens", "45,000 tokens"),
        (3, "count", "3"),
        (2.5, "count", "2.50"),
    ],
)
def test_quantity_reads_as_people_write_it(value: float, unit: str, shown: str):
    assert quantity(value, unit) == shown


def test_marks_and_severity_are_words_for_people():
    assert marks(0.666) == "67"
    assert severity_name("slow") == "Costs time"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("passage", "url"),
    [
        ("parallel-execution#needs", "/courses/agent-latency/parallel-execution/#needs"),
        ("", ""),
        ("no-anchor", ""),
        ("not a slug#x", ""),
    ],
)
def test_passage_url_leads_to_the_heading(passage: str, url: str):
    assert passage_url(passage, make_exercise()) == url


def card(user: User, slug: str) -> str:
    request = RequestFactory().get("/")
    request.user = user
    source = Template("{% load exercise_link %}{% exercise_card slug %}")
    return source.render(Context({"request": request, "slug": slug}))


@pytest.mark.django_db
def test_exercise_card_shows_how_far_the_learner_is():
    learner, exercise = make_learner(), make_exercise()
    assert "Not tried yet" in card(learner, exercise.slug)
    make_submission(learner, exercise, 8)
    make_submission(learner, exercise, 10)
    assert "Best of 2 attempts: 100 of 100" in card(learner, exercise.slug)
    assert "Solved" in card(learner, exercise.slug)


@pytest.mark.django_db
def test_exercise_card_of_unknown_or_unpublished_exercise_is_empty():
    make_exercise(published=False)
    learner = make_learner()
    assert card(learner, "reach-ten").strip() == ""
    assert card(learner, "nowhere").strip() == ""
