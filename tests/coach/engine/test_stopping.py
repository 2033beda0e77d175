"""Stopping what runs, early enough for the deadline to hold."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.engine.errors import DeadlineExceeded
from coach.engine.graph import Fixed, Task, TaskGraph
from coach.engine.runner import Inputs, run
from coach.engine.stopping import PACE, Alarm, Pace, stop
from tests.coach.engine.virtual_time import run_virtually


def test_few_tasks_have_all_the_time() -> None:
    assert Pace().lead_seconds(Pace.FEW) == 0


def test_many_tasks_are_stopped_so_much_earlier_as_that_takes() -> None:
    pace = Pace()
    for _ in range(60):
        pace.learn(1000, 0.02, 0.015)
    assert pace.lead_seconds(500) == pytest.approx(0.01, rel=0.01)


def test_a_slow_stop_is_believed_at_once_and_a_fast_one_slowly() -> None:
    pace = Pace()
    pace.learn(1000, 0.05, 0.02)
    assert pace.seconds_each == 5e-5
    pace.learn(1000, 0.01, 0.01)
    assert 4e-5 < pace.seconds_each < 5e-5


def test_what_tasks_wait_for_on_their_way_out_is_not_counted() -> None:
    pace = Pace()
    pace.learn(1000, 5.0, 0.02)
    assert pace.seconds_each == pytest.approx(6e-5)


@given(st.lists(st.tuples(st.integers(0, 5000), st.floats(0, 10), st.floats(0, 10))))
def test_what_is_believed_stays_within_bounds(stops: list[tuple[int, float, float]]) -> None:
    pace = Pace()
    for count, seconds, thread_seconds in stops:
        pace.learn(count, seconds, thread_seconds)
        assert Pace.LEAST <= pace.seconds_each <= Pace.MOST


@given(st.lists(st.floats(0, 5), min_size=1, max_size=40), st.floats(0.5, 5))
def test_an_alarm_rings_before_the_deadline_by_the_lead_of_what_runs(ends: list[float], limit: float) -> None:
    async def main() -> tuple[float, int]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        rung: asyncio.Future[tuple[float, int]] = loop.create_future()

        def count() -> int:
            return sum(end > loop.time() - began for end in ends)

        alarm = Alarm(
            began + limit, most=40, count=count, ring=lambda: rung.set_result((loop.time(), count()))
        )
        try:
            return await rung
        finally:
            alarm.cancel()

    at, left = run_virtually(main())
    lead = min(limit / 4, PACE.lead_seconds(left))
    assert limit - min(limit / 4, PACE.lead_seconds(40)) - 1e-6 <= at <= limit - lead + 1e-6


def test_a_cancelled_alarm_does_not_ring() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        rung: list[float] = []
        alarm = Alarm(loop.time() + 1, most=100, count=lambda: 1, ring=lambda: rung.append(loop.time()))
        await asyncio.sleep(0.9999)
        alarm.cancel()
        await asyncio.sleep(1)
        assert rung == []

    run_virtually(main())


def test_a_wide_run_ends_before_its_deadline_and_all_its_tasks_with_it() -> None:
    ended = []

    async def wait(inputs: Inputs) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(inputs.task.name)

    async def main() -> float:
        with pytest.raises(DeadlineExceeded, match="within 1 s"):
            await run(TaskGraph([Task(f"t{i}", call=wait) for i in range(200)]), deadline_seconds=1)
        return asyncio.get_running_loop().time()

    at = run_virtually(main())
    assert 1 - 200 * Pace.MOST <= at < 1
    assert len(ended) == 200


def test_a_wide_run_that_has_narrowed_has_its_time() -> None:
    tasks = [Task(f"t{i}", duration=Fixed(0.1)) for i in range(500)]
    last = Task("last", tuple(task.name for task in tasks), duration=Fixed(5))

    async def main() -> float:
        with pytest.raises(DeadlineExceeded):
            await run(TaskGraph([*tasks, last]), deadline_seconds=1)
        return asyncio.get_running_loop().time()

    assert run_virtually(main()) == pytest.approx(1, abs=1e-5)


def test_stopping_waits_for_every_cleanup_whatever_the_caller_suffers() -> None:
    async def tidy(seconds: float) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(seconds)
            raise ValueError("lost on the way out") from None

    async def main() -> None:
        loop = asyncio.get_running_loop()
        tasks = [loop.create_task(tidy(seconds)) for seconds in (3, 1, 2)]
        await asyncio.sleep(0)
        stopping = loop.create_task(stop(tasks))
        loop.call_later(0.5, stopping.cancel)
        assert await stopping is True
        assert all(task.done() for task in tasks)
        assert loop.time() == 3

    run_virtually(main())
