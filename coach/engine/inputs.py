"""What a task's call is given, and the deadline that it can ask for."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Container, Iterable, Mapping
from contextlib import suppress
from typing import Any, Protocol

from coach.engine.errors import EngineError
from coach.engine.record import Record
from coach.engine.schedule import Plan, Schedule
from coach.engine.task import Task

ABSENT: Any = object()
"""In place of a result that is not there."""

Deadline = tuple[Callable[[], float], float]
deadline: contextvars.ContextVar[Deadline | None] = contextvars.ContextVar("engine_deadline", default=None)
"""The clock and the moment on it at which the innermost run must be over."""


def remaining() -> float | None:
    """Seconds left to the run that this code is part of, 0.0 or more; None without a deadline. Threads may
    ask.

    Inside a task it is what is left to the task: less what is kept for those that need it, and no more than
    its own time limit.
    """
    held = deadline.get()
    return None if held is None else max(0.0, held[1] - held[0]())


class Host(Protocol):
    """The run, as its tasks see it."""

    plan: Plan
    schedule: Schedule
    record: Record
    loop: asyncio.AbstractEventLoop
    values: list[Any]
    altered: dict[int, Mapping[str, Any]]
    expiry: float | None
    now: Callable[[], float]

    def value_for(self, j: int, need: int) -> Any:
        """A result that counts, a default or a failure, as the policy of `j` has it, or `ABSENT`."""

    def emit(self, i: int, piece: Any) -> None:
        """Pass a piece of output on."""

    def begin_output(self, i: int) -> None:
        """Its output has begun."""

    def add(self, tasks: Iterable[Task], cause: int = -1) -> None:
        """Add tasks on behalf of the task `cause`."""

    def hear(self, i: int) -> None:
        """It lives."""

    def settle(self, i: int) -> None:
        """It has told what it takes of rates."""

    def told(self) -> Schedule:
        """The schedule, told what time it is."""

    def go_on(self, starting: list[int], cause: int = -1) -> None:
        """Carry out a step of the schedule."""

    async def next_arrival(self, j: int) -> None:
        """Until something arrives for the streaming join `j`, or nothing more can."""


class Inputs:
    """What a task's call gets: the results of its needs, and ways to tell what it is doing.

    `inputs[name]` gives a need's result; a need that was dropped, or that the task went on without, is
    absent: `name in inputs`, `inputs.get(name)`. Where the task says so, there is a default or an
    `errors.Failure` in its place.
    """

    __slots__ = ("_index", "_needs", "_run")

    def __init__(self, run: Host, index: int) -> None:
        self._run = run
        self._index = index
        self._needs: Container[str] = ()

    @property
    def task(self) -> Task:
        """The task itself."""
        return self._run.plan.tasks[self._index]

    def __getitem__(self, name: str) -> Any:
        value = self.get(name, ABSENT)
        if value is ABSENT:
            raise KeyError(f"{name!r} has no result: it was dropped, or has not arrived yet")
        return value

    def __contains__(self, name: object) -> bool:
        return self.get(str(name), ABSENT) is not ABSENT

    def get(self, name: str, default: Any = None) -> Any:
        """The result of a need, or `default` where there is none. KeyError for what the task does not
        need."""
        plan = self._run.plan
        if name not in (self._needs or self._all_needs()):
            raise KeyError(f"Task {plan.names[self._index]!r} does not need {name!r}, so it cannot read it")
        altered = self._run.altered.get(self._index) if self._run.altered else None
        if altered is not None and name in altered:
            return altered[name]
        value = self._run.value_for(self._index, plan.index[name])
        return default if value is ABSENT else value

    def _all_needs(self) -> Container[str]:
        """A wide join reads many: it does not go through all of them for each."""
        needs = self.task.needs
        self._needs = frozenset(needs) if len(needs) > 8 else needs
        return self._needs

    def arrivals(self, *, in_order: bool = False) -> Arrivals:
        """The results of the needs as (name, value), in the order in which they come, or `in_order`: in that
        of the needs, each as soon as those before it are there or will not come. Ends after the last.

        For a task that joins by "all", everything is there at once. An attempt that is repeated begins anew.
        """
        return Arrivals(self._run, self._index, in_order=in_order)

    def add(self, *tasks: Task) -> None:
        """Add tasks to the run, where it grows (see `growing`): they may need each other and all that is
        there. An attempt that is repeated must not add the same again."""
        self._run.add(tasks, self._index)

    def emit(self, piece: Any) -> None:
        """Hand a piece of output to the caller of the run, now. The first one is noted in the trace."""
        self._run.emit(self._index, piece)

    def note(self, **fields: Any) -> None:
        """Facts for the span: tokens_read, tokens_written, tokens_fresh, tokens_output, cost_usd, note,
        kind. Tokens of a call of a model also settle what it takes of limits per minute."""
        self._run.record.facts.setdefault(self._index, {}).update(fields)
        self._run.hear(self._index)
        self._settle()

    def _settle(self) -> None:
        self._run.settle(self._index)


class Arrivals:
    """What arrives for one task, for `async for`. (Not a generator: one that is left early would leave a task
    behind that closes it.)"""

    __slots__ = ("_index", "_needs", "_run", "_seen")

    def __init__(self, run: Host, index: int, *, in_order: bool) -> None:
        self._run = run
        self._index = index
        self._seen = 0
        self._needs: tuple[int, ...] | None = None
        if in_order or not run.plan.stream[index]:
            self._needs = tuple(map(run.plan.index.__getitem__, run.plan.tasks[index].needs))

    def __aiter__(self) -> Arrivals:
        return self

    async def __anext__(self) -> tuple[str, Any]:
        run, j = self._run, self._index
        while True:
            over = not run.plan.stream[j] or not run.schedule.unresolved[j]
            need = self._next_arrived() if self._needs is None else self._next_in_order(self._needs, over)
            if need >= 0:
                return run.plan.names[need], run.value_for(j, need)
            if over:
                raise StopAsyncIteration
            await run.next_arrival(j)

    def _next_arrived(self) -> int:
        """The next one that is there, -1 for none."""
        received = self._run.schedule.received[self._index]
        if self._seen == len(received):
            return -1
        self._seen += 1
        return received[self._seen - 1]

    def _next_in_order(self, needs: tuple[int, ...], over: bool) -> int:  # noqa: FBT001
        """The next one, where nothing can still come before it; -1 for none. `over`: nothing more comes."""
        while self._seen < len(needs):
            need = needs[self._seen]
            if not over and not self._run.schedule.is_settled(need):
                return -1
            self._seen += 1
            if self._run.value_for(self._index, need) is not ABSENT:
                return need
        return -1


class ThreadInputs(Inputs):
    """The same for a call that runs in a thread: what it emits is handed over on the loop."""

    __slots__ = ()

    def add(self, *tasks: Task) -> None:
        """Refused: a thread that was abandoned must change nothing any more."""
        raise EngineError(f"Task {self.task.name!r} is blocking, so it cannot add tasks")

    def emit(self, piece: Any) -> None:
        """Hand a piece of output to the caller of the run, soon; nothing happens once the run is over."""
        with suppress(RuntimeError):  # the loop may be gone while the thread still works
            self._run.loop.call_soon_threadsafe(super().emit, piece)

    def _settle(self) -> None:
        with suppress(RuntimeError):
            self._run.loop.call_soon_threadsafe(super()._settle)
