"""What the lessons do when something happens to a person."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from lessons import actions, queries
from lessons.models import User
from lessons.signals import export_requested, guest_claimed


@receiver(guest_claimed, dispatch_uid="lessons.move_progress")
def move_progress_of_guest(*, guest: User, learner: User, **_kwargs: Any) -> None:
    actions.move_progress(guest=guest, learner=learner)


@receiver(export_requested, dispatch_uid="lessons.export")
def export_progress(*, learner: User, **_kwargs: Any) -> dict[str, Any]:
    return {
        "account": {
            "email": learner.email,
            "guest": learner.is_guest,
            "joined_at": learner.date_joined.isoformat(),
        },
        "sections": queries.progress_rows_for(learner),
        "lesson_places": queries.visit_rows_for(learner),
    }
