"""The engine's count of what was needed, kept in the database (`ports.Outcomes`)."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import Any

from django.db import DatabaseError, connection

from coach.models import TaskOutcome

logger = logging.getLogger(__name__)
RunInThread = Callable[[Callable[[], Any]], Awaitable[Any]]


class DatabaseOutcomes:
    """`run` calls a function where the database may be asked, such as `Supervisor.read`."""

    def __init__(self, run: RunInThread) -> None:
        self._run = run

    async def load(self, context: str, tasks: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        found: dict[str, tuple[int, int]] = await self._run(partial(_counts, context, tuple(tasks)))
        return found

    async def add(self, context: str, outcomes: Mapping[str, bool]) -> None:
        """A count that cannot be stored is missed: the reply that it comes from is whole without it."""
        try:
            if outcomes:
                await self._run(partial(count_outcomes, context, dict(outcomes)))
        except DatabaseError as error:
            logger.warning("Outcomes were not counted: %s", error.__class__.__name__)


def _counts(context: str, tasks: Sequence[str]) -> dict[str, tuple[int, int]]:
    rows = TaskOutcome.objects.filter(context=context, task__in=tasks)
    return {task: (needed, seen) for task, needed, seen in rows.values_list("task", "needed", "seen")}


def count_outcomes(context: str, outcomes: Mapping[str, bool]) -> None:
    """One more outcome of each task, in one upsert: two processes that count at once lose nothing."""
    table = TaskOutcome._meta.db_table
    places = ", ".join(["(%s, %s, %s, 1)"] * len(outcomes))
    values = [each for task, was in sorted(outcomes.items()) for each in (context, task, int(was))]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (context, task, needed, seen) VALUES {places} "  # noqa: S608 - our own table
            f"ON CONFLICT (context, task) DO UPDATE SET needed = {table}.needed + excluded.needed, "
            f"seen = {table}.seen + excluded.seen",
            values,
        )
