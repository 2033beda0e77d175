"""Background work is done by whoever claims its row: in any process, as often as it is asked for, once in a
while."""

from __future__ import annotations

from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from coach.dbclock import lease_end
from coach.models import Chore
from exercises.actions import grade_submission
from exercises.queries import ungraded_submissions

DID_MAX = 200
GRADED_AT_ONCE = 50


def claim_chore(name: str, *, every_seconds: float) -> bool:
    """Whether the caller is the one to do it now: nobody has begun it in the last `every_seconds`, or it
    failed."""
    Chore.objects.bulk_create([Chore(name=name)], ignore_conflicts=True)
    due = Q(began_at__isnull=True) | Q(failed=True) | Q(began_at__lte=lease_end(-every_seconds))
    # Begun in the future, and not by a claimer that was faster by a moment: the clock was put back.
    due |= Q(began_at__gt=lease_end())
    return bool(
        Chore.objects.filter(due, name=name).update(began_at=Now(), ended_at=None, failed=False, did="")
    )


def end_chore(name: str, *, did: str = "", failed: bool = False) -> None:
    Chore.objects.filter(name=name).update(ended_at=timezone.now(), failed=failed, did=did[:DID_MAX])


def grade_again() -> int:
    """Grade what a grader left ungraded; what stops once more waits for the next time."""
    graded = 0
    for submission in ungraded_submissions()[:GRADED_AT_ONCE]:
        graded += grade_submission(submission=submission).is_graded
    return graded
