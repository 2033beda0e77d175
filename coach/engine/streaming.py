"""A run as a stream: its outputs as they come, then its result.

    async with aclosing(stream(graph, deadline_seconds=5.0)) as outputs:
        async for task, piece in outputs:
            show(task, piece)
    answer = outputs.result["answer"]

However reading ends (with the last output, `break`, an error of the reader, its cancellation, or because
nobody knows the stream any more), the run is cancelled and all of it awaited. What has not been read yet is
kept, so that a slow reader holds no task back: a run has a deadline, and what waits for a reader would miss
it. What is kept is no more than what the tasks emit; a task that is to wait for its reader does so by a lock
of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, Unpack

from coach.engine.errors import EngineError
from coach.engine.graph import TaskGraph
from coach.engine.growing import Options
from coach.engine.runner import RunResult, run
from coach.engine.stopping import stop


class Stream:
    """The outputs of one run, as (task, piece), for `async for`; `result` afterwards. The run begins when the
    first is asked for. Raises what `runner.run` raises, after the outputs that came before."""

    __slots__ = ("_outputs", "_results")

    def __init__(self, graph: TaskGraph, deadline_seconds: float | None, options: Options) -> None:
        self._results: list[RunResult] = []
        self._outputs = _outputs(graph, deadline_seconds, options, self._results)

    def __aiter__(self) -> AsyncGenerator[tuple[str, Any], None]:
        return self._outputs

    async def aclose(self) -> None:
        """Cancel what still runs, and wait until it has ended."""
        await self._outputs.aclose()

    @property
    def result(self) -> RunResult:
        """Of the run, once all has been read and it has ended well."""
        if not self._results:
            raise EngineError("There is no result: the run has not ended well, or not been read to its end")
        return self._results[0]


async def _outputs(
    graph: TaskGraph, deadline_seconds: float | None, options: Options, results: list[RunResult]
) -> AsyncGenerator[tuple[str, Any], None]:
    """A generator of its own that does not know the `Stream`: forgotten, it is closed at once."""
    unread: asyncio.Queue[tuple[str, Any] | None] = asyncio.Queue()

    def keep(task: str, piece: Any) -> None:
        unread.put_nowait((task, piece))

    options["on_output"] = keep
    running = asyncio.create_task(run(graph, deadline_seconds=deadline_seconds, **options))
    running.add_done_callback(lambda _: unread.put_nowait(None))
    try:
        while (output := await unread.get()) is not None:
            yield output
        results.append(await running)
    finally:
        if await stop((running,)):
            raise asyncio.CancelledError


def stream(graph: TaskGraph, *, deadline_seconds: float | None = None, **options: Unpack[Options]) -> Stream:
    """The outputs of a run of `graph`. Takes what `runner.run` takes, but not `on_output`: it is one."""
    if "on_output" in options:
        raise EngineError("A stream hands its outputs to its reader: it takes no on_output")
    return Stream(graph, deadline_seconds, options)
