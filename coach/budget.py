"""The purse of a reply: its attempts are reserved and settled in the ledger, in threads that may ask the
database."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from coach.crashing import crash_point
from coach.engine.ports import Usage
from coach.ledger import reserve_attempt, settle_attempt
from coach.providers.port import Attempt, OverLimit, Settled

RunInThread = Callable[[Callable[[], Any]], Awaitable[Any]]
NEVER_SENT = Settled(outcome="cancelled", usage=Usage(), expected=Usage())


class DatabasePurse:
    """A `port.Purse`. `run` calls a function where the database may be asked, such as `Supervisor.read`; a
    learner of None is the installation itself.

    Whoever is cancelled meanwhile leaves nothing open: what was reserved for a request that will never be
    sent is given back, and a settlement goes on to its end.
    """

    def __init__(self, learner_id: int | None, run: RunInThread) -> None:
        self._learner_id = learner_id
        self._run = run
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def pending(self) -> tuple[asyncio.Task[Any], ...]:
        """Writes that are on their way."""
        return tuple(self._tasks)

    async def reserve(self, attempt: Attempt) -> int:
        crash_point("before_attempt")
        reserving = self._task(partial(reserve_attempt, self._learner_id, attempt))
        try:
            key: int = await asyncio.shield(reserving)
        except asyncio.CancelledError:
            self._keep(self._give_back(reserving))
            raise
        crash_point("after_attempt_row")
        return key

    async def settle(self, ticket: int, settled: Settled) -> None:
        crash_point("after_response_before_settle")
        await asyncio.shield(self._task(partial(settle_attempt, ticket, settled)))

    async def _give_back(self, reserving: asyncio.Task[int]) -> None:
        with contextlib.suppress(OverLimit):
            await self._run(partial(settle_attempt, await reserving, NEVER_SENT))

    def _task(self, work: Callable[[], Any]) -> asyncio.Task[Any]:
        return self._keep(self._run(work))

    def _keep(self, work: Awaitable[Any]) -> asyncio.Task[Any]:
        task = asyncio.ensure_future(work)
        # The loop itself holds a task only weakly.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
