"""The purse of a reply: its attempts are reserved and settled in the ledger, together with what others write
at that moment."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from django.db import Error

from coach.ledger import Settle, book
from coach.providers.port import Attempt, Kept, OverLimit, Settled
from coach.reserving import Reserve
from coach.warmth import note_prefixes, prefixes_kept

logger = logging.getLogger(__name__)
RunInThread = Callable[[Callable[[], Any]], Awaitable[Any]]
Put = Callable[[Reserve | Settle], Awaitable[Any]]
"""Has it written, such as `Journal.put`: its outcome, once that is durable."""


class DatabasePurse:
    """A `port.Purse`. A learner of None is the installation itself. `run` calls a function where the database
    may be asked, such as `Supervisor.read`."""

    def __init__(self, learner_id: int | None, put: Put, run: RunInThread) -> None:
        self._learner_id = learner_id
        self._put = put
        self._run = run

    async def reserve(self, attempt: Attempt) -> int:
        key: int = await self._put(Reserve(self._learner_id, attempt))
        return key

    async def settle(self, ticket: int, settled: Settled) -> None:
        try:
            await self._put(Settle(ticket, settled))
            if settled.kept:
                await self._run(partial(note_prefixes, settled.kept))
        except Error as error:
            # The answer has arrived and is shown; what it took is booked by the sweep, at its worst.
            logger.warning("Request %s could not be settled: %s", ticket, error.__class__.__name__)

    async def recall(self, model: str, keys: Sequence[str]) -> Sequence[Kept]:
        try:
            kept: Sequence[Kept] = await self._run(partial(prefixes_kept, model, keys))
        except Error as error:
            logger.warning("What is cached could not be read: %s", error.__class__.__name__)
            return ()
        return kept


def alone(run: RunInThread) -> Put:
    """For work outside of the turns, which may have no journal. `run` calls a function where the database may
    be asked."""

    async def put(write: Reserve | Settle) -> Any:
        (outcome,) = await run(partial(book, [write]))
        if isinstance(outcome, OverLimit):
            raise outcome
        return outcome

    return put
