"""Write a course as a folder that load_course reads: to keep, to compare, to take elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from exercises.loading import course_named, export_exercises
from lessons.loading import export_course


class Command(BaseCommand):
    help = "Export a course's lessons and exercises to a folder."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug")
        parser.add_argument("folder", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        course = course_named(options["slug"])
        if course is None:
            raise CommandError(f"There is no course “{options['slug']}”.")
        export_course(course, options["folder"])
        export_exercises(course, options["folder"])
        self.stdout.write(f"{course.title}: written to {options['folder']}")
