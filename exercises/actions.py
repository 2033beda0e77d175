"""What is written. Every action is one transaction, or says where it is two."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils import timezone

from exercises.kinds import kind_named
from exercises.models import Draft, Exercise, ExerciseRevision, Submission
from exercises.publishing import check_publishable, content_digest, publishable_content
from exercises.signals import exercise_published, submission_graded
from lessons.markdown import render_fragment
from lessons.models import User

logger = logging.getLogger(__name__)


def save_draft(
    *, learner: User, exercise: Exercise, form: Mapping[str, Sequence[str]], revision_number: str
) -> Draft:
    """Keep the workbench as typed, valid or not, with the revision it was made from."""
    values = {
        "form": {name: list(given) for name, given in form.items()},
        "revision": _revision_named(exercise, revision_number),
        "updated_at": timezone.now(),
    }
    draft, _created = Draft.objects.update_or_create(learner=learner, exercise=exercise, defaults=values)
    return draft


def _revision_named(exercise: Exercise, number: str) -> ExerciseRevision:
    """The revision of that number as a page posted it; the published one where it names none."""
    published = exercise.published
    if published is None:
        raise ValueError(f"{exercise.slug} is not published")
    if number == str(published.number) or not re.fullmatch(r"[0-9]{1,9}", number):
        return published
    return exercise.revisions.filter(number=int(number)).first() or published


def discard_draft(*, learner: User, exercise: Exercise) -> None:
    """The workbench is as found again; attempts stay."""
    Draft.objects.filter(learner=learner, exercise=exercise).delete()


def submit(
    *,
    learner: User,
    revision: ExerciseRevision,
    answer: Mapping[str, Any],
    prediction: Mapping[str, Any],
    client_key: UUID,
    seed: int = 0,
) -> Submission:
    """Store an answer, ungraded; answer and prediction are JSON safe.

    The same answer under the same client key is the same submission.

    Another answer under a known key (the page came back from the browser's history) gets a key of its own.
    """
    given = dict(answer)
    known = _under_key(learner, revision, client_key)
    if known is not None and known.answer == given:
        return known
    try:
        return _create_submission(
            learner=learner,
            revision=revision,
            answer=given,
            prediction=dict(prediction),
            client_key=uuid4() if known else client_key,
            seed=seed,
        )
    except IntegrityError:
        # The twin of a double submit was first.
        twin = _under_key(learner, revision, client_key)
        if twin is None:
            raise
        return twin


def _under_key(learner: User, revision: ExerciseRevision, client_key: UUID) -> Submission | None:
    mine = Submission.objects.select_related("revision", "exercise")
    return mine.filter(learner=learner, exercise=revision.exercise_id, client_key=client_key).first()


@transaction.atomic
def _create_submission(*, learner: User, revision: ExerciseRevision, **fields: Any) -> Submission:
    # One at a time for a learner, so that two tabs cannot take the same number.
    User.objects.select_for_update().filter(pk=learner.pk).first()
    number = _next_number(learner, revision.exercise_id)
    return Submission.objects.create(
        learner=learner, revision=revision, exercise=revision.exercise, number=number, **fields
    )


def _next_number(learner: User, exercise_id: int) -> int:
    mine = Submission.objects.filter(learner=learner, exercise=exercise_id)
    return (mine.aggregate(n=Max("number"))["n"] or 0) + 1


def hand_in(**fields: Any) -> Submission:
    """Store, then grade: two transactions, so that a grader that stops takes nothing along. See `submit`."""
    return grade_submission(submission=submit(**fields))


def grade_submission(*, submission: Submission) -> Submission:
    """Grade what is not graded yet. A grader that stops leaves it ungraded, and it can be tried again."""
    if submission.is_graded:
        return submission
    kind = kind_named(submission.exercise.kind)
    try:
        spec = kind.Spec.model_validate(submission.revision.spec)
        answer = kind.Answer.model_validate(submission.answer)
        grade = kind.grade(spec, answer, prediction=submission.prediction or None, seed=submission.seed)
        data = grade.to_dict()
    except Exception:  # a kind may stop in any way; the answer is stored and nothing is lost
        logger.exception("grading submission %s failed", submission.pk)
        return submission
    return _store_grade(submission, data)


@transaction.atomic
def _store_grade(submission: Submission, data: Mapping[str, Any]) -> Submission:
    fields = {
        "state": Submission.State.GRADED,
        "score": data["score"],
        "passed": data["passed"],
        "findings": data["findings"],
        "measures": data["measures"],
        "grader_version": data["grader_version"],
        "result": {"prediction": data["prediction"]},
        "graded_at": timezone.now(),
    }
    waiting = Submission.objects.filter(pk=submission.pk, state=Submission.State.UNGRADED)
    if not waiting.update(**fields):
        submission.refresh_from_db()
        return submission
    for name, value in fields.items():
        setattr(submission, name, value)
    transaction.on_commit(partial(submission_graded.send_robust, sender=Submission, submission=submission))
    return submission


def publish_exercise(*, exercise: Exercise) -> ExerciseRevision:
    """Make the draft what learners see, as the next revision; unchanged content makes none.

    Raises NotPublishable unless the reference answers pass.
    """
    check_publishable(exercise)
    return _publish(exercise)


@transaction.atomic
def _publish(exercise: Exercise) -> ExerciseRevision:
    locked = Exercise.objects.select_for_update(of=("self",)).select_related("published").get(pk=exercise.pk)
    digest = content_digest(exercise)
    if locked.published is not None and locked.published.digest == digest:
        return locked.published
    last = exercise.revisions.aggregate(n=Max("number"))["n"] or 0
    revision = ExerciseRevision.objects.create(
        exercise=exercise,
        number=last + 1,
        brief_html=render_fragment(exercise.brief),
        digest=digest,
        **publishable_content(exercise),
    )
    exercise.published = revision
    exercise.save(update_fields=["published"])
    transaction.on_commit(
        partial(exercise_published.send_robust, sender=Exercise, exercise=exercise, revision=revision)
    )
    return revision


@transaction.atomic
def move_work(*, guest: User, learner: User) -> None:
    """A guest's attempts follow the learner's own, renumbered; of two drafts the newer stays."""
    for submission in Submission.objects.filter(learner=guest).order_by("exercise", "number"):
        submission.number = _next_number(learner, submission.exercise_id)
        submission.learner = learner
        submission.save(update_fields=["learner", "number"])
    for draft in Draft.objects.filter(learner=guest):
        _move_draft(draft, learner)


def _move_draft(draft: Draft, learner: User) -> None:
    mine = Draft.objects.filter(learner=learner, exercise=draft.exercise_id).first()
    if mine is not None and mine.updated_at >= draft.updated_at:
        return
    if mine is not None:
        mine.delete()
    draft.learner = learner
    draft.save(update_fields=["learner"])
