"""A small course with two lessons, an exercise and graded attempts at it; made row by row."""

from __future__ import annotations

import uuid
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore

from coach.models import Conversation, Turn, TurnEvent
from coach.replies import passages
from exercises.kinds.base import Finding, Measure, numbered
from exercises.models import Exercise, ExerciseRevision, Hint, Misconception, Submission
from lessons.models import Course, Lesson, LessonRevision, User

SECTIONS: dict[str, list[tuple[str, str, list[str]]]] = {
    "parallel": [
        (
            "dependency-graph",
            "Draw what waits for what",
            [
                "To know what may run together you need a picture. Write down every task and ask which "
                "values must exist before it can begin. Draw an arrow from every producer to its reader. "
                "The result is the dependency graph.",
                "An arrow that you forget lets a task start before its input exists: the answer is wrong. "
                "An arrow too "
                "many makes a task wait for something it never reads.",
            ],
        ),
        (
            "critical-path",
            "The critical path",
            [
                "The critical path is the longest chain of dependent tasks. It sets the time of the run, "
                "whatever "
                "else is going on beside it.",
                "Slack is the time by which another task may be late without anybody noticing it at the end.",
            ],
        ),
    ],
    "caching": [
        (
            "prefix",
            "A prefix is read once",
            [
                "Prompt caching stores the state of a prefix. A later call that begins with exactly the same "
                "tokens reads "
                "it back at a tenth of the price.",
                "An insertion in the middle of the prefix makes everything that follows new again.",
            ],
        ),
    ],
}


def make_lesson(slug: str = "parallel", *, position: int = 0) -> Lesson:
    course, _ = Course.objects.get_or_create(slug="course", defaults={"title": "Course"})
    lesson = Lesson.objects.create(course=course, slug=slug, title=f"Lesson {slug}", position=position)
    publish_lesson(lesson, SECTIONS.get(slug, SECTIONS["parallel"]))
    return lesson


def publish_lesson(lesson: Lesson, sections: list[tuple[str, str, list[str]]]) -> LessonRevision:
    rows = [
        {
            "anchor": anchor,
            "title": title,
            "text": " ".join(paragraphs),
            "blocks": [
                {"kind": "html", "html": "".join(f"<p>{text}</p>" for text in paragraphs)},
                {
                    "kind": "question",
                    "id": anchor,
                    "prompt_html": f"<p>What follows from “{title}”?</p>",
                    "choices": [],
                },
            ],
        }
        for anchor, title, paragraphs in sections
    ]
    revision = LessonRevision.objects.create(
        lesson=lesson,
        number=lesson.revisions.count() + 1,
        title=lesson.title,
        minutes=10,
        source="",
        sections=rows,
        coach_opening="What waits for what?",
        coach_questions=[
            {"question": f"What is {title}?", "anchor": anchor} for anchor, title, _ in sections
        ],
        digest=uuid.uuid4().hex,
    )
    lesson.published = revision
    lesson.save()
    passages.forget()
    return revision


def make_finding(
    code: str = "missing-dependency", place: str = "edge:flights>seats", **fields: Any
) -> Finding:
    given = {
        "place_label": "Seat offers",
        "severity": "wrong",
        "message": "“Seat offers” starts at 0 ms, before one of the values it reads exists.",
        "fix": "Let “Seat offers” wait for “Search flights”, because it reads the flights that were found.",
        "fix_terms": (
            ("seat offers", "seats"),
            ("search flights", "flights"),
            ("wait", "waits", "need", "needs", "after", "depends"),
        ),
        "passage": "parallel#dependency-graph",
    }
    return Finding(code=code, place=place, **{**given, **fields})


def second_finding() -> Finding:
    return make_finding(
        "needless-dependency",
        "edge:hotels>visa",
        place_label="Visa rules",
        severity="slow",
        message="“Visa rules” begins only at 600 ms and takes 450 ms.",
        fix="Remove the arrow from “Check hotels” to “Visa rules”.",
        fix_terms=(
            ("visa rules", "visa"),
            ("check hotels", "hotels"),
            ("remove", "drop", "delete", "without"),
        ),
        passage="parallel#critical-path",
    )


def make_exercise(lesson: Lesson | None = None, slug: str = "travel") -> Exercise:
    exercise = Exercise.objects.create(
        lesson=lesson or make_lesson(),
        slug=slug,
        kind="dispatch_plan",
        title="Travel agent",
        brief="Plan it.",
    )
    exercise.published = ExerciseRevision.objects.create(
        exercise=exercise,
        number=1,
        title="Travel agent",
        brief="Plan it.",
        brief_html="",
        spec={},
        digest="x",
    )
    exercise.save()
    for code in ("missing-dependency", "needless-dependency"):
        Misconception.objects.create(
            exercise=exercise,
            finding_code=code,
            statement="Everything about one trip can start at once.",
            explanation="A task may start when the values it reads exist.",
            passage="parallel#dependency-graph",
        )
        texts = [
            "Look at {place}, at the moment when it starts.",
            "Which values are read there, and which of them exist then?",
            "An arrow stands for a value that has to exist before its reader begins.",
            "Another scenario: a translator loads a glossary before it knew the language: the wrong one.",
            "Add the arrow that is missing at {place}.",
        ]
        for rung, text in enumerate(texts, start=1):
            Hint.objects.create(exercise=exercise, finding_code=code, rung=rung, text=text)
    return exercise


def make_submission(
    learner: User, exercise: Exercise, *findings: Finding, seconds: float = 2.0
) -> Submission:
    found = numbered(findings)
    assert exercise.published is not None
    measure = Measure(key="total", label="Total time", as_found=3.0, theirs=seconds, best=1.3, unit="s")
    return Submission.objects.create(
        learner=learner,
        exercise=exercise,
        revision=exercise.published,
        number=Submission.objects.filter(learner=learner, exercise=exercise).count() + 1,
        answer={},
        client_key=uuid.uuid4(),
        state=Submission.State.GRADED,
        grader_version="1",
        score=1.0 if not found else 0.5,
        passed=not found,
        findings=[{**asdict(finding), "evidence": dict(finding.evidence)} for finding in found],
        measures=[asdict(measure)],
    )


def make_turn(
    learner: User, exercise: Exercise, *, number: int = 1, state: str = "done", **fields: Any
) -> Turn:
    conversation, _ = Conversation.objects.get_or_create(learner=learner, exercise=exercise)
    turn = Turn.objects.create(
        conversation=conversation,
        number=number,
        kind=Turn.Kind.ANSWER,
        state=state,
        question="Why?",
        **fields,
    )
    TurnEvent.objects.create(turn=turn, seq=1, kind=TurnEvent.Kind.BEGUN)
    return turn


def sign_in(learner: User) -> str:
    """A session of this learner; its key, as the cookie carries it."""
    session = SessionStore()
    session[SESSION_KEY] = str(learner.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = learner.get_session_auth_hash()
    session.create()
    assert session.session_key is not None
    return session.session_key
