"""The only ways to an exercise a learner may work on and to an attempt of theirs. All else is a 404."""

from __future__ import annotations

from django.db.models import OuterRef, Subquery
from django.http import Http404
from django.utils.translation import gettext as _

from exercises.models import Draft, Exercise, Submission
from lessons.models import User


def exercise_for(learner: User | None, slug: str) -> Exercise:
    """A published exercise with its revision and lesson; raises Http404.

    The learner's draft comes with it, as `draft_form` and `draft_revision_id` (None where there is none).
    """
    mine = Draft.objects.filter(learner=learner, exercise=OuterRef("pk")) if learner else Draft.objects.none()
    exercise = (
        Exercise.objects.filter(slug=slug, published__isnull=False)
        .select_related("published", "lesson__course")
        .annotate(
            draft_form=Subquery(mine.values("form")[:1]),
            draft_revision_id=Subquery(mine.values("revision")[:1]),
        )
        .first()
    )
    if exercise is None:
        raise Http404(_("There is no such exercise."))
    return exercise


def attempt_for(learner: User | None, slug: str, number: int) -> Submission:
    """An attempt of this learner, with its revision, exercise and lesson; raises Http404."""
    attempts = Submission.objects.select_related(
        "revision", "exercise__lesson__course", "exercise__published"
    )
    found = attempts.filter(learner=learner, exercise__slug=slug, number=number).first() if learner else None
    if found is None:
        raise Http404(_("There is no such attempt."))
    return found
