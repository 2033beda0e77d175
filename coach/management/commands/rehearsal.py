from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from coach.rehearsal.program import HELP, add_options, run
from coach.rehearsal.words import NOTICE


class Command(BaseCommand):
    help = HELP
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        add_options(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            run(options, self.tell)
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from None

    def tell(self, url: str) -> None:
        self.stdout.write(f"{NOTICE} It speaks the Messages API at {url} (stop with Ctrl-C).")
        self.stdout.flush()
