"""What is read, and for whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max, Q, QuerySet

from exercises.models import Draft, Exercise, Hint, Misconception, Submission
from lessons.models import User

LISTED_ATTEMPTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class ExerciseResult:
    """How far a learner is with one published exercise. best_score is None before the first grade."""

    slug: str
    lesson_slug: str
    title: str
    summary: str
    attempts: int
    best_score: float | None
    passed: bool


def _results(learner: User | None) -> QuerySet[Exercise]:
    mine = Q(submissions__learner=learner) if learner else Q(submissions__in=[])
    return (
        Exercise.objects.filter(published__isnull=False)
        .select_related("published", "lesson")
        .annotate(
            attempts=Count("submissions", filter=mine),
            best_score=Max("submissions__score", filter=mine),
            passes=Count("submissions", filter=mine & Q(submissions__passed=True)),
        )
    )


def _result(exercise: Exercise) -> ExerciseResult:
    assert exercise.published is not None  # noqa: S101 - filtered for
    row = exercise.__dict__
    return ExerciseResult(
        slug=exercise.slug,
        lesson_slug=exercise.lesson.slug,
        title=exercise.published.title,
        summary=exercise.published.summary,
        attempts=row["attempts"],
        best_score=row["best_score"],
        passed=bool(row["passes"]),
    )


def results_for(learner: User | None) -> list[ExerciseResult]:
    """Every published exercise with the learner's best result, in the order of the lessons. One query."""
    ordered = _results(learner).order_by("lesson__course__position", "lesson__position", "position", "pk")
    return [_result(exercise) for exercise in ordered]


def result_for(learner: User | None, slug: str) -> ExerciseResult | None:
    """The same for one exercise; None when there is no such published exercise. One query."""
    exercise = _results(learner).filter(slug=slug).first()
    return _result(exercise) if exercise else None


def attempts_for(learner: User | None, exercise: Exercise) -> list[Submission]:
    """The learner's newest attempts with their revisions, newest first."""
    if learner is None:
        return []
    mine = Submission.objects.filter(learner=learner, exercise=exercise).select_related("revision")
    attempts = list(mine.order_by("-number")[:LISTED_ATTEMPTS])
    for attempt in attempts:
        attempt.exercise = exercise
    return attempts


def previous_attempt(submission: Submission) -> Submission | None:
    """The graded attempt of the same learner at the same exercise before this one."""
    earlier = Submission.objects.filter(
        learner=submission.learner_id, exercise=submission.exercise_id, number__lt=submission.number
    )
    return earlier.filter(state=Submission.State.GRADED).order_by("-number").first()


def latest_attempt_for(learner: User, exercise: Exercise) -> Submission | None:
    """The learner's newest attempt, graded or not."""
    mine = Submission.objects.filter(learner=learner, exercise=exercise)
    return mine.select_related("revision", "exercise").order_by("-number").first()


def draft_for(learner: User, exercise: Exercise) -> Draft | None:
    return Draft.objects.filter(learner=learner, exercise=exercise).first()


def ungraded_submissions() -> QuerySet[Submission]:
    """What still waits for a grade, oldest first."""
    waiting = Submission.objects.filter(state=Submission.State.UNGRADED)
    return waiting.select_related("revision", "exercise").order_by("created_at", "pk")


def misconceptions_of(exercise: Exercise) -> dict[str, list[Misconception]]:
    """Authored misconceptions by finding code."""
    by_code: dict[str, list[Misconception]] = {}
    for row in Misconception.objects.filter(exercise=exercise):
        by_code.setdefault(row.finding_code, []).append(row)
    return by_code


def hints_of(exercise: Exercise) -> dict[str, dict[int, str]]:
    """Authored hint texts by finding code and rung."""
    by_code: dict[str, dict[int, str]] = {}
    for row in Hint.objects.filter(exercise=exercise):
        by_code.setdefault(row.finding_code, {})[row.rung] = row.text
    return by_code


def rows_of(learner: User) -> dict[str, list[dict[str, Any]]]:
    """All that is kept of a learner here, JSON safe, for their own export."""
    attempts = Submission.objects.filter(learner=learner).select_related("exercise", "revision")
    drafts = Draft.objects.filter(learner=learner).select_related("exercise")
    return {
        "exercise attempts": [_attempt_row(attempt) for attempt in attempts.order_by("exercise", "number")],
        "exercise drafts": [
            {
                "exercise": draft.exercise.slug,
                "form": draft.form,
                "updated_at": draft.updated_at.isoformat(),
            }
            for draft in drafts.order_by("exercise")
        ],
    }


def _attempt_row(attempt: Submission) -> dict[str, Any]:
    return {
        "exercise": attempt.exercise.slug,
        "revision": attempt.revision.number,
        "attempt": attempt.number,
        "answer": attempt.answer,
        "prediction": attempt.prediction,
        "score": attempt.score,
        "passed": attempt.passed,
        "findings": attempt.findings,
        "measures": attempt.measures,
        "handed_in_at": attempt.created_at.isoformat(),
    }
