"""Runs that grow: a plan that is still being written is already carried out.

`async with growing(...) as plan` runs what there is, `plan.add` adds to it, and so does `Inputs.add` from
inside a task. A new task may need what has ended long ago: that counts as arrived. Nothing that is there is
compiled, ranked or looked at again, so an addition costs what its own tasks and needs cost.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from coach.engine.checkpoints import Checkpoints
from coach.engine.errors import EngineError
from coach.engine.graph import Task, TaskGraph
from coach.engine.inputs import Deadline
from coach.engine.plan import Plan
from coach.engine.ports import Clock
from coach.engine.rates import Limits
from coach.engine.runner import RunResult
from coach.engine.running import Run, planned_for
from coach.engine.trace import Span
from coach.engine.walking import BeforeDispatch, Needed

if TYPE_CHECKING:
    from coach.engine.speculating import Speculation


class Options(TypedDict, total=False):
    """What `runner.run` takes besides a graph and a deadline; see there."""

    clock: Clock | None
    pool: Executor | None
    seed: int
    needed: Needed | None
    speculation: Speculation | None
    checkpoints: Checkpoints | None
    before_dispatch: BeforeDispatch | None
    on_span: Callable[[Span], None] | None
    on_output: Callable[[str, Any], None] | None


class Growing:
    """A run to which tasks can be added, as an asynchronous context manager.

    Leaving it waits for all tasks. Where a task fails, or the deadline comes, the body is cancelled and the
    error of the run raised when it is left; where the body raises, the run is cancelled. In any case nothing
    is left running. `result` is there after a good end.
    """

    def __init__(self, graph: TaskGraph, deadline_seconds: float | None, options: Options) -> None:
        self._graph = graph
        self._deadline_seconds = deadline_seconds
        self._options = options
        self._run: Run | None = None
        self._result: RunResult | None = None
        self._token: contextvars.Token[Deadline | None] | None = None
        self._body: asyncio.Task[Any] | None = None
        self._cancelling = 0
        self._interrupted = False

    def add(self, *tasks: Task) -> None:
        """Add tasks. They may need each other and all that is there; what may run starts at once. Raises as
        `TaskGraph` does, or `EngineError` where the run is over; then nothing has been added."""
        if self._run is None:
            raise EngineError("Nothing can be added: the run has not begun")
        self._run.add(tasks)

    @property
    def result(self) -> RunResult:
        """Of the run, once it has ended well."""
        if self._result is None:
            raise EngineError("There is no result: the run has not ended well")
        return self._result

    async def __aenter__(self) -> Growing:
        if self._run is not None:
            raise EngineError("A growing run runs once")
        policy, limit = self._options.get("speculation"), self._deadline_seconds
        self._graph, limit = await planned_for(self._graph, policy, limit)
        self._run = run = Run(Plan(self._graph, grows=True), **self._options)
        self._body = asyncio.current_task()
        self._cancelling = self._body.cancelling() if self._body else 0
        self._token = run.set_deadline(limit)
        run.held = True
        run.done.add_done_callback(self._interrupt)
        try:
            await run.begin()
        except BaseException:
            await run.close(self._token)
            raise
        return self

    def _interrupt(self, done: asyncio.Future[None]) -> None:
        """The run has failed: there is nothing more to plan."""
        if self._body is not None:
            self._interrupted = True
            self._body.cancel()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        run, body = self._run, self._body
        assert run is not None  # noqa: S101  # entered before
        self._body = None
        try:
            if self._is_own(kind, body):
                run.release()
                await run.end()
                self._result = RunResult(run)
            else:
                await run.give_up()
        finally:
            await run.close(self._token)

    def _is_own(self, kind: type[BaseException] | None, body: asyncio.Task[Any] | None) -> bool:
        """Whether the body has ended well, or only because the run has failed."""
        if not self._interrupted or body is None:
            return kind is None
        asked = body.uncancel()
        return kind is None or (issubclass(kind, asyncio.CancelledError) and asked <= self._cancelling)


def growing(
    tasks: Iterable[Task] = (),
    limits: Limits | None = None,
    *,
    deadline_seconds: float | None = None,
    **options: Unpack[Options],
) -> Growing:
    """A run that begins with `tasks` and grows. `limits` as for `TaskGraph`, the rest as for `runner.run`."""
    return Growing(TaskGraph(tasks, limits), deadline_seconds, options)
