"""The error tree of the engine. Everything the engine raises on purpose is an `EngineError`."""

# Named by what happened, as people say it, not by the word "Error".
# ruff: noqa: N818

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from coach.engine.trace import Trace


TimeoutKind = Literal["wall", "silence", "share"]
"""What ran out: the time of an attempt, the patience with one that says nothing, or the task's share of the
run's deadline."""


class EngineError(Exception):
    """Anything that the engine refuses or that stops a run."""


class GraphError(EngineError, ValueError):
    """A task graph that cannot be built. `tasks` names the tasks at fault."""

    def __init__(self, message: str, tasks: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.tasks = tuple(tasks)


class UnknownNeed(GraphError):
    """A task needs, or is decided by, a task that is not in the graph. `tasks` is (task, missing need)."""


class DuplicateTask(GraphError):
    """Two tasks share a name."""


class CycleError(GraphError):
    """Tasks wait for each other in a ring. `path` walks it once: each name needs the next, the first is
    repeated."""

    def __init__(self, path: Sequence[str]) -> None:
        super().__init__("Tasks wait for each other: " + _shorten(path), path[:-1])
        self.path = tuple(path)


class RunError(EngineError):
    """A run that did not end well. `trace` holds what happened until then, `values` the results there
    were."""

    values: dict[str, Any] | None = None
    tell: Callable[[], Trace] | None = None
    _trace: Trace | None = None

    @property
    def trace(self) -> Trace | None:
        """Put together by `tell` at the first asking: a deadline leaves no time for that."""
        if self._trace is None and self.tell is not None:
            self._trace, self.tell = self.tell(), None
        return self._trace


class TaskFailed(RunError):
    """A task raised. `task` names it, `attempts` counts the tries, `__cause__` is what it raised."""

    def __init__(self, task: str, cause: BaseException, attempts: int = 1) -> None:
        how = _HOW.get(attempts, f"failed after {attempts} attempts")
        super().__init__(f"Task {task!r} {how}: {type(cause).__name__}: {cause}")
        self.task = task
        self.attempts = attempts


_HOW = {0: "was not started", 1: "failed"}


@dataclass(frozen=True, slots=True)
class Failure:
    """In place of the result of a need that failed, for a join that collects failures. `error` is the first
    failure on the way: that of `task` itself, or of what it needed."""

    task: str
    error: TaskFailed


class TaskTimeout(TaskFailed):
    """An attempt was stopped after `seconds`. `kind`: "wall", its own limit; "silence", nothing was heard of
    it for so long; "share", the rest of the deadline is kept for what comes after it."""

    def __init__(self, task: str, seconds: float, attempts: int = 1, kind: TimeoutKind = "wall") -> None:
        super().__init__(task, TimeoutError(_OVER[kind].format(f"{seconds:g}")), attempts)
        self.seconds = seconds
        self.kind = kind


_OVER: dict[TimeoutKind, str] = {
    "wall": "no result within {} s",
    "silence": "not a word for {} s",
    "share": "its share of the deadline was over after {} s",
}


class CannotFit(TaskFailed):
    """A task was not started: it takes about `expected_seconds`, and only `remaining_seconds` were left to
    it."""

    def __init__(self, task: str, expected_seconds: float, remaining_seconds: float) -> None:
        cause = TimeoutError(f"takes about {expected_seconds:g} s, {remaining_seconds:g} s are left")
        super().__init__(task, cause, 0)
        self.expected_seconds = expected_seconds
        self.remaining_seconds = remaining_seconds


class DeadlineExceeded(RunError):
    """The whole run took longer than `seconds`. `unfinished` names the tasks that had not ended."""

    def __init__(self, seconds: float, unfinished: Sequence[str] = ()) -> None:
        super().__init__(f"Not done within {seconds:g} s: {_shorten(unfinished, ', ')}")
        self.seconds = seconds
        self.unfinished = tuple(unfinished)


class StoreFailed(RunError):
    """The results kept for `run` could not be loaded; nothing was started."""

    def __init__(self, run: str, cause: BaseException) -> None:
        super().__init__(f"What is kept of {run!r} cannot be loaded: {type(cause).__name__}: {cause}")
        self.run = run


class PromptError(EngineError, ValueError):
    """A prompt, a set of cache rules or a traffic that makes no sense."""


def _shorten(names: Sequence[str], joint: str = " → ") -> str:
    """A ring of 5,000 tasks is told by its beginning and its end."""
    if len(names) <= 12:
        return joint.join(names)
    return joint.join([*names[:8], f"… {len(names) - 10} more …", *names[-2:]])
