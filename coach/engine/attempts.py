"""Tasks that take more than an await: stored results, waiting, threads, time limits, retries."""

from __future__ import annotations

import asyncio
import contextvars
import random
from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Any

from coach.engine.errors import TaskFailed, TaskTimeout
from coach.engine.inputs import Host, Inputs, ThreadInputs, remaining
from coach.engine.task import Task


class Attempts:
    """Makes the attempts at single tasks of one run. `stored`: results that are there already."""

    __slots__ = ("_pool", "_rng", "_run", "_seed", "_stored")

    def __init__(self, run: Host, *, pool: Executor | None, seed: int, stored: Mapping[str, Any]) -> None:
        self._run = run
        self._pool = pool
        self._seed = seed
        self._stored = stored
        self._rng: random.Random | None = None

    async def make(self, i: int) -> Any:
        """The result of task `i`. Raises TaskFailed or TaskTimeout once no further attempt is allowed."""
        task = self._run.plan.tasks[i]
        if task.name in self._stored:
            return self._stored[task.name]
        attempt = 1
        while True:
            try:
                return await self._once(i, task)
            except Exception as error:
                pause = self._pause(task, attempt)
                if attempt > task.retries or not _fits(pause):
                    raise _give_up(task, error, attempt) from error
            await asyncio.sleep(pause)
            attempt += 1

    async def _once(self, i: int, task: Task) -> Any:
        if task.timeout_seconds is None:
            return await self._call(i, task)
        try:
            async with asyncio.timeout(task.timeout_seconds) as limit:
                return await self._call(i, task)
        except TimeoutError as error:
            if limit.expired():
                raise _TimedOut from error
            raise

    async def _call(self, i: int, task: Task) -> Any:
        if task.call is None:
            return await self._wait_out(i, task)
        if not task.blocking:
            return await task.call(Inputs(self._run, i))
        context, inputs = contextvars.copy_context(), ThreadInputs(self._run, i)
        return await self._run.loop.run_in_executor(self._pool, context.run, task.call, inputs)

    async def _wait_out(self, i: int, task: Task) -> None:
        """A task without a call takes its typical time; a streaming join, portion by portion."""
        if not self._run.plan.stream[i]:
            await self._stretch(i, task.duration.typical, task.first_output_seconds)
            return
        portion = task.duration.typical / len(task.needs)
        first = portion if task.first_output_seconds is None else task.first_output_seconds
        async for _ in Inputs(self._run, i).arrivals():
            await self._stretch(i, portion, min(first, portion))

    async def _stretch(self, i: int, seconds: float, first: float | None) -> None:
        """Take `seconds`; output begins `first` seconds into them."""
        if first is None or first >= seconds or i in self._run.record.firsts:
            await asyncio.sleep(seconds)
        else:
            await asyncio.sleep(first)
            self._run.begin_output(i)
            await asyncio.sleep(seconds - first)
        if first is not None:
            self._run.begin_output(i)

    def _pause(self, task: Task, attempt: int) -> float:
        """Doubling, jittered by half to one and a half, so that callers who failed together do not return
        together.
        """
        if self._rng is None:
            self._rng = random.Random(self._seed)
        return float(task.backoff_seconds * 2 ** (attempt - 1) * (0.5 + self._rng.random()))


def _fits(pause: float) -> bool:
    """Whether there is time for another attempt before the deadline."""
    left = remaining()
    return left is None or pause < left


def _give_up(task: Task, error: Exception, attempts: int) -> TaskFailed:
    if isinstance(error, _TimedOut) and task.timeout_seconds is not None:
        return TaskTimeout(task.name, task.timeout_seconds, attempts)
    return TaskFailed(task.name, error, attempts)


class _TimedOut(Exception):  # noqa: N818
    """The task's own time limit, told apart from a TimeoutError that its call raised."""
