"""The purse of a reply: its attempts are reserved and settled in the ledger, in threads that may ask the
database."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from django.db import Error

from coach.ledger import reserve_attempt, settle_attempt
from coach.providers.port import Attempt, Kept, Settled
from coach.warmth import note_prefixes, prefixes_kept

logger = logging.getLogger(__name__)
RunInThread = Callable[[Callable[[], Any]], Awaitable[Any]]


class DatabasePurse:
    """A `port.Purse`. `run` calls a function where the database may be asked, such as `Supervisor.read`; a
    learner of None is the installation itself."""

    def __init__(self, learner_id: int | None, run: RunInThread) -> None:
        self._learner_id = learner_id
        self._run = run

    async def reserve(self, attempt: Attempt) -> int:
        key: int = await self._run(partial(reserve_attempt, self._learner_id, attempt))
        return key

    async def settle(self, ticket: int, settled: Settled) -> None:
        try:
            await self._run(partial(_settle, ticket, settled))
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


def _settle(ticket: int, settled: Settled) -> None:
    settle_attempt(ticket, settled)
    if settled.kept:
        note_prefixes(settled.kept)
