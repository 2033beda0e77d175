"""Load a course folder, or refresh it: what people edited since is left as it is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from exercises.loading import load_exercises
from lessons.loading import CourseFolderError, LoadReport, load_course


class Command(BaseCommand):
    help = "Load the lessons and exercises of a course folder. Running it again changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with transaction.atomic():
                report = load_course(options["folder"])
                load_exercises(options["folder"], report)
        except CourseFolderError as error:
            raise CommandError(str(error)) from error
        if options["verbosity"]:
            self.stdout.write(_summary(report))


def _summary(report: LoadReport) -> str:
    lines = [("made", report.made), ("updated", report.updated), ("edited here, left alone", report.kept)]
    told = [f"{what}: {', '.join(names)}" for what, names in lines if names]
    return "\n".join(told) if told else f"nothing to do: {len(report.same)} parts are as loaded"
