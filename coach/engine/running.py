"""One run of a graph as a whole: its deadline, its end, and what is added to it on the way."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from coach.engine.ahead import held_if_dear, only_free
from coach.engine.checks import check_commits, check_needs, check_units, named, topological
from coach.engine.errors import DeadlineExceeded, EngineError, RunError
from coach.engine.graph import Task, TaskGraph, default_needed
from coach.engine.inputs import ABSENT, Deadline, deadline, remaining
from coach.engine.stopping import PACE, Alarm, stop
from coach.engine.walking import Walkers

if TYPE_CHECKING:
    from coach.engine.speculating import Speculation

MANY = 10_000
"""Of so many tasks a run that grows may consist, as far as its alarm is concerned."""


async def planned_for(
    graph: TaskGraph, speculation: Speculation | None, seconds: float | None
) -> tuple[TaskGraph, float | None]:
    """The graph as it is to be run, by its policy, and what is left of its deadline of so many seconds, for a
    policy may have to ask a store. `DeadlineExceeded` where that takes too long."""
    if speculation is None:
        return only_free(graph), seconds
    clock = asyncio.get_running_loop().time
    limit = min((each for each in (seconds, remaining()) if each is not None), default=None)
    began = clock()
    try:
        async with asyncio.timeout(limit) as timeout:
            planned = await speculation.plan(graph)
    except TimeoutError as error:
        if limit is None or not timeout.expired():
            raise
        raise DeadlineExceeded(limit, tuple(graph.tasks)) from error
    return planned, None if seconds is None else max(0.0, seconds - (clock() - began))


class Run(Walkers):
    """From its beginning until all of its tasks have ended."""

    __slots__ = ("_context", "_timers")

    def set_deadline(self, seconds: float | None) -> contextvars.Token[Deadline | None] | None:
        """One absolute deadline for this run and what is inside it; never later than that of the run around
        it."""
        around = remaining()
        limits = [each for each in (seconds, around) if each is not None]
        if not limits:
            return None
        self.limit_seconds = min(limits)
        self.expiry = self.loop.time() + self.limit_seconds
        return deadline.set((self.loop.time, self.expiry))

    async def play(self) -> None:
        """Until the last task has ended, or all have been stopped."""
        await self.begin()
        if self.plan.size:
            await self.end()

    async def begin(self) -> None:
        """Start what can start. Nothing is left to stop where this fails."""
        if self.plan.grows:
            self._context = contextvars.copy_context()
        self._timers: list[asyncio.TimerHandle | Alarm] = []
        self.record.zero = self.now()
        if self.keeping is not None:
            await self.keeping.load()
        if self.expiry is not None:
            self._timers.append(self._alarm(self.expiry))
        if self.plan.patience:
            self._set_patience(0)
        self._spawn(self.told().begin())
        self.arm()

    def _alarm(self, expiry: float) -> asyncio.TimerHandle | Alarm:
        most = MANY if self.plan.grows else self.plan.size
        if most <= PACE.FEW:
            return self.loop.call_at(expiry, self.expire)
        return Alarm(expiry, most=most, count=self.walkers.__len__, ring=self.expire)

    async def end(self) -> None:
        """Wait for the end, a good one or another."""
        try:
            await self.done
            if self.keeping is not None and await self.keeping.close():
                raise asyncio.CancelledError
        except asyncio.CancelledError:
            await self.give_up()
            raise
        except RunError as error:
            interrupted = await self._reap(at_once=isinstance(error, DeadlineExceeded))
            error.tell, error.values = self.record.trace, self.kept_values()
            if interrupted:
                raise asyncio.CancelledError from error
            raise
        finally:
            self._cancel_timers()

    async def give_up(self) -> None:
        """Stop everything: nobody wants the result."""
        await self._reap(at_once=True)
        self._cancel_timers()
        if self.done.done() and not self.done.cancelled():
            self.done.exception()  # taken note of: what made the caller give up goes first

    async def close(self, token: contextvars.Token[Deadline | None] | None) -> None:
        """All of it has ended. `token`: what `set_deadline` gave."""
        self.over = True
        self.attempts.close()
        if token is not None:
            deadline.reset(token)
        if self.speculation is not None:
            await self.speculation.learn(self.plan.tasks, self.record.trace())

    def release(self) -> None:
        """Nothing more will be added from outside: it is over when nothing runs."""
        self.held = False
        self.check_done()

    def _cancel_timers(self) -> None:
        for timer in self._timers:
            timer.cancel()
        if self.waking is not None:
            self.waking.cancel()

    def _set_patience(self, base: int) -> None:
        """Clocks of the joins from `base` on that do not wait for ever."""
        for j, seconds in self.plan.patience.items() if not base else self._patience_from(base):
            self._timers.append(self.loop.call_later(seconds, self._lose_patience, j))

    def _patience_from(self, base: int) -> list[tuple[int, float]]:
        patience = self.plan.patience
        return [(j, patience[j]) for j in range(base, self.plan.size) if j in patience]

    def _lose_patience(self, j: int) -> None:
        """The join `j` goes on without what has not come."""
        if self.stopping or self.over:
            return
        cause = self.record.latest_need(j)
        self.go_on(self.told().leave_out(j), cause)

    def expire(self) -> None:
        if self.stopping:
            return
        if not self.schedule.left and not self.held:  # what runs on is not wanted any more
            for walker in self.walkers.values():
                walker.cancel()
            return
        unfinished = [name for i, name in enumerate(self.plan.names) if self._is_unfinished(i)]
        self._fail(DeadlineExceeded(self.limit_seconds, unfinished))

    def _is_unfinished(self, i: int) -> bool:
        return self.record.ends[i] < 0.0 and (self.plan.simple or not self.schedule.is_settled(i))

    async def _reap(self, *, at_once: bool) -> bool:
        """Cancel what runs and wait until all of it has ended; save what is being saved unless it has to be
        over at once. True if the caller was cancelled meanwhile."""
        self.stopping = True
        interrupted = await stop(self.walkers.values())
        if self.keeping is not None:
            interrupted |= await self.keeping.close(at_once=at_once or interrupted)
        return interrupted

    # Growing

    def add(self, tasks: Iterable[Task], cause: int = -1) -> None:
        """Add tasks, on behalf of the task `cause`. They may need each other and all that is here. Raises as
        `TaskGraph` does, or `EngineError`, and then nothing has been added. The cost is that of the tasks and
        their needs, however large the run."""
        if not self.plan.grows:
            raise EngineError("Nothing can be added to this run: begin it with growing()")
        if self.stopping or self.over or (self.done.done() and not self.held):
            raise EngineError("Nothing can be added: the run is over")
        batch = self._weighed(named(tasks, self.plan.index))
        check_needs(batch, self.plan.index)
        check_units(batch.values(), self.plan.all_limits)
        check_commits(batch, self.plan.index)
        order = topological(batch)
        base = self.plan.size
        starting = self.told().add(batch.values(), order, [self._is_needed(task) for task in batch.values()])
        self._make_room(base)
        self._context.copy().run(self._go_on_with, base, starting, cause)

    def _weighed(self, batch: dict[str, Task]) -> dict[str, Task]:
        """Tasks as they are to be run: those that may start ahead do so only where that is worth it."""
        return {
            name: task if task.condition is None or not task.speculative else self._weigh(task, batch)
            for name, task in batch.items()
        }

    def _weigh(self, task: Task, batch: Mapping[str, Task]) -> Task:
        if self.speculation is None:
            return held_if_dear(task)
        assert task.condition is not None  # noqa: S101  # asked before
        decider = task.condition.decider
        if decider in batch:
            return self.speculation.weigh(task, batch[decider].duration.typical)
        return self.speculation.weigh(task, self._seconds_left(self.plan.index.get(decider, -1)))

    def _seconds_left(self, i: int) -> float:
        """Until task `i` has ended, if it takes as long as it typically does and has begun or begins now."""
        if i < 0 or self.schedule.is_settled(i):
            return 0.0
        start = self.record.starts[i]
        passed = self.now() - start if start >= 0.0 else 0.0
        return max(0.0, self.plan.tasks[i].duration.typical - passed)

    def _is_needed(self, task: Task) -> bool:
        """Whether it is, as far as that is known: its decider may have ended long ago."""
        if task.condition is None or not callable(self.needed):
            return default_needed(task, self.needed if isinstance(self.needed, Mapping) else None)
        decider = self.plan.index.get(task.condition.decider, -1)
        value = ABSENT if decider < 0 else self.result_of(decider)
        return default_needed(task) if value is ABSENT else bool(self.needed(task.name, value))

    def _make_room(self, base: int) -> None:
        count = self.plan.size - base
        self.values += [ABSENT] * count
        self.owner += [-1] * count
        self.record.make_room(count)
        if self.works is not self.plan.works:
            self.works += [
                None if task.keep else work
                for task, work in zip(self.plan.tasks[base:], self.plan.works[base:], strict=True)
            ]

    def _go_on_with(self, base: int, starting: list[int], cause: int) -> None:
        self._set_patience(base)
        self.go_on(starting, cause)
        for i in range(base, self.plan.size):
            for name in self.plan.tasks[i].after_output:
                if (leader := self.plan.index[name]) in self.record.firsts:
                    self.go_on(self.told().open_output(leader), leader)
