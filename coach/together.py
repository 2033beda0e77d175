"""Reads that many turns want at the same moment become one query: what comes while a batch is read waits for
the next one, and that takes all of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import partial
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Fetch = Callable[[list[K]], Mapping[K, V]]
RunInThread = Callable[[Callable[[], Any]], Any]


class Together(Generic[K, V]):
    """`load(key)` gives `fetch([...])[key]`; `read` runs a function where the database may be asked."""

    def __init__(self, fetch: Fetch[K, V], read: RunInThread) -> None:
        self._fetch = fetch
        self._read = read
        self._waiting: dict[K, asyncio.Future[V]] = {}
        self._task: asyncio.Task[None] | None = None

    async def load(self, key: K) -> V:
        future = self._waiting.get(key)
        if future is None:
            future = self._waiting[key] = asyncio.get_running_loop().create_future()
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())
        # One that is cancelled must not take the others along who wait for the same key.
        return await asyncio.shield(future)

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch, self._waiting = self._waiting, {}
                try:
                    found = await self._read(partial(self._fetch, list(batch)))
                except Exception as error:
                    _settle(batch.values(), error)
                else:
                    for key, future in batch.items():
                        if not future.done():
                            future.set_result(found[key])
        finally:
            self._task = None


def _settle(futures: Iterable[asyncio.Future[Any]], error: Exception) -> None:
    for future in futures:
        if not future.done():
            future.set_exception(error)
