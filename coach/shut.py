"""What is closed to a learner, as it stands in the database: exercises not mastered, and the last attempt."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from coach.models import LadderStep
from coach.queries import FULL_SCORE, AttemptKey
from exercises.models import Exercise, ExerciseRevision, Submission


@dataclass(frozen=True, slots=True, kw_only=True)
class Shut:
    """A published exercise that a learner has not mastered. `revision`: key and digest of what is published;
    `opened`: findings whose answer was shown."""

    exercise_id: int
    revision: tuple[int, str]
    opened: frozenset[str] = frozenset()


def shut_for_many(learners: Collection[int]) -> dict[int, tuple[Shut, ...]]:
    """The exercises whose answers are closed to each learner. Three queries."""
    published = Exercise.objects.filter(published__isnull=False).order_by("pk")
    rows = published.values_list("pk", "published_id", "published__digest")
    revisions = {exercise: (pk, digest) for exercise, pk, digest in rows if pk and digest is not None}
    flawless = Submission.objects.filter(
        learner__in=learners, state=Submission.State.GRADED, passed=True, score__gte=FULL_SCORE
    )
    mastered = set(flawless.values_list("learner_id", "exercise_id").distinct())
    opened = _opened_by(learners)
    return {
        learner: tuple(
            Shut(
                exercise_id=exercise,
                revision=revision,
                opened=frozenset(opened.get((learner, exercise), ())),
            )
            for exercise, revision in revisions.items()
            if (learner, exercise) not in mastered
        )
        for learner in learners
    }


def _opened_by(learners: Collection[int]) -> dict[tuple[int, int], set[str]]:
    found: dict[tuple[int, int], set[str]] = {}
    for row in LadderStep.objects.filter(learner__in=learners):
        if row.as_step().answer_is_open:
            found.setdefault((row.learner_id, row.exercise_id), set()).add(row.finding_key)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTask:
    """What an exercise asks for, its spec as JSON; the learner's last answer, and what is marked in it."""

    kind: str
    spec: str
    answer: Mapping[str, Any] | None = None
    findings: tuple[Mapping[str, Any], ...] = ()


def tasks_set_in(revisions: Collection[tuple[int, str]]) -> dict[tuple[int, str], SetTask]:
    """What these published revisions ask for. One query."""
    fields = ("pk", "digest", "exercise__kind", "spec")
    rows = ExerciseRevision.objects.filter(pk__in=[pk for pk, _digest in revisions]).values_list(*fields)
    return {(pk, digest): SetTask(kind=kind, spec=json.dumps(spec)) for pk, digest, kind, spec in rows}


def task_handed_in(key: AttemptKey) -> SetTask | None:
    """The attempt that a reply is about, with what was asked for then; else the exercise as it is."""
    learner, exercise, submission = key
    graded = Submission.objects.filter(learner=learner, exercise=exercise, state=Submission.State.GRADED)
    wanted = graded.filter(pk=submission) if submission else graded
    fields = ("exercise__kind", "revision__spec", "answer", "findings")
    for kind, spec, answer, findings in wanted.order_by("-number").values_list(*fields)[:1]:
        return SetTask(kind=kind, spec=json.dumps(spec), answer=answer, findings=tuple(findings))
    published = Exercise.objects.filter(pk=exercise, published__isnull=False)
    for kind, spec in published.values_list("kind", "published__spec"):
        return SetTask(kind=kind, spec=json.dumps(spec))
    return None
