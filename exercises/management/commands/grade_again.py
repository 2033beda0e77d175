"""Grade the attempts that have no grade yet: run it after a grader was repaired."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from exercises.actions import grade_submission
from exercises.queries import ungraded_submissions


class Command(BaseCommand):
    help = "Grade every submission that is not yet graded."

    def handle(self, *args: Any, **options: Any) -> None:
        outcomes = [grade_submission(submission=waiting).is_graded for waiting in ungraded_submissions()]
        self.stdout.write(f"{outcomes.count(True)} graded, {outcomes.count(False)} still waiting.")
