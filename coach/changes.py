"""What a batch does to the day's counters: added up for each account, and written once."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import astuple, dataclass

from django.db import connection

from coach.models import Spending


@dataclass(slots=True)
class Change:
    """To one account; micro-dollars and counts to be added to what is there. `asked` takes its place."""

    reserved: int = 0
    settled: int = 0
    forgiven: int = 0
    open_calls: int = 0
    refusals: int = 0
    asked: int | None = None

    @property
    def used(self) -> int:
        return self.reserved + self.settled


class Changes(defaultdict[int, Change]):
    """By the key of the account's row."""

    def __init__(self) -> None:
        super().__init__(Change)

    def write(self) -> None:
        """Rows are taken by their keys in order."""
        # Plain SQL: to build so many updates from expressions takes longer than to run them.
        with connection.cursor() as cursor:
            cursor.executemany(_ADD, [(*astuple(change), pk) for pk, change in sorted(self.items())])


_COLUMNS = ("reserved_micro", "settled_micro", "forgiven_micro", "open_calls", "refusals")
_ADD = (
    f"UPDATE {Spending._meta.db_table} SET "  # noqa: S608 - our own table
    f"{', '.join(f'{column} = {column} + %s' for column in _COLUMNS)}, "
    "asked_micro = COALESCE(%s, asked_micro) WHERE id = %s"
)
