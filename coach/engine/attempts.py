"""Tasks that take more than an await: kept results, waiting, threads, time limits, retries."""

from __future__ import annotations

import asyncio
import contextvars
import random
import sys
from concurrent import futures
from typing import Any

from coach.engine.checkpoints import Keeping
from coach.engine.errors import CannotFit, TaskFailed, TaskTimeout
from coach.engine.hedging import Race
from coach.engine.inputs import Host, Inputs, ThreadInputs, remaining
from coach.engine.task import Task
from coach.engine.timeouts import Limit, TimedOut, check_fit


class Attempts:
    """Makes the attempts at single tasks of one run. `keeping`: results that are there already, and those to
    come. `pool`: what runs blocking tasks; None for threads of this run's own, as many as are wanted at once.
    """

    __slots__ = ("_keeping", "_limits", "_own_pool", "_pool", "_rng", "_run", "_seed")

    def __init__(
        self, run: Host, *, pool: futures.Executor | None, seed: int, keeping: Keeping | None
    ) -> None:
        self._run = run
        self._pool = pool
        self._own_pool: futures.ThreadPoolExecutor | None = None
        self._seed = seed
        self._keeping = keeping
        self._rng: random.Random | None = None
        self._limits: dict[int, Limit] = {}

    async def make(self, i: int) -> Any:
        """The result of task `i`. Raises TaskFailed, TaskTimeout or CannotFit once no further attempt is
        allowed."""
        task = self._run.plan.tasks[i]
        if self._keeping is None or not task.keep:
            return await self._try(i, task)
        return await self._keeping.result(i, lambda: self._try(i, task))

    async def _try(self, i: int, task: Task) -> Any:
        attempt = 1
        while True:
            try:
                return await self._once(i, task)
            except CannotFit:
                raise
            except Exception as error:
                pause = self._pause(task, attempt)
                if attempt > task.retries or not self._fits(i, task, pause):
                    raise _give_up(task, error, attempt) from error
            await asyncio.sleep(pause)
            attempt += 1
            self._run.told().charge(i)

    async def _once(self, i: int, task: Task) -> Any:
        latest = self._latest(i)
        check_fit(task, self._left(latest))
        if latest is None and task.timeout_seconds is None and task.silence_seconds is None:
            return await self._call(i, task)
        self._limits[i] = limit = Limit(task, latest)
        try:
            async with limit.hold():
                return await self._call(i, task)
        finally:
            del self._limits[i]

    def _latest(self, i: int) -> float | None:
        """When `i` has to be done so that its followers get what is kept for them."""
        kept = self._run.plan.reserved[i]
        return None if self._run.expiry is None or not kept else self._run.expiry - kept

    def _left(self, latest: float | None) -> float | None:
        return remaining() if latest is None else latest - self._run.loop.time()

    def _fits(self, i: int, task: Task, pause: float) -> bool:
        """Whether there is time for another attempt before the deadline."""
        left = self._left(self._latest(i))
        return left is None or pause + task.must_fit * task.duration.typical < left

    def hear(self, i: int) -> None:
        """Something was heard of task `i`."""
        if i in self._limits:
            self._limits[i].hear()

    def pause(self, i: int) -> None:
        """Task `i` waits for others: its silence does not count until it is heard again."""
        if i in self._limits:
            self._limits[i].pause()

    async def _call(self, i: int, task: Task) -> Any:
        if task.call is None:
            return await self._wait_out(i, task)
        if task.hedge:
            return await Race(self._run, i).result()
        if not task.blocking:
            return await task.call(Inputs(self._run, i))
        context, inputs = contextvars.copy_context(), ThreadInputs(self._run, i)
        return await self._run.loop.run_in_executor(self._threads(), context.run, task.call, inputs)

    def _threads(self) -> futures.Executor:
        """Where blocking tasks run. A pool of our own starts a thread only where all others are busy, with no
        limit: tasks wait for each other only where a resource is named, and never for an abandoned thread."""
        if self._pool is not None:
            return self._pool
        if self._own_pool is None:
            self._own_pool = futures.ThreadPoolExecutor(sys.maxsize, thread_name_prefix="engine")
        return self._own_pool

    def close(self) -> None:
        """The run is over: let idle threads of its own end. Nobody waits for those that were abandoned."""
        if self._own_pool is not None:
            self._own_pool.shutdown(wait=False)

    async def _wait_out(self, i: int, task: Task) -> None:
        """A task without a call takes its typical time; a streaming join, portion by portion."""
        if not self._run.plan.stream[i]:
            await self._stretch(i, task.duration.typical, task.first_output_seconds)
            return
        portion = task.duration.typical / task.portions
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


def _give_up(task: Task, error: Exception, attempts: int) -> TaskFailed:
    if isinstance(error, TimedOut):
        return TaskTimeout(task.name, error.seconds, attempts, error.kind)
    return TaskFailed(task.name, error, attempts)
