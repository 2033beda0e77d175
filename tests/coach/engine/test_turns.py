"""A run gives others their turns of the loop, however little its own tasks wait: on a virtual clock that
passes while a task works."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from coach.engine.errors import DeadlineExceeded
from coach.engine.graph import Condition, Task, TaskGraph
from coach.engine.runner import Inputs, run
from coach.engine.turns import AT_A_TIME, TURN_SECONDS
from tests.coach.engine.virtual_time import hold_the_loop, run_virtually

WORK_SECONDS = 0.001
COUNT = 500
LATE = TURN_SECONDS + WORK_SECONDS
"""A turn, and the task that was begun at its end."""


async def work(_: Inputs) -> None:
    hold_the_loop(WORK_SECONDS)


def a_chain() -> TaskGraph:
    return TaskGraph(Task(f"t{i}", (f"t{i - 1}",) if i else (), call=work) for i in range(COUNT))


def a_fan() -> TaskGraph:
    return TaskGraph(Task(f"t{i}", call=work) for i in range(COUNT))


def a_chain_with_conditions() -> TaskGraph:
    tasks = [Task("t0", call=work)]
    for i in range(1, COUNT):
        decider = Condition(f"t{i - 1}", 1.0)
        tasks.append(Task(f"t{i}", (f"t{i - 1}",), condition=decider, call=work))
    return TaskGraph(tasks)


SHAPES = pytest.mark.parametrize("shape", [a_chain, a_fan, a_chain_with_conditions])


async def lags() -> list[float]:
    """By how much each turn of the loop was late."""
    loop = asyncio.get_running_loop()
    seen: list[float] = []
    while True:
        before = loop.time()
        try:
            await asyncio.sleep(0)
        except asyncio.CancelledError:
            return seen
        seen.append(loop.time() - before)


@SHAPES
def test_tasks_that_never_wait_leave_others_their_turns(shape: Callable[[], TaskGraph]) -> None:
    async def main() -> None:
        beside = asyncio.create_task(lags())
        result = await run(shape())
        assert result.trace.makespan == pytest.approx(COUNT * WORK_SECONDS)
        beside.cancel()
        assert max(await beside) <= LATE + 1e-9

    run_virtually(main())


@SHAPES
def test_a_deadline_is_kept_among_tasks_that_never_wait(shape: Callable[[], TaskGraph]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(DeadlineExceeded) as caught:
            await run(shape(), deadline_seconds=0.05)
        assert loop.time() - began <= 0.05 + WORK_SECONDS
        assert caught.value.trace is not None
        assert len(caught.value.trace.spans) + len(caught.value.unfinished) == COUNT
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtually(main())


@SHAPES
def test_the_callers_cancellation_gets_through(shape: Callable[[], TaskGraph]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        running = asyncio.create_task(run(shape()))
        loop.call_later(0.01, running.cancel)
        with pytest.raises(asyncio.CancelledError):
            await running
        assert loop.time() <= 0.01 + 2 * LATE
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtually(main())


def test_runs_of_one_loop_share_its_turns() -> None:
    async def main() -> None:
        beside = asyncio.create_task(lags())
        await asyncio.gather(*(run(TaskGraph([Task("only", call=work)])) for _ in range(3 * AT_A_TIME)))
        beside.cancel()
        assert max(await beside) <= LATE + 1e-9

    run_virtually(main())


def test_who_waits_for_a_turn_keeps_its_place() -> None:
    begun: list[int] = []

    async def main() -> None:
        async def note(i: int) -> None:
            begun.append(i)
            hold_the_loop(WORK_SECONDS)

        def call(i: int) -> Callable[[Inputs], object]:
            return lambda inputs: note(i)

        await run(TaskGraph(Task(f"t{i}", call=call(i)) for i in range(AT_A_TIME // 2)))

    run_virtually(main())
    assert begun[:5] == list(range(5))
    assert sorted(begun) == list(range(AT_A_TIME // 2))


def test_a_turn_that_is_waited_for_in_vain_leaves_the_others_theirs() -> None:
    async def main() -> None:
        first = asyncio.create_task(run(a_fan()))
        second = asyncio.create_task(run(a_chain()))
        await asyncio.sleep(0.02)
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert len((await second).trace.spans) == COUNT

    run_virtually(main())
