"""What limits one attempt: its share of the deadline, its own time, its silence."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.engine.errors import CannotFit, DeadlineExceeded, GraphError, TaskFailed, TaskTimeout
from coach.engine.graph import Fixed, LogNormal, Task, TaskGraph
from coach.engine.runner import Inputs, remaining, run
from coach.engine.trace import FAILED
from tests.coach.engine.virtual_time import run_virtually

Call = Callable[[Inputs], Awaitable[Any]]


def sleeping(seconds: float) -> Call:
    async def call(inputs: Inputs) -> str:
        await asyncio.sleep(seconds)
        return inputs.task.name

    return call


async def ask(inputs: Inputs) -> float | None:
    return remaining()


def failed(graph: TaskGraph, error: type[TaskFailed], **options: Any) -> Any:
    with pytest.raises(error) as caught:
        run_virtually(run(graph, **options))
    return caught.value


# A share for the answer


def test_what_the_answer_needs_has_so_much_less_time() -> None:
    graph = TaskGraph(
        [
            Task("search", call=ask),
            Task("read", ("search",), call=ask),
            Task("aside", call=ask),
            Task("answer", ("read",), call=ask, reserve_seconds=3),
        ]
    )
    values = run_virtually(run(graph, deadline_seconds=10)).values
    assert values == {"search": 7, "read": 7, "aside": 10, "answer": 10}
    assert set(run_virtually(run(graph)).values.values()) == {None}


def test_shares_of_several_tasks_in_a_row_add_up() -> None:
    graph = TaskGraph(
        [
            Task("search", call=ask),
            Task("draft", ("search",), call=ask, reserve_seconds=2),
            Task("check", ("search",), call=ask, reserve_seconds=1),
            Task("answer", ("draft", "check"), call=ask, reserve_seconds=3),
        ]
    )
    values = run_virtually(run(graph, deadline_seconds=10)).values
    assert values == {"search": 5, "draft": 7, "check": 7, "answer": 10}


def test_a_task_is_stopped_when_its_share_is_over() -> None:
    graph = TaskGraph([Task("slow", call=sleeping(9)), Task("answer", ("slow",), reserve_seconds=3)])
    error = failed(graph, TaskTimeout, deadline_seconds=10)
    assert (error.task, error.kind, error.seconds) == ("slow", "share", 7)
    assert error.trace["slow"].end == 7


def test_a_task_whose_share_is_over_before_it_starts_is_not_started() -> None:
    begun: list[str] = []

    async def call(inputs: Inputs) -> None:
        begun.append(inputs.task.name)

    graph = TaskGraph(
        [
            Task("a", call=sleeping(2)),
            Task("b", after_output=("a",), duration=Fixed(1), call=call),
            Task("answer", ("b",), reserve_seconds=3),
        ]
    )
    error = failed(graph, CannotFit, deadline_seconds=4)
    assert (error.task, error.remaining_seconds, begun) == ("b", 0, [])


def test_a_run_inside_a_task_keeps_the_tasks_share() -> None:
    async def inner(inputs: Inputs) -> Any:
        with pytest.raises(DeadlineExceeded, match="within 7 s"):
            await run(TaskGraph([Task("x", duration=Fixed(60))]))
        return "stopped"

    graph = TaskGraph([Task("a", call=inner), Task("answer", ("a",), reserve_seconds=3)])
    with pytest.raises(TaskTimeout):
        run_virtually(run(graph, deadline_seconds=10))


@given(st.lists(st.floats(0, 2), min_size=1, max_size=6), st.floats(0.1, 20))
def test_shares_along_a_chain_never_grow_towards_its_beginning(kept: list[float], limit: float) -> None:
    names = [f"t{i}" for i in range(len(kept))]
    tasks = [
        Task(name, tuple(names[i - 1 : i]), call=ask, reserve_seconds=kept[i]) for i, name in enumerate(names)
    ]
    left = list(run_virtually(run(TaskGraph(tasks), deadline_seconds=limit)).values.values())
    for i in range(len(names) - 1):
        assert left[i] == pytest.approx(max(0.0, limit - math.fsum(kept[i + 1 :])))


# What does not fit


def test_what_cannot_fit_is_not_started() -> None:
    begun: list[str] = []

    async def call(inputs: Inputs) -> None:
        begun.append(inputs.task.name)

    graph = TaskGraph(
        [
            Task("a", call=sleeping(2)),
            Task("search", ("a",), duration=LogNormal(3, 9), call=call, must_fit=True),
        ]
    )
    error = failed(graph, CannotFit, deadline_seconds=4)
    assert (error.expected_seconds, error.remaining_seconds, error.attempts) == (3, 2, 0)
    assert "was not started" in str(error)
    assert begun == []
    assert error.trace["search"].status == FAILED
    assert run_virtually(run(graph, deadline_seconds=5))["search"] is None
    assert run_virtually(run(graph))["search"] is None


def test_a_task_may_try_although_it_hardly_fits() -> None:
    graph = TaskGraph([Task("search", duration=LogNormal(3, 9), call=sleeping(1))])
    assert run_virtually(run(graph, deadline_seconds=2))["search"] == "search"


def test_no_attempt_is_repeated_that_would_not_fit() -> None:
    tries: list[float | None] = []

    async def call(inputs: Inputs) -> None:
        tries.append(remaining())
        await asyncio.sleep(2)
        raise ValueError("no answer")

    def graph(*, must_fit: bool) -> TaskGraph:
        return TaskGraph(
            [
                Task("a", duration=Fixed(2), call=call, retries=5, backoff_seconds=0.01, must_fit=must_fit),
            ]
        )

    error = failed(graph(must_fit=True), TaskFailed, deadline_seconds=5)
    assert (error.attempts, len(tries)) == (2, 2)
    tries.clear()
    with pytest.raises(DeadlineExceeded):
        run_virtually(run(graph(must_fit=False), deadline_seconds=5))
    assert len(tries) == 3


def test_a_task_that_must_fit_says_how_long_it_takes() -> None:
    with pytest.raises(GraphError, match="states no duration"):
        Task("a", must_fit=True)


# Its own time, and silence


def test_the_time_limit_is_the_deadline_inside_the_task() -> None:
    graph = TaskGraph([Task("a", call=ask, timeout_seconds=2)])
    assert run_virtually(run(graph))["a"] == 2
    assert run_virtually(run(graph, deadline_seconds=1))["a"] == 1
    assert run_virtually(run(graph, deadline_seconds=9))["a"] == 2


def test_each_attempt_has_its_own_time() -> None:
    tries: list[float | None] = []

    async def call(inputs: Inputs) -> str:
        tries.append(remaining())
        await asyncio.sleep(9 if len(tries) == 1 else 1)
        return "at last"

    graph = TaskGraph([Task("a", call=call, timeout_seconds=2, retries=1)])
    assert run_virtually(run(graph))["a"] == "at last"
    assert tries == [2, 2]


def speaking(pauses: list[float], *, how: str = "emit") -> Call:
    async def call(inputs: Inputs) -> str:
        for pause in pauses:
            await asyncio.sleep(pause)
            if how == "emit":
                inputs.emit("word")
            else:
                inputs.note(tokens_output=1)
        return "said"

    return call


@pytest.mark.parametrize("how", ["emit", "note"])
def test_silence_ends_an_attempt(how: str) -> None:
    graph = TaskGraph([Task("a", call=speaking([1, 1.9, 1, 5, 1], how=how), silence_seconds=2)])
    error = failed(graph, TaskTimeout)
    assert (error.kind, error.seconds) == ("silence", 2)
    assert error.trace["a"].end == pytest.approx(5.9)
    assert "not a word for 2 s" in str(error)


def test_who_goes_on_speaking_is_not_ended() -> None:
    graph = TaskGraph([Task("a", call=speaking([1.9] * 10), silence_seconds=2)])
    assert run_virtually(run(graph)).trace.makespan == pytest.approx(19)


def test_time_and_silence_can_both_be_limited() -> None:
    graph = TaskGraph([Task("a", call=speaking([1.9] * 10), silence_seconds=2, timeout_seconds=6)])
    error = failed(graph, TaskTimeout)
    assert (error.kind, error.seconds) == ("wall", 6)
    graph = TaskGraph([Task("a", call=speaking([1, 9]), silence_seconds=2, timeout_seconds=6)])
    assert failed(graph, TaskTimeout).kind == "silence"


def test_a_silent_attempt_is_repeated_like_any_failed_one() -> None:
    tries: list[int] = []

    async def call(inputs: Inputs) -> str:
        tries.append(1)
        await asyncio.sleep(9 if len(tries) == 1 else 1)
        return "at last"

    graph = TaskGraph([Task("a", call=call, silence_seconds=2, retries=1)])
    assert run_virtually(run(graph))["a"] == "at last"


def test_waiting_for_an_arrival_is_no_silence() -> None:
    async def join(inputs: Inputs) -> list[str]:
        return [name async for name, _ in inputs.arrivals()]

    async def dreamer(inputs: Inputs) -> None:
        async for _ in inputs.arrivals():
            await asyncio.sleep(3)

    branches = [Task("a", duration=Fixed(1)), Task("b", duration=Fixed(30))]
    patient = Task("join", ("a", "b"), join="stream", call=join, silence_seconds=2)
    assert run_virtually(run(TaskGraph([*branches, patient])))["join"] == ["a", "b"]
    silent = Task("join", ("a", "b"), join="stream", call=dreamer, silence_seconds=2)
    assert failed(TaskGraph([*branches, silent]), TaskTimeout).trace["join"].end == 3


def test_a_blocking_task_cannot_be_ended_by_silence() -> None:
    with pytest.raises(GraphError, match="a thread cannot be stopped"):
        Task("a", call=lambda inputs: None, blocking=True, silence_seconds=1)


@pytest.mark.parametrize("field", ["silence_seconds", "timeout_seconds"])
@pytest.mark.parametrize("seconds", [0, -1, math.nan])
def test_limits_are_above_zero(field: str, seconds: float) -> None:
    with pytest.raises(GraphError, match="time limit"):
        Task("a", **{field: seconds})  # type: ignore[arg-type]
