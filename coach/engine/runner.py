"""Runs a graph on asyncio. The only asyncio of the engine.

Driven by `Schedule`, task by task: no levels, no barriers. A task that ends carries on with one that became
ready in the same asyncio task; the others get one of their own. However a run ends (result, failure,
deadline, the caller's cancellation) nothing of it is left running when `run` returns, with one exception
that Python imposes: **a thread cannot be stopped**. A blocking task that times out or is cancelled is
abandoned; its thread works on to its end and its result is thrown away. Give blocking calls a limit of
their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

from coach.engine.checkpoints import Checkpoints
from coach.engine.errors import TaskFailed
from coach.engine.graph import TaskGraph
from coach.engine.inputs import Inputs, remaining
from coach.engine.plan import plan_of
from coach.engine.ports import Clock
from coach.engine.running import Run, planned_for
from coach.engine.trace import Span, Trace
from coach.engine.walking import BeforeDispatch, Needed

if TYPE_CHECKING:
    from coach.engine.speculating import Speculation

__all__ = ["BeforeDispatch", "Inputs", "Needed", "RunResult", "remaining", "run"]


class RunResult:
    """`values` by task name, for all that was run and counts; `failures` of tasks that joins put up with;
    `trace` of what happened when; `unsaved`: why, by task name, for results that were to be kept and were
    not."""

    __slots__ = ("_run", "_trace", "failures", "unsaved", "values")

    def __init__(self, run: Run) -> None:
        self.values: dict[str, Any] = run.kept_values()
        self.failures: dict[str, TaskFailed] = {run.plan.names[i]: e for i, e in run.failures.items()}
        self.unsaved: Mapping[str, BaseException] = {} if run.keeping is None else run.keeping.unsaved
        self._run: Run | None = run
        self._trace: Trace | None = None

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    @property
    def trace(self) -> Trace:
        """The spans of the run; put together at the first asking from the times noted while it ran."""
        if self._run is not None:
            self._trace, self._run = self._run.record.trace(), None
        assert self._trace is not None  # noqa: S101
        return self._trace


async def run(
    graph: TaskGraph,
    *,
    deadline_seconds: float | None = None,
    clock: Clock | None = None,
    pool: Executor | None = None,
    seed: int = 0,
    needed: Needed | None = None,
    speculation: Speculation | None = None,
    checkpoints: Checkpoints | None = None,
    before_dispatch: BeforeDispatch | None = None,
    on_span: Callable[[Span], None] | None = None,
    on_output: Callable[[str, Any], None] | None = None,
) -> RunResult:
    """Run every task of `graph` as soon as it may run.

    `deadline_seconds`: limit of the whole run, the stopping of its tasks included: many are stopped so much
    earlier as that takes (`stopping.Pace`); what they do in their own `finally` is their own time. A run
    inside a run never gets more than the outer one has left. `clock` gives the times of the trace (default:
    the loop's). `pool` runs blocking tasks (default: threads of the run's own, one for each that is ready).
    `seed` jitters the pauses before retries. `needed` decides conditions (default: probability one half and
    more). `speculation` says who starts ahead of its decider (default: of those that are `speculative`, who
    costs nothing) and learns from the run, however that ends. `checkpoints`: where results are kept and
    found. `before_dispatch` is asked before a task starts ahead of its decider. `on_span` is called as each
    task ends, `on_output(task, piece)` with each piece that a call emits, as it does.

    Raises `TaskFailed` (first failure; the others are cancelled), `TaskTimeout`, `CannotFit`,
    `DeadlineExceeded`, and `CancelledError` where the caller is cancelled; in each case after all its tasks
    have ended. `StoreFailed` before anything is started.
    """
    planned, deadline_seconds = await planned_for(graph, speculation, deadline_seconds)
    this = Run(
        plan_of(planned),
        clock=clock,
        pool=pool,
        seed=seed,
        needed=needed,
        speculation=speculation,
        checkpoints=checkpoints,
        before_dispatch=before_dispatch,
        on_span=on_span,
        on_output=on_output,
    )
    token = this.set_deadline(deadline_seconds)
    try:
        await this.play()
    finally:
        await this.close(token)
    return RunResult(this)
