"""The error tree of the engine. Everything the engine raises on purpose is an `EngineError`."""

# Named by what happened, as people say it, not by the word "Error".
# ruff: noqa: N818

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from coach.engine.trace import Trace


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

    trace: Trace | None = None
    values: dict[str, Any] | None = None


class TaskFailed(RunError):
    """A task raised. `task` names it, `attempts` counts the tries, `__cause__` is what it raised."""

    def __init__(self, task: str, cause: BaseException, attempts: int = 1) -> None:
        tries = "" if attempts == 1 else f" after {attempts} attempts"
        super().__init__(f"Task {task!r} failed{tries}: {type(cause).__name__}: {cause}")
        self.task = task
        self.attempts = attempts


class TaskTimeout(TaskFailed):
    """A task took longer than its own limit of `seconds`."""

    def __init__(self, task: str, seconds: float, attempts: int = 1) -> None:
        super().__init__(task, TimeoutError(f"no result within {seconds:g} s"), attempts)
        self.seconds = seconds


class DeadlineExceeded(RunError):
    """The whole run took longer than `seconds`. `unfinished` names the tasks that had not ended."""

    def __init__(self, seconds: float, unfinished: Sequence[str] = ()) -> None:
        super().__init__(f"Not done within {seconds:g} s: {_shorten(unfinished, ', ')}")
        self.seconds = seconds
        self.unfinished = tuple(unfinished)


class PromptError(EngineError, ValueError):
    """A prompt, a set of cache rules or a traffic that makes no sense."""


def _shorten(names: Sequence[str], joint: str = " → ") -> str:
    """A ring of 5,000 tasks is told by its beginning and its end."""
    if len(names) <= 12:
        return joint.join(names)
    return joint.join([*names[:8], f"… {len(names) - 10} more …", *names[-2:]])
