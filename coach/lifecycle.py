"""From the start of a server to its end: turns are watched, and drained before it goes.

Daphne has no lifespan events, drops sockets at SIGTERM without a word and refuses to send close code 1012; so
whoever serves starts all this, and the signal is handled here before the server sees it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from django.conf import settings
from django.db import DatabaseError

from coach.clockwork import Clockwork
from coach.providers import choosing
from coach.replies import closed
from coach.sockets import sockets
from coach.tasks import PERIODIC
from coach.turns import Supervisor, attach

logger = logging.getLogger(__name__)
# A deploy waits 30 s: the turns, the pages and what the store is too slow for share two thirds of them.
DRAIN_MAX_SECONDS = 20.0
PAGES_SECONDS = 3.0
CLOSE_FRAMES_SECONDS = 0.2
_pages: set[asyncio.Task[Any]] = set()
_entered: asyncio.AbstractEventLoop | None = None
_watcher: asyncio.Task[None] | None = None
_preparing: asyncio.Task[None] | None = None
_clockwork: Clockwork | None = None


async def enter() -> Supervisor:
    """Called when this project's own server starts, and for each connection; works once for each loop."""
    global _clockwork, _entered, _preparing, _watcher  # noqa: PLW0603 - one server loop a process
    supervisor = await attach()
    if _entered is not supervisor.loop:
        _entered = supervisor.loop
        _watcher = supervisor.loop.create_task(sockets.watch(supervisor), name="coach-sign-ins")
        _preparing = supervisor.loop.create_task(_prepare(supervisor), name="coach-model")
        _clockwork = None if settings.BROKER_URL else Clockwork(PERIODIC, supervisor.read)
        _handle_signals(supervisor)
    return supervisor


async def _prepare(supervisor: Supervisor) -> None:
    """What the first reply of a model's would otherwise wait for."""
    await choosing.prepare()
    if supervisor.provider is not None:
        with suppress(DatabaseError):
            await supervisor.read(closed.prepare)


@contextmanager
def answering() -> Iterator[None]:
    """A page is being made: the server must not stop its loop under the thread that makes it."""
    task = asyncio.current_task()
    assert task  # noqa: S101 - the door is a coroutine
    _pages.add(task)
    try:
        yield
    finally:
        _pages.discard(task)


async def pages_are_answered(seconds: float = PAGES_SECONDS) -> None:
    """Returns when no page is being made; where others keep coming, after so many seconds."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while _pages:
                await asyncio.wait(_pages.copy())


def _handle_signals(supervisor: Supervisor) -> None:
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)
        signal.signal(number, _Drain(supervisor, before))


class _Drain:
    """The first signal drains, and then goes to the server's own handler; a second one goes there at once."""

    def __init__(self, supervisor: Supervisor, before: Any) -> None:
        self._supervisor = supervisor
        self._before = before
        self._task: asyncio.Task[None] | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        signal.signal(number, self._before)
        self._supervisor.loop.call_soon_threadsafe(self._begin, number)

    def _begin(self, number: int) -> None:
        self._task = self._supervisor.loop.create_task(self._drain(number))

    async def _drain(self, number: int) -> None:
        try:
            async with asyncio.timeout(DRAIN_MAX_SECONDS):
                await self._store_everything()
        except TimeoutError:
            logger.warning("The store is too slow to wait for: what is not in it waits for its lease.")
        finally:
            await sockets.close_all()
            await asyncio.sleep(CLOSE_FRAMES_SECONDS)
            os.kill(os.getpid(), number)

    async def _store_everything(self) -> None:
        if _clockwork is not None:
            await _clockwork.stop()
        await self._supervisor.drain()
        await pages_are_answered()
        await self._supervisor.leave()
        await choosing.close()


def let_daphne_say_come_back() -> None:
    """Autobahn's `sendClose` takes no code below 3000; the frame itself may carry 1012 (restart) and 1013
    (try again later)."""
    module = sys.modules.get("daphne.ws_protocol")
    if module is None:
        return
    base = module.WebSocketFactory.protocol

    class RestartableProtocol(base):  # type: ignore[misc,valid-type]  # daphne has no types
        def serverClose(self, code: int | None = None) -> None:  # noqa: N802 - Daphne's name
            if code in {1012, 1013}:
                self.sendCloseFrame(code=code)
            else:
                super().serverClose(code=code)

    module.WebSocketFactory.protocol = RestartableProtocol
