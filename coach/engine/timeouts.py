"""What stops one attempt at a task: its time limit, its share of the run's deadline, its silence.

Inside the attempt the earliest of the first two and of the deadline around it is the deadline: `remaining()`
tells it, and a run inside it keeps it. Units: seconds on the loop's clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from coach.engine.errors import CannotFit, TimeoutKind
from coach.engine.inputs import deadline
from coach.engine.task import Task


class TimedOut(Exception):  # noqa: N818
    """An attempt was stopped: told apart from a TimeoutError that its call raised."""

    def __init__(self, kind: TimeoutKind, seconds: float) -> None:
        super().__init__(kind, seconds)
        self.kind = kind
        self.seconds = seconds


class Limit:
    """Ends the attempt that runs inside `hold` at the moment `at`, or after so long a silence."""

    __slots__ = ("_at", "_kind", "_loop", "_silence", "_timeout")

    def __init__(self, task: Task, latest: float | None) -> None:
        self._loop = asyncio.get_running_loop()
        self._silence = task.silence_seconds
        self._at, self._kind = _earliest(task, latest, self._loop.time())
        self._timeout = asyncio.timeout_at(self._next())

    def _next(self) -> float | None:
        if self._silence is None:
            return self._at
        quiet_until = self._loop.time() + self._silence
        return quiet_until if self._at is None else min(quiet_until, self._at)

    def hear(self) -> None:
        """Something was heard: the silence begins anew."""
        if self._silence is not None and not self._timeout.expired():
            self._timeout.reschedule(self._next())

    def pause(self) -> None:
        """It waits for others: until something is heard again, its silence does not count."""
        if self._silence is not None and not self._timeout.expired():
            self._timeout.reschedule(self._at)

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[None]:
        """Around one attempt. Raises `TimedOut` where it was stopped."""
        began = self._loop.time()
        token = deadline.set(self._inner())
        try:
            async with self._timeout:
                yield
        except TimeoutError as error:
            if not self._timeout.expired():
                raise
            raise self._reason(began) from error
        finally:
            deadline.reset(token)

    def _inner(self) -> tuple[Callable[[], float], float] | None:
        around = deadline.get()
        if self._at is None or (around is not None and around[1] <= self._at):
            return around
        return self._loop.time, self._at

    def _reason(self, began: float) -> TimedOut:
        if self._silence is not None and self._timeout.when() != self._at:
            return TimedOut("silence", self._silence)
        return TimedOut(self._kind, (began if self._at is None else self._at) - began)


def _earliest(task: Task, latest: float | None, now: float) -> tuple[float | None, TimeoutKind]:
    wall = None if task.timeout_seconds is None else now + task.timeout_seconds
    if latest is None or (wall is not None and wall <= latest):
        return wall, "wall"
    return latest, "share"


def check_fit(task: Task, left: float | None) -> None:
    """Raises `CannotFit` where the task must fit and does not, or where no time at all is left to it."""
    expected = task.duration.typical
    left = None if left is None else max(0.0, left)
    if left is not None and left < expected and (task.must_fit or not left):
        raise CannotFit(task.name, expected, left)
