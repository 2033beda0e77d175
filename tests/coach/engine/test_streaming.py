"""A run as a stream: outputs as they come, the result at its end, and nothing left however reading ends."""

from __future__ import annotations

import asyncio
import gc
from contextlib import aclosing, suppress
from typing import Any

import pytest

from coach.engine.errors import DeadlineExceeded, EngineError, TaskFailed
from coach.engine.graph import Task, TaskGraph
from coach.engine.runner import Inputs
from coach.engine.streaming import Stream, stream
from tests.coach.engine.virtual_time import run_virtually

ended: list[str] = []


@pytest.fixture(autouse=True)
def nothing_has_ended() -> None:
    ended.clear()


async def count(inputs: Inputs) -> str:
    """Says 1, 2 and 3, a second after the other."""
    name = inputs.task.name
    try:
        for number in range(1, 4):
            await asyncio.sleep(1)
            inputs.emit(number)
        return name
    finally:
        await asyncio.sleep(0.5)
        ended.append(name)


async def fail(inputs: Inputs) -> None:
    await asyncio.sleep(1.75)
    raise ValueError("no answer")


TWO = TaskGraph([Task("a", call=count), Task("b", ("a",), call=count)])
FAILING = TaskGraph([Task("a", call=count), Task("bad", call=fail)])


async def nothing_is_left() -> bool:
    return asyncio.all_tasks() == {asyncio.current_task()}


def test_outputs_come_as_they_are_emitted_and_the_result_at_the_end() -> None:
    async def main() -> None:
        now = asyncio.get_running_loop().time
        outputs = stream(TWO)
        seen = [(now(), task, piece) async for task, piece in outputs]
        assert seen == [(1, "a", 1), (2, "a", 2), (3, "a", 3), (4.5, "b", 1), (5.5, "b", 2), (6.5, "b", 3)]
        assert outputs.result.values == {"a": "a", "b": "b"}
        assert await nothing_is_left()

    run_virtually(main())


def test_a_reader_that_stops_early_ends_the_run() -> None:
    async def main() -> None:
        async with aclosing(stream(TWO)) as outputs:
            async for _, piece in outputs:
                if piece == 2:
                    break
        assert await nothing_is_left()
        assert (ended, asyncio.get_running_loop().time()) == (["a"], 2.5)
        with pytest.raises(EngineError, match="no result"):
            assert outputs.result

    run_virtually(main())


def test_a_stream_that_is_forgotten_ends_its_run() -> None:
    async def read_one(outputs: Stream) -> None:
        async for _ in outputs:
            break

    async def main() -> None:
        await read_one(stream(TWO))
        gc.collect()
        await asyncio.sleep(1)
        assert await nothing_is_left()
        assert ended == ["a"]

    run_virtually(main())


def test_a_reader_that_is_cancelled_takes_the_run_along() -> None:
    async def read() -> None:
        async for _ in stream(TWO):
            pass

    async def main() -> None:
        reader = asyncio.create_task(read())
        await asyncio.sleep(1.25)
        reader.cancel()
        await asyncio.sleep(0.25)
        reader.cancel()  # it is not let go before all has ended
        with pytest.raises(asyncio.CancelledError):
            await reader
        assert await nothing_is_left()
        assert (ended, asyncio.get_running_loop().time()) == (["a"], 1.75)

    run_virtually(main())


@pytest.mark.parametrize(
    ("graph", "error", "options"),
    [(FAILING, TaskFailed, {}), (TWO, DeadlineExceeded, {"deadline_seconds": 1.75})],
)
def test_an_error_of_the_run_comes_after_what_was_emitted(
    graph: TaskGraph, error: type[Exception], options: dict[str, Any]
) -> None:
    async def main() -> None:
        seen = []

        async def read() -> None:
            async for output in stream(graph, **options):
                seen.append(output)

        with pytest.raises(error):
            await read()
        assert seen == [("a", 1)]
        assert ended == ["a"]
        assert await nothing_is_left()

    run_virtually(main())


def test_a_slow_reader_misses_nothing_and_holds_nobody_back() -> None:
    async def main() -> None:
        outputs = stream(TWO, deadline_seconds=8.0)
        seen = []
        async for output in outputs:
            await asyncio.sleep(10)
            seen.append(output)
        assert seen == [(task, number) for task in "ab" for number in (1, 2, 3)]
        assert outputs.result.trace.makespan == 7

    run_virtually(main())


def test_an_error_of_the_reader_ends_the_run() -> None:
    async def main() -> None:
        with suppress(ZeroDivisionError):
            async with aclosing(stream(TWO)) as outputs:
                async for _ in outputs:
                    raise ZeroDivisionError
        assert await nothing_is_left()
        assert ended == ["a"]

    run_virtually(main())


def test_a_stream_that_is_not_read_never_begins() -> None:
    async def main() -> None:
        async with aclosing(stream(TWO)):
            await asyncio.sleep(5)
        assert ended == []

    run_virtually(main())


def test_a_stream_has_one_reader() -> None:
    with pytest.raises(EngineError, match="on_output"):
        stream(TWO, on_output=lambda task, piece: None)
