"""What the coach does when something happens in the rooms below it."""

from __future__ import annotations

import logging
from typing import Any

from django.apps import apps as installed
from django.apps.registry import Apps
from django.db import Error
from django.db.models.signals import post_migrate
from django.dispatch import receiver

from coach.actions import move_conversations
from coach.beginning import begin_for_submission
from coach.ledger import make_limits, move_spending
from coach.queries import rows_of_learner
from coach.replies import passages
from coach.spending import attempts_of_learner
from coach.trials.records import rows_of_runs
from coach.turns import begin_turn
from exercises.models import Submission
from exercises.signals import submission_graded
from lessons.models import User
from lessons.signals import export_requested, guest_claimed, lesson_published

logger = logging.getLogger(__name__)


@receiver(submission_graded)
def critique_submission(sender: object, submission: Submission, **_: Any) -> None:
    try:
        begin_turn(begin_for_submission(submission))
    except (Error, TimeoutError):
        # The grade is stored and on the page; the coach's words may fail, never the attempt.
        logger.exception("No critique could be begun.")


@receiver(lesson_published)
def forget_passages(sender: object, **_: Any) -> None:
    passages.forget()


@receiver(guest_claimed)
def take_conversations_along(sender: object, guest: User, learner: User, **_: Any) -> None:
    move_conversations(guest=guest, learner=learner)


@receiver(guest_claimed)
def take_spending_along(sender: object, guest: User, learner: User, **_: Any) -> None:
    move_spending(guest=guest, learner=learner)


@receiver(export_requested)
def export_conversations(sender: object, learner: User, **_: Any) -> dict[str, list[dict[str, Any]]]:
    return rows_of_learner(learner)


@receiver(export_requested)
def export_attempts(sender: object, learner: User, **_: Any) -> dict[str, list[dict[str, Any]]]:
    return {"model_requests": attempts_of_learner(learner)}


@receiver(export_requested)
def export_trials(sender: object, learner: User, **_: Any) -> dict[str, list[dict[str, Any]]]:
    return {"runs_of_both_prompts": rows_of_runs(learner)}


@receiver(post_migrate)
def give_limits(sender: Any, using: str, apps: Apps = installed, **_: Any) -> None:
    """The rows that an instructor edits are there from the first migration on."""
    if sender.name != "coach":
        return
    try:
        apps.get_model("coach", "Limit")
    except LookupError:  # migrated back to before there were limits
        return
    make_limits(using=using)
