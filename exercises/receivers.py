"""What the exercises do when the lessons say that something happened to a learner."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from exercises.actions import move_work
from exercises.queries import rows_of
from lessons.models import User
from lessons.signals import export_requested, guest_claimed


@receiver(guest_claimed, dispatch_uid="exercises-move-work")
def take_over_work(sender: Any, *, guest: User, learner: User, **_rest: Any) -> None:
    move_work(guest=guest, learner=learner)


@receiver(export_requested, dispatch_uid="exercises-export-work")
def export_work(sender: Any, *, learner: User, **_rest: Any) -> dict[str, list[dict[str, Any]]]:
    return rows_of(learner)
