"""What the coach does when something happens in the rooms below it."""

from __future__ import annotations

import logging
from typing import Any

from django.db import DatabaseError
from django.dispatch import receiver

from coach.actions import move_conversations
from coach.beginning import begin_for_submission
from coach.queries import rows_of_learner
from coach.replies import passages
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
    except (DatabaseError, TimeoutError):
        # The grade is stored and on the page; the coach's words may fail, never the attempt.
        logger.exception("No critique could be begun.")


@receiver(lesson_published)
def forget_passages(sender: object, **_: Any) -> None:
    passages.forget()


@receiver(guest_claimed)
def take_conversations_along(sender: object, guest: User, learner: User, **_: Any) -> None:
    move_conversations(guest=guest, learner=learner)


@receiver(export_requested)
def export_conversations(sender: object, learner: User, **_: Any) -> dict[str, list[dict[str, Any]]]:
    return rows_of_learner(learner)
