"""One writer for all turns: what arrives while a commit runs is written by the next one, together."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import DatabaseError, connection

logger = logging.getLogger(__name__)
Outcome = Any
Commit = Callable[[Sequence[Any]], list[Outcome]]


class Journal:
    """Group commit. `put` returns a future of that write's outcome, resolved after it is durable."""

    def __init__(self, commit: Commit) -> None:
        self._commit = commit
        self._waiting: list[tuple[Any, asyncio.Future[Outcome]]] = []
        self._arrived = asyncio.Event()
        # A thread of its own keeps one connection open; no other write of the coach waits in front of it.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="coach-journal")
        self._task = asyncio.get_running_loop().create_task(self._write(), name="coach-journal")

    def put(self, write: Any) -> asyncio.Future[Outcome]:
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((write, future))
        self._arrived.set()
        return future

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            batch, self._waiting = self._waiting, []
            outcomes = await loop.run_in_executor(
                self._thread, self._commit_all, [write for write, _ in batch]
            )
            for (_, future), outcome in zip(batch, outcomes, strict=True):
                _resolve(future, outcome)

    def _commit_all(self, writes: Sequence[Any]) -> list[Outcome]:
        try:
            return self._commit(writes)
        except Exception as error:
            _forget_broken_connection(error)
            if len(writes) == 1:
                return [self._last_chance(writes[0], error)]
        # One bad write must not take the others with it: each alone.
        return [self._commit_all([write])[0] for write in writes]

    def _last_chance(self, write: Any, error: Exception) -> Outcome:
        """A connection that the server closed meanwhile is no fault of the write: once more."""
        if not isinstance(error, DatabaseError):
            return error
        try:
            return self._commit([write])[0]
        except Exception as again:
            logger.warning("A write of the coach failed: %s", again.__class__.__name__)
            return again

    async def close(self) -> None:
        while self._waiting:
            await asyncio.gather(*(future for _, future in self._waiting), return_exceptions=True)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        await asyncio.get_running_loop().run_in_executor(self._thread, _close_own_connection)
        self._thread.shutdown(wait=False)


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


def _forget_broken_connection(error: Exception) -> None:
    if isinstance(error, DatabaseError):
        connection.close()
