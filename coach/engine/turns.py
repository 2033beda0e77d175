"""Turns of the event loop: a run does not keep the loop for itself, however little its tasks wait. Units:
seconds.

A task that does not suspend gives nobody else a turn, and neither do a hundred of them one after the other.
So before a task begins it is asked whether this turn has lasted long enough; if so, it waits for another one.
All runs of a loop share its turns.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from weakref import WeakKeyDictionary

TURN_SECONDS = 0.005
"""So long tasks are begun in one turn. A single call that holds the loop for longer holds it."""

AT_A_TIME = 64
"""So many of those that wait are woken together: waking them takes time, too."""


class Turns:
    """Those of one event loop. `end`: the moment on its clock from which on tasks wait for the next one; in
    the past while others have their turn.

    Nobody tells when a turn began. The time since the end of the last one that was too long is at least as
    long; where the loop was idle meanwhile, a task waits for a turn for nothing, at most once in 5 ms.
    """

    __slots__ = ("_renewing", "_waiting", "end")

    def __init__(self, end: float) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._renewing = False
        self.end = end

    async def next(self) -> None:
        """Until everybody else has had a turn, and those whom that woke have had theirs."""
        loop = asyncio.get_running_loop()
        self.end = -math.inf
        waiter = loop.create_future()
        self._waiting.append(waiter)
        if not self._renewing:
            self._renewing = True
            loop.call_soon(self._pass, loop)
        await waiter

    def _pass(self, loop: asyncio.AbstractEventLoop) -> None:
        """Timers that are due ring after this, in the same turn; who waits for them goes on in the next."""
        loop.call_soon(self._renew, loop)

    def _renew(self, loop: asyncio.AbstractEventLoop) -> None:
        self.end = loop.time() + TURN_SECONDS
        for _ in range(min(AT_A_TIME, len(self._waiting))):
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
        self._renewing = bool(self._waiting)
        if self._renewing:
            loop.call_soon(self._pass, loop)


_OF_LOOPS: WeakKeyDictionary[asyncio.AbstractEventLoop, Turns] = WeakKeyDictionary()


def turns_of(loop: asyncio.AbstractEventLoop) -> Turns:
    """The turns of this loop."""
    turns = _OF_LOOPS.get(loop)
    if turns is None:
        turns = _OF_LOOPS[loop] = Turns(loop.time() + TURN_SECONDS)
    return turns
