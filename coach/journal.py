"""One writer for all turns: what arrives while a commit runs is written by the next one, together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.db import Error, InterfaceError, OperationalError, connection

logger = logging.getLogger(__name__)
Outcome = Any
Commit = Callable[[Sequence[Any]], list[Outcome]]
AWAY = (OperationalError, InterfaceError, TimeoutError)
"""What a store says that is locked, full, restarting or gone, or too slow to be waited for: no fault of what
was to be written."""
PATIENCE_SECONDS = 60.0
_PAUSE_SECONDS = (0.05, 2.0)


@dataclass(eq=False, slots=True)
class _Entry:
    write: Any
    outcome: asyncio.Future[Outcome]
    put_at: float


class Journal:
    """Group commit. `put` returns a future of that write's outcome, resolved after it is durable.

    While the store is away, a write that `can_wait` says may wait is tried again, in its place and for as
    long as `patience_seconds`; any other one fails at once, so that who asked hears of it.
    """

    def __init__(
        self,
        commit: Commit,
        *,
        can_wait: Callable[[Any], bool] = lambda _write: False,
        patience_seconds: float = PATIENCE_SECONDS,
    ) -> None:
        self._commit = commit
        self._can_wait = can_wait
        self._patience_seconds = patience_seconds
        self._waiting: list[_Entry] = []
        self._arrived = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        # A thread of its own keeps one connection open; no other write of the coach waits in front of it.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="coach-journal")
        self._task = self._loop.create_task(self._write(), name="coach-journal")

    def put(self, write: Any) -> asyncio.Future[Outcome]:
        entry = _Entry(write, self._loop.create_future(), self._loop.time())
        self._waiting.append(entry)
        self._arrived.set()
        return entry.outcome

    async def _write(self) -> None:
        pause, longest = _PAUSE_SECONDS
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            batch, self._waiting = self._waiting, []
            writes = [entry.write for entry in batch]
            outcomes = await self._loop.run_in_executor(self._thread, self._commit_all, writes)
            if isinstance(outcomes, list):
                pause = _PAUSE_SECONDS[0]
                for entry, outcome in zip(batch, outcomes, strict=True):
                    _resolve(entry.outcome, outcome)
            else:
                self._put_back(batch, outcomes)
                await asyncio.sleep(pause)
                pause = min(2 * pause, longest)

    def _put_back(self, batch: Sequence[_Entry], error: Exception) -> None:
        now = self._loop.time()
        kept = []
        for entry in batch:
            if self._can_wait(entry.write) and now - entry.put_at < self._patience_seconds:
                kept.append(entry)
            else:
                _resolve(entry.outcome, error)
        # In front of what came meanwhile: the order in which a turn's events were put is theirs.
        self._waiting[:0] = kept
        if self._waiting:
            self._arrived.set()

    def _commit_all(self, writes: Sequence[Any]) -> list[Outcome] | Exception:
        """The outcome of each write; or one error when the store is away and none can have been written."""
        try:
            return self._commit_once_more(writes)
        except AWAY as error:
            logger.warning("The coach's store is away: %s", error.__class__.__name__)
            return error
        except Exception as error:
            logger.warning("A write of the coach failed: %s", error.__class__.__name__)
            if len(writes) == 1:
                return [error]
        # One bad write must not take the others with it: each alone.
        return [_only(self._commit_all([write])) for write in writes]

    def _commit_once_more(self, writes: Sequence[Any]) -> list[Outcome]:
        """A connection that the server closed meanwhile, or a race that another process won: once more."""
        try:
            return self._commit(writes)
        except Error as error:
            # This one has waited for its lock as long as it may, and has no server that may have gone.
            if connection.vendor == "sqlite" and isinstance(error, OperationalError):
                raise
            connection.close()
            return self._commit(writes)

    async def close(self) -> None:
        while self._waiting:
            await asyncio.gather(*(entry.outcome for entry in self._waiting), return_exceptions=True)
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        await self._loop.run_in_executor(self._thread, _close_own_connection)
        self._thread.shutdown(wait=False)


def _only(outcomes: list[Outcome] | Exception) -> Outcome:
    return outcomes[0] if isinstance(outcomes, list) else outcomes


def _resolve(future: asyncio.Future[Outcome], outcome: Outcome) -> None:
    if future.done():
        return
    if isinstance(outcome, Exception):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


def _close_own_connection() -> None:
    # Looked up in the thread: the connection is that thread's.
    connection.close()
