"""The rows of trials: opened, brought up to date while they run, ended once; and found again."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from coach.dbclock import lease_end
from coach.models import Process, TrialRun
from exercises.models import Submission
from lessons.models import User

State = TrialRun.State
LIMIT_SECONDS = 60.0
"""A run takes no longer."""
GRACE_SECONDS = 30.0
"""What a run may take to put its last calls on record."""
SETTLING_SECONDS = 5.0
"""So long a process that has just come may need to say that it is there."""


class OtherRuns(Exception):  # noqa: N818 - said of the learner's other run, not of a fault
    """This learner has a run of another attempt under way."""


@transaction.atomic
def open_run(submission: Submission, *, key: uuid.UUID, owner: str, total: int) -> TrialRun | None:
    """A new run; None where this key, or a run of this attempt that is under way, asked for it already.
    Raises OtherRuns."""
    # Two requests of one learner are looked at one after the other.
    User.objects.select_for_update().get(pk=submission.learner_id)
    _bury(TrialRun.objects.filter(submission__learner=submission.learner_id))
    if submission.trial_runs.filter(Q(client_key=key) | Q(state=State.RUNNING)).exists():
        return None
    if TrialRun.objects.filter(submission__learner=submission.learner_id, state=State.RUNNING).exists():
        raise OtherRuns
    return TrialRun.objects.create(submission=submission, client_key=key, owner=owner, total=total)


def _bury(runs: QuerySet[TrialRun]) -> None:
    runs.filter(_dead(), state=State.RUNNING).update(state=State.INTERRUPTED, finished_at=Now())


def _dead() -> Q:
    """Runs whose process has died, and those that outlived their time."""
    alive = Process.objects.filter(owner=OuterRef("owner"))
    gone = Q(~Exists(alive), began_at__lt=lease_end(-SETTLING_SECONDS))
    return gone | Q(began_at__lt=lease_end(-LIMIT_SECONDS - GRACE_SECONDS))


def note_progress(key: int, done: int) -> bool:
    """So many calls are made; False where the run is not to go on: stopped, buried, or deleted."""
    return bool(TrialRun.objects.filter(pk=key, state=State.RUNNING).update(done=done))


def end_run(key: int, state: str, calls: Sequence[dict[str, Any]], *, scope: str = "") -> None:
    """Keep what was measured. A run that was ended meanwhile keeps its state."""
    runs = TrialRun.objects.filter(pk=key)
    runs.update(calls=list(calls), done=len(calls))
    runs.filter(state=State.RUNNING).update(state=state, scope=scope[:20], finished_at=Now())


def stop_run(submission: Submission) -> None:
    """Its process looks once a second whether it may go on."""
    submission.trial_runs.filter(state=State.RUNNING).update(state=State.STOPPED, finished_at=Now())


def newest_run(submission: Submission) -> TrialRun | None:
    """As it stands: one whose process died shows as interrupted, whoever looks."""
    run = submission.trial_runs.first()
    if run is not None and run.is_running and submission.trial_runs.filter(_dead(), pk=run.pk).exists():
        run.state = State.INTERRUPTED
    return run


def rows_of_runs(learner: User) -> list[dict[str, Any]]:
    """All runs of a learner, JSON-safe."""
    runs = TrialRun.objects.filter(submission__learner=learner).order_by("pk").select_related("submission")
    return [
        {
            "attempt": run.submission.number,
            "state": run.state,
            "calls": run.calls,
            "at": run.began_at.isoformat(),
        }
        for run in runs
    ]
