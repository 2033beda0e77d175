"""Exercises of the toy kind, and learners who work on them."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from exercises.actions import hand_in, publish_exercise
from exercises.models import Exercise, Submission
from lessons.models import Course, Lesson, User


def make_lesson(slug: str = "parallel-execution") -> Lesson:
    course, _made = Course.objects.get_or_create(slug="agent-latency", defaults={"title": "Agent latency"})
    values = {"course": course, "title": "Running at once"}
    return Lesson.objects.get_or_create(slug=slug, defaults=values)[0]


def make_exercise(slug: str = "reach-ten", *, published: bool = True, **spec: Any) -> Exercise:
    exercise = Exercise.objects.create(
        lesson=make_lesson(),
        slug=slug,
        kind="toy",
        title="Reach ten",
        summary="Numbers that add up.",
        brief="Make them come to **ten**.",
        spec={"target": 10, "start": [1, 2], **spec},
    )
    if published:
        publish_exercise(exercise=exercise)
    return exercise


def make_learner(email: str = "ada@example.org") -> User:
    return User.objects.create_user(email, "a long enough password")


def make_submission(learner: User, exercise: Exercise, *numbers: int) -> Submission:
    assert exercise.published is not None
    return hand_in(
        learner=learner,
        revision=exercise.published,
        answer={"numbers": list(numbers), "note": ""},
        prediction={"total": 10},
        client_key=uuid4(),
    )


def form_of(exercise: Exercise, *numbers: int | str, **fields: Any) -> dict[str, Any]:
    """What the page of an exercise posts."""
    exercise.refresh_from_db()
    assert exercise.published is not None
    return {
        "numbers": [str(number) for number in numbers],
        "note": "",
        "predict-total": "10",
        "revision": str(exercise.published.number),
        "client_key": str(uuid4()),
        **fields,
    }
