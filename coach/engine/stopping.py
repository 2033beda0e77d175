"""Ending asyncio tasks for certain, and how long that takes. Units: seconds."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import Any


class Pace:
    """How long this process needs to stop one task, learned from each large stop.

    A deadline that is to hold has to be acted on earlier by what stopping takes. What tasks wait for while
    they are being stopped is not counted, for nobody can tell it beforehand; that others want the processor,
    too, is.
    """

    FEW = 16
    """Fewer tasks are stopped within a millisecond."""

    LEAST, MOST = 2e-6, 1e-4
    """Bounds of what is believed of one task."""

    CROWDED = 3.0
    """By so much a stop may take longer than its thread's own time, and still not count as waiting."""

    def __init__(self) -> None:
        self.seconds_each = 5e-5

    def lead_seconds(self, count: int) -> float:
        """How long before a deadline so many tasks have to be stopped."""
        return count * self.seconds_each if count > self.FEW else 0.0

    def learn(self, count: int, seconds: float, thread_seconds: float) -> None:
        """So many tasks were stopped in so many seconds, of which so many of the thread's own time. More than
        was known is believed at once, less only slowly: too late is worse than too early."""
        if count > self.FEW:
            each = min(self.MOST, max(self.LEAST, min(seconds, self.CROWDED * thread_seconds) / count))
            self.seconds_each = max(each, self.seconds_each + (each - self.seconds_each) / 8)


PACE = Pace()


async def stop(tasks: Iterable[asyncio.Task[Any]]) -> bool:
    """Cancel them and wait until all have ended; what they raise counts no more. True if the caller was
    cancelled meanwhile: it is not let go before."""
    stopped = tuple(tasks)
    began, thread_began = time.perf_counter(), time.thread_time()
    for task in stopped:
        task.cancel()
    interrupted = False
    left = list(stopped)
    while left:
        if left[-1].done():
            left.pop()
            continue
        try:
            await asyncio.wait(left[-1:])  # most of the others end with it
        except asyncio.CancelledError:
            interrupted = True
    for task in stopped:
        if not task.cancelled():
            task.exception()  # taken note of
    PACE.learn(len(stopped), time.perf_counter() - began, time.thread_time() - thread_began)
    return interrupted


class Alarm:
    """Rings `lead_seconds` of what runs before `expiry`, a moment on the loop's clock."""

    __slots__ = ("_count", "_expiry", "_loop", "_most_seconds", "_ring", "_timer")

    CLOSE_SECONDS = 5e-4
    """So near the end, what runs does not change much."""

    def __init__(
        self, expiry: float, *, most: int, count: Callable[[], int], ring: Callable[[], None]
    ) -> None:
        """`most` tasks can run at once, `count` of them do; at most a quarter of the time is given away."""
        self._loop = asyncio.get_running_loop()
        self._expiry, self._count, self._ring = expiry, count, ring
        self._most_seconds = (expiry - self._loop.time()) / 4
        self._timer = self._loop.call_at(expiry - self._lead(most), self._look)

    def _lead(self, count: int) -> float:
        return min(self._most_seconds, PACE.lead_seconds(count))

    def _look(self) -> None:
        """Fewer tasks run than could: look again half-way, until it is time."""
        wait = self._expiry - self._lead(self._count()) - self._loop.time()
        if wait <= 1e-6:
            self._ring()
        else:
            self._timer = self._loop.call_later(wait if wait < self.CLOSE_SECONDS else wait / 2, self._look)

    def cancel(self) -> None:
        """It need not ring any more."""
        self._timer.cancel()
