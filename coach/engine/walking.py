"""The tasks of one run on asyncio: walkers, asyncio tasks that run one task of the graph after the other."""

from __future__ import annotations

import asyncio
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

from coach.engine.attempts import Attempts
from coach.engine.checkpoints import Checkpoints, Keeping
from coach.engine.errors import Failure, TaskFailed
from coach.engine.graph import Task, default_needed
from coach.engine.inputs import ABSENT, Inputs
from coach.engine.plan import Plan
from coach.engine.ports import Clock
from coach.engine.record import Record
from coach.engine.schedule import DROPPED, FAILED, RUNNING, Schedule
from coach.engine.trace import CANCELLED, Span
from coach.engine.trace import FAILED as SPAN_FAILED
from coach.engine.turns import turns_of

if TYPE_CHECKING:
    from coach.engine.speculating import Speculation

Needed = Mapping[str, bool] | Callable[[str, Any], bool]
"""Decides conditions: by name, or as a function of the task's name and the decider's result."""

BeforeDispatch = Callable[[Inputs], bool | Mapping[str, Any]]
"""Asked before a task starts ahead of its decider: True lets it go, False has it wait for its decider, and a
mapping gives it other values for needs, by name, than the real ones: nothing else of them reaches the outside
before it is known that the task is needed. A streaming join cannot be given other values: it waits."""


def _without_kept(plan: Plan) -> list[Callable[..., Any] | None]:
    """Calls that can be awaited as they stand where results are kept."""
    return [None if task.keep else work for task, work in zip(plan.tasks, plan.works, strict=True)]


def _wake(waiters: Iterable[asyncio.Future[None]]) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(None)


AT_ONCE = 500
"""So many tasks are begun in one turn of the loop. What else shares the loop gets its turns in between, and a
task that is soon over makes room for others while its memory is still at hand."""


class Walkers(ABC):
    """The state of one run. Times are kept in flat lists while it runs; the trace is made from them.

    `held`: more tasks may come, so it is not over when nothing runs. `queued`: batches of tasks that are to
    be begun in later turns of the loop.
    """

    __slots__ = (
        "altered",
        "attempts",
        "before_dispatch",
        "clock",
        "done",
        "expiry",
        "failures",
        "held",
        "keeping",
        "limit_seconds",
        "loop",
        "needed",
        "now",
        "on_output",
        "on_span",
        "over",
        "owner",
        "plan",
        "queued",
        "record",
        "schedule",
        "speculation",
        "stopping",
        "turns",
        "values",
        "waiting",
        "waking",
        "walkers",
        "works",
    )

    def __init__(
        self,
        plan: Plan,
        *,
        clock: Clock | None = None,
        pool: Executor | None = None,
        seed: int = 0,
        needed: Needed | None = None,
        speculation: Speculation | None = None,
        checkpoints: Checkpoints | None = None,
        before_dispatch: BeforeDispatch | None = None,
        on_span: Callable[[Span], None] | None = None,
        on_output: Callable[[str, Any], None] | None = None,
    ) -> None:
        self.plan = plan
        self.loop = asyncio.get_running_loop()
        self.turns = turns_of(self.loop)
        self.now: Callable[[], float] = self.loop.time if clock is None else clock.now
        self.on_span, self.on_output = on_span, on_output
        self.before_dispatch = before_dispatch
        self.speculation = speculation
        self.altered: dict[int, Mapping[str, Any]] = {}
        self.needed = needed
        self.keeping: Keeping | None = None if checkpoints is None else checkpoints.keeping(self)
        self.works = plan.works if checkpoints is None else _without_kept(plan)
        self.schedule = Schedule(plan, None if plan.simple else self._first_decisions())
        self.values: list[Any] = [ABSENT] * plan.size
        self.record = Record(plan, self.schedule)
        self.owner: list[int] = [] if plan.simple else [-1] * plan.size
        self.walkers: dict[int, asyncio.Task[None]] = {}
        self.waiting: dict[int, set[asyncio.Future[None]]] = {}
        self.failures: dict[int, TaskFailed] = {}
        self.waking: asyncio.TimerHandle | None = None
        self.attempts = Attempts(self, pool=pool, seed=seed, keeping=self.keeping)
        self.done: asyncio.Future[None] = self.loop.create_future()
        self.stopping = self.over = self.held = False
        self.queued = 0
        self.expiry: float | None = None
        self.limit_seconds = 0.0

    @abstractmethod
    def add(self, tasks: Iterable[Task], cause: int = -1) -> None:
        """Add tasks on behalf of the task `cause`."""

    @abstractmethod
    def expire(self) -> None:
        """The deadline is there."""

    def _first_decisions(self) -> list[bool]:
        given = self.needed if isinstance(self.needed, Mapping) else None
        return [default_needed(task, given) for task in self.plan.tasks]

    def _spawn(self, starting: list[int], cause: int = -1, begun: int = 0) -> None:
        """Begin these tasks, less the first `begun` of them."""
        create, walkers, causes = self.loop.create_task, self.walkers, self.record.causes
        enough = begun + AT_ONCE
        for i in starting if len(starting) <= AT_ONCE else starting[begun:enough]:
            causes[i] = cause
            walkers[i] = create(self._walk(i))
        if len(starting) > enough:
            self.queued += 1
            self.loop.call_soon(self._spawn_rest, starting, cause, enough)

    def _spawn_rest(self, starting: list[int], cause: int, begun: int) -> None:
        self.queued -= 1
        if not self.stopping:
            self._spawn(starting, cause, begun)

    async def _walk(self, root: int) -> None:
        i, now, turns = root, self.now, self.turns
        tick, expiry = self.loop.time, math.inf if self.expiry is None else self.expiry
        record, values, works, simple = self.record, self.values, self.works, self.plan.simple
        starts, ends = record.starts, record.ends
        leave = self.schedule.finish if simple and self.on_span is None else self._leave
        try:
            at = now()
            while True:
                starts[i] = at
                if ((moment := tick()) >= turns.end or moment >= expiry) and await self._give_way(i, expiry):
                    return
                if not simple and not self._enter(i, root):
                    return
                work = works[i]
                values[i] = await (self.attempts.make(i) if work is None else work(Inputs(self, i)))
                ends[i] = at = now()
                if self.stopping:
                    self._report(i)
                    return
                ready = leave(i)
                if not ready:
                    return
                if len(ready) > 1:
                    self._spawn(ready[1:], i)
                record.causes[ready[0]] = i
                i = ready[0]
        except BaseException as error:
            self._broken(i, error)
            if not isinstance(error, (Exception, asyncio.CancelledError)):
                raise
        finally:
            del self.walkers[root]
            if not self.walkers:
                self.check_done()

    async def _give_way(self, i: int, expiry: float) -> bool:
        """Before `i` begins: let others have their turns of the loop until one comes in which there is time
        for it. True if it is not to begin, for the run is over: perhaps because it is late."""
        starts = self.record.starts
        starts[i] = -1.0
        while not self.stopping and (moment := self.loop.time()) < expiry:
            if moment < self.turns.end:
                starts[i] = self.now()
                return False
            await self.turns.next()
        self.expire()
        return self.stopping

    def check_done(self) -> None:
        """It is over when nothing runs, nobody waits for time to pass, and nothing more can come."""
        quiet = not self.walkers and not self.queued and self.waking is None
        if quiet and not self.held and not self.done.done():
            self.done.set_result(None)

    def _enter(self, i: int, root: int) -> bool:
        """False for a task that was dropped between being started and its first step."""
        if self.schedule.state[i] != RUNNING:
            self.record.starts[i] = -1.0
            self.go_on(self.told().finish(i), i)
            return False
        if self.before_dispatch is not None and self.schedule.is_ahead(i) and not self._may_go(i):
            self.record.starts[i] = -1.0
            self.go_on(self.told().put_off(i))
            return False
        self.owner[i] = root
        return True

    def _may_go(self, i: int) -> bool:
        """Ask the hook about a task that is to start ahead."""
        assert self.before_dispatch is not None  # noqa: S101  # asked only where there is one
        if self.keeping is not None and self.keeping.find(i) is not ABSENT:
            return True
        said = self.before_dispatch(Inputs(self, i))
        if isinstance(said, Mapping) and not self.plan.stream[i]:
            self.altered[i] = said
            return True
        return said is True

    def _leave(self, i: int) -> list[int]:
        """Report an end; stop what that made useless, wake joins for which it brought something."""
        if self.plan.simple:
            self._report(i)
            return [] if self.stopping else self.schedule.finish(i)
        if self.schedule.state[i] == RUNNING:
            self._decide(i)
        ready = self.told().finish(i)
        self._heed(i, self.record.ends[i])
        self._report(i)
        return [] if self.stopping else ready

    def _heed(self, cause: int, now: float) -> None:
        """What else a step of the schedule brought."""
        schedule = self.schedule
        if schedule.gone:
            self.record.note_gone(now)
        if schedule.fatal >= 0:
            if not self.stopping:
                self._fail(self.failures[schedule.fatal])
            return
        lost, schedule.lost = schedule.lost, []
        for c in lost:
            if self.record.starts[c] >= 0.0:
                self.walkers[self.owner[c]].cancel()
        woken, schedule.woken = schedule.woken, []
        for j in woken:
            if readers := self.waiting.pop(j, None):
                self.record.let_go_on(j, cause)
                _wake(readers)
        self.arm()

    def told(self) -> Schedule:
        """The schedule, told what time it is: for each step of it."""
        if self.plan.rates:
            self.schedule.tick(self.loop.time())
        return self.schedule

    def arm(self) -> None:
        """See to it that the schedule is asked again when somebody can have what they wait for."""
        if not self.plan.rates:
            return
        if self.waking is not None:
            self.waking.cancel()
        at = self.schedule.come_again()
        self.waking = None if at is None else self.loop.call_at(at, self._wake)

    def _wake(self) -> None:
        self.waking = None
        if not (self.stopping or self.over):
            self.go_on(self.told().wake())
            self.check_done()

    def go_on(self, starting: list[int], cause: int = -1) -> None:
        """Carry out a step of the schedule that no walker goes on from. Start what it returned, unless the
        run is being stopped."""
        self._heed(cause, self.now())
        if not self.stopping:
            self._spawn(starting, cause)

    def _decide(self, i: int) -> None:
        """What the result of `i` says about the tasks that hang on it."""
        if callable(self.needed):
            for c in self.plan.decides[i]:
                self.schedule.needed[c] = bool(self.needed(self.plan.names[c], self.values[i]))

    def _broken(self, i: int, error: BaseException) -> None:
        """A task ended without a result: not wanted any more, stopped with the rest, or failed."""
        if self.record.starts[i] >= 0.0 and self.record.ends[i] < 0.0:
            self.record.ends[i] = self.now()
        state = RUNNING if self.plan.simple else self.schedule.state[i]
        if state == DROPPED or (state == FAILED and not self.stopping):
            if i in self.schedule.draining:  # else the schedule is done with it
                self.go_on(self.told().finish(i), i)
        elif self.stopping:
            self.record.status[i] = CANCELLED
        else:
            self._failed(i, error, state)
        self._report(i)

    def _failed(self, i: int, error: BaseException, state: int) -> None:
        """It ends the run, unless the schedule finds somebody who puts up with it."""
        self.failures[i] = self._as_failure(i, error)
        self.record.status[i] = SPAN_FAILED
        if self.plan.simple or state != RUNNING or not isinstance(error, (Exception, asyncio.CancelledError)):
            self._fail(self.failures[i])
        else:
            self.go_on(self.told().fail(i), i)

    def _fail(self, error: BaseException) -> None:
        """The first failure ends the run; later ones are consequences."""
        self.stopping = True
        if not self.done.done():
            self.done.set_exception(error)

    def _as_failure(self, i: int, error: BaseException) -> TaskFailed:
        if isinstance(error, TaskFailed) and error.task == self.plan.names[i]:
            return error
        failure = TaskFailed(self.plan.names[i], error, 1)
        failure.__cause__ = error
        return failure

    # What calls ask for

    def result_of(self, i: int) -> Any:
        """A settled result; absent while it does not count."""
        if self.plan.simple or self.schedule.is_done(i):
            return self.values[i]
        return ABSENT

    def value_for(self, j: int, need: int) -> Any:
        """The same as the join `j` sees it, by its policy."""
        policy = None if self.plan.simple else self.plan.policies.get(j)
        if policy is None:
            return self.result_of(need)
        schedule, name = self.schedule, self.plan.names[need]
        gone = need in schedule.absent.get(j, ())
        if schedule.is_done(need) and not gone:
            return self.values[need]
        if need in policy.optional and (gone or schedule.is_settled(need)):
            return self.plan.tasks[j].optional[name]
        if policy.collects and schedule.has_failed(need) and not gone:
            return Failure(name, self.failures[schedule.failed_by[need]])
        return ABSENT

    async def next_arrival(self, j: int) -> None:
        """Until something arrives for the streaming join `j`, or nothing more can."""
        waiter: asyncio.Future[None] = self.loop.create_future()
        readers = self.waiting.setdefault(j, set())
        readers.add(waiter)
        self.attempts.pause(j)
        try:
            await waiter
        finally:
            readers.discard(waiter)
            if not readers:
                self.attempts.hear(j)

    def hear(self, i: int) -> None:
        """It lives: its silence, where that is limited, begins anew."""
        self.attempts.hear(i)

    def settle(self, i: int) -> None:
        """A call of a model takes of rates what it told of itself, and not what was expected of it."""
        call = self.plan.tasks[i].model_call
        if call is not None and self.plan.rates and not self.over:
            self.go_on(self.told().settle(i, call.took(self.record.facts[i])), i)

    def emit(self, i: int, piece: Any) -> None:
        """Pass a piece of output on, unless nobody wants it any more."""
        if self.over or (not self.plan.simple and self.schedule.state[i] == DROPPED):
            return
        self.begin_output(i)
        if self.on_output is not None:
            self.on_output(self.plan.names[i], piece)

    def begin_output(self, i: int) -> None:
        """There is output: note when it began, and start what waited for that."""
        self.attempts.hear(i)
        if i in self.record.firsts:
            return
        self.record.firsts[i] = self.now() - self.record.zero
        if self.plan.is_heard(i):
            self.go_on(self.told().open_output(i), i)

    # What is left

    def kept_values(self) -> dict[str, Any]:
        """Results that count, by name."""
        if self.schedule.left == 0 and self.plan.simple:
            return dict(zip(self.plan.names, self.values, strict=True))
        named = zip(self.plan.names, range(self.plan.size), strict=True)
        return {name: self.values[i] for name, i in named if self.record.ends[i] >= 0.0 and self._counts(i)}

    def _counts(self, i: int) -> bool:
        return i not in self.record.status and self.result_of(i) is not ABSENT

    def _report(self, i: int) -> None:
        """Tell who wants to know. Where they fail at that, the run fails, in the name of the task."""
        if self.on_span is None or self.record.starts[i] < 0.0:
            return
        try:
            self.on_span(self.record.span(i))
        except Exception as error:
            self._fail(self._as_failure(i, error))
