"""Runs to which tasks are added: from outside while the plan is being written, and from inside."""

from __future__ import annotations

import asyncio
import gc
import random
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.engine.errors import (
    CycleError,
    DeadlineExceeded,
    DuplicateTask,
    EngineError,
    GraphError,
    TaskFailed,
    UnknownNeed,
)
from coach.engine.graph import Condition, Fixed, Task, TaskGraph
from coach.engine.growing import Growing, growing
from coach.engine.plan import Plan
from coach.engine.runner import Inputs, RunResult, remaining, run
from coach.engine.schedule import Schedule
from coach.engine.simulation import simulate
from coach.engine.trace import CANCELLED, DONE, DROPPED, Trace
from tests.coach.engine.graphs import decisions, failures, graphs
from tests.coach.engine.test_agreement import told, with_calls
from tests.coach.engine.test_policies import gather
from tests.coach.engine.test_runner import Watched, failing, sleeping
from tests.coach.engine.virtual_time import run_virtually


def grown(write: Callable[[Growing], Coroutine[Any, Any, None]], **options: Any) -> RunResult:
    """The result of a run to which `write` adds."""

    async def main() -> RunResult:
        async with growing(**options) as plan:
            await write(plan)
        return plan.result

    return run_virtually(main())


def test_a_plan_is_carried_out_while_it_is_written() -> None:
    async def write(plan: Growing) -> None:
        plan.add(Task("a", call=sleeping(3)))
        await asyncio.sleep(1)
        plan.add(Task("b", call=sleeping(1)), Task("c", ("a", "b"), call=gather))
        await asyncio.sleep(1)

    result = grown(write)
    assert result["c"] == {"a": "a", "b": "b"}
    assert (result.trace["a"].start, result.trace["b"].start, result.trace["c"].start) == (0, 1, 3)
    assert result.trace.makespan == 3


def test_a_need_that_has_ended_counts_as_arrived() -> None:
    async def write(plan: Growing) -> None:
        plan.add(Task("a", call=sleeping(1)))
        await asyncio.sleep(5)
        plan.add(Task("b", ("a",), call=gather), Task("c", ("a",), join="stream", call=gather))

    result = grown(write)
    assert result["b"] == result["c"] == {"a": "a"}
    assert result.trace["b"].start == result.trace["c"].start == 5


def test_a_task_can_add_tasks() -> None:
    async def plan(inputs: Inputs) -> str:
        for i in range(3):
            await asyncio.sleep(1)
            inputs.add(Task(f"t{i}", ("start",), call=sleeping(2)))
        inputs.add(Task("join", ("t0", "t1", "t2", "plan"), call=gather))
        return "planned"

    async def write(_: Growing) -> None:
        """All is done by the task."""

    result = grown(write, tasks=[Task("plan", call=plan), Task("start", call=sleeping(0.5))])
    assert list(result["join"]) == ["t0", "t1", "t2", "plan"]
    assert result.trace["join"].start == 5
    assert result.trace.critical_tasks == ("plan", "t2")


def test_what_was_dropped_or_has_failed_is_found_so() -> None:
    async def write(plan: Growing) -> None:
        await asyncio.sleep(2)
        plan.add(
            Task("tolerant", ("bad", "extra"), on_failure="collect", call=gather),
            Task("late", condition=Condition("decide", 0.9)),
        )

    tasks = [
        Task("decide", call=sleeping(1)),
        Task("extra", condition=Condition("decide", 0.9)),
        Task("bad", call=failing(1)),
        Task("join", ("bad",), on_failure="collect"),
    ]
    result = grown(write, tasks=tasks, needed={"extra": False, "late": False})
    assert list(result["tolerant"]) == ["bad"]
    assert (result.trace["late"].status, result.trace["late"].start) == (DROPPED, 2)


def test_a_failure_found_by_a_task_that_does_not_tolerate_it_ends_the_run() -> None:
    other = Watched()

    async def write(plan: Growing) -> None:
        await asyncio.sleep(2)
        plan.add(Task("strict", ("bad",)))
        await asyncio.sleep(10)

    tasks = [
        Task("bad", call=failing(1)),
        Task("join", ("bad",), on_failure="collect"),
        Task("other", call=other),
    ]
    with pytest.raises(TaskFailed, match="'bad'") as caught:
        grown(write, tasks=tasks)
    assert other.ending == "cancelled"
    assert caught.value.trace is not None
    assert caught.value.trace["other"].end == 2


def test_a_race_can_be_added_to_what_runs_and_is_won_at_once() -> None:
    slow = Watched()

    async def write(plan: Growing) -> None:
        plan.add(Task("quick", call=sleeping(1)))
        plan.add(Task("slow", call=slow))
        await asyncio.sleep(2)
        plan.add(Task("race", ("slow", "quick"), first=1, call=gather))

    result = grown(write)
    assert result["race"] == {"quick": "quick"}
    assert slow.ending == "cancelled"
    assert result.trace["slow"].end == 2


def test_an_added_join_has_its_own_patience() -> None:
    slow = Watched()

    async def write(plan: Growing) -> None:
        plan.add(Task("slow", call=slow))
        await asyncio.sleep(2)
        plan.add(Task("join", ("slow",), patience_seconds=1, optional={"slow": 0}, call=gather))

    result = grown(write)
    assert result["join"] == {"slow": 0}
    assert result.trace["join"].start == 3
    assert slow.ending == "cancelled"


def test_an_added_follower_starts_though_the_output_began_before() -> None:
    async def speak(inputs: Inputs) -> None:
        await asyncio.sleep(1)
        inputs.emit("first")
        await asyncio.sleep(9)

    async def write(plan: Growing) -> None:
        plan.add(Task("leader", call=speak))
        await asyncio.sleep(2)
        plan.add(Task("follower", after_output=("leader",)))

    assert grown(write).trace["follower"].start == 2


def test_added_tasks_keep_to_the_limits() -> None:
    async def write(plan: Growing) -> None:
        for i in range(6):
            plan.add(Task(f"t{i}", uses=("calls",), call=sleeping(1)))

    assert grown(write, limits={"calls": 2}).trace.makespan == 3


@pytest.mark.parametrize(
    ("tasks", "error"),
    [
        ([Task("new"), Task("old")], DuplicateTask),
        ([Task("new"), Task("new")], DuplicateTask),
        ([Task("new"), Task("other", ("stranger",))], UnknownNeed),
        ([Task("new", ("other",)), Task("other", ("new",))], CycleError),
        (
            [
                Task(
                    "new",
                    condition=Condition("old", 0.5),
                    speculative=True,
                    effects="staged",
                    commit="old",
                )
            ],
            GraphError,
        ),
    ],
)
def test_what_does_not_fit_is_refused_whole(tasks: list[Task], error: type[Exception]) -> None:
    async def write(plan: Growing) -> None:
        plan.add(Task("old"))
        with pytest.raises(error):
            plan.add(*tasks)
        plan.add(Task("after", ("old",)))

    assert set(grown(write).values) == {"old", "after"}


def test_nothing_can_be_added_to_a_run_that_does_not_grow_or_is_over() -> None:
    async def grow(inputs: Inputs) -> None:
        with pytest.raises(EngineError, match="growing"):
            inputs.add(Task("b"))

    def block(inputs: Inputs) -> None:
        with pytest.raises(EngineError, match="blocking"):
            inputs.add(Task("c"))

    async def main() -> None:
        await run(TaskGraph([Task("a", call=grow)]))
        plan = growing([Task("a", blocking=True, call=block)])
        with pytest.raises(EngineError, match="not begun"):
            plan.add(Task("b"))
        async with plan:
            with pytest.raises(EngineError, match="no result"):
                _ = plan.result
        with pytest.raises(EngineError, match="over"):
            plan.add(Task("b"))
        with pytest.raises(EngineError, match="once"):
            async with plan:
                pass

    asyncio.run(main())


def test_a_failure_cancels_the_body() -> None:
    other, body = Watched(cleanup=1), []

    async def write(plan: Growing) -> None:
        plan.add(Task("other", call=other))
        plan.add(Task("bad", call=failing(1)))
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            body.append("cancelled")
            with pytest.raises(EngineError, match="over"):
                plan.add(Task("more"))
            raise

    async def main() -> None:
        with pytest.raises(TaskFailed, match="'bad'") as caught:
            async with growing() as plan:
                await write(plan)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0
        trace = caught.value.trace
        assert trace is not None
        assert (trace["other"].status, trace["other"].end) == (CANCELLED, 2)
        await asyncio.sleep(1)  # the cancellation is not left over

    run_virtually(main())
    assert (body, other.ending) == (["cancelled"], "cancelled")


def test_an_error_in_the_body_cancels_the_run() -> None:
    call = Watched(cleanup=1)

    async def write(plan: Growing) -> None:
        plan.add(Task("a", call=call))
        await asyncio.sleep(1)
        raise LookupError("no plan")

    with pytest.raises(LookupError, match="no plan"):
        grown(write)
    assert call.ending == "cancelled"


@pytest.mark.parametrize("at", [0.5, 1.0, 2.5])
def test_the_callers_cancellation_reaches_added_tasks(at: float) -> None:
    calls = [Watched(5, cleanup=0.25) for _ in range(3)]

    async def write(plan: Growing) -> None:
        for i, call in enumerate(calls):
            plan.add(Task(f"t{i}", call=call))
            await asyncio.sleep(1 if i < 2 else 0)

    async def body() -> None:
        async with growing() as plan:
            await write(plan)

    async def main() -> None:
        running = asyncio.create_task(body())
        await asyncio.sleep(at)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtually(main())
    assert {call.ending for call in calls} <= {"cancelled", "not begun"}
    assert calls[0].ending == "cancelled"


def test_a_deadline_holds_for_plan_and_tasks_alike() -> None:
    call, left = Watched(), []

    async def write(plan: Growing) -> None:
        await asyncio.sleep(1)
        left.append(remaining())
        plan.add(Task("ask", call=lambda _: _note_remaining(left)), Task("slow", call=call))
        await asyncio.sleep(10)

    with pytest.raises(DeadlineExceeded, match="slow"):
        grown(write, deadline_seconds=3)
    assert left == [2, 2]
    assert call.ending == "cancelled"


async def _note_remaining(left: list[float | None]) -> None:
    left.append(remaining())


def test_an_added_task_has_the_deadline_of_its_own_run() -> None:
    left: list[float | None] = []

    async def inner(outer: Growing, inputs: Inputs) -> None:
        outer.add(Task("added", call=lambda _: _note_remaining(left)))

    async def write(plan: Growing) -> None:
        async def call(_: Inputs) -> None:
            graph = TaskGraph([Task("x", call=lambda inputs: inner(plan, inputs))])
            await run(graph, deadline_seconds=1)

        plan.add(Task("nested", call=call))

    grown(write, deadline_seconds=9)
    assert left == [9]


def test_an_addition_costs_the_same_in_a_large_run() -> None:
    """Counted in steps of the interpreter, not in time."""

    def steps(size: int) -> int:
        plan = Plan(
            TaskGraph([Task(f"t{i}", uses=("calls",)) for i in range(size)], {"calls": 1}), grows=True
        )
        schedule = Schedule(plan)
        schedule.begin()
        return _lines(lambda: schedule.add([Task("new", ("t0", "t1"))], ["new"], [True]))

    assert steps(2000) == steps(20)


def _lines(work: Callable[[], object]) -> int:
    count = 0

    def trace(frame: Any, event: str, arg: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    gc.collect()
    gc.disable()  # what it runs are lines, too
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
        gc.enable()
    return count


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_a_graph_added_piece_by_piece_runs_as_a_whole_one(data: st.DataObject) -> None:
    graph = data.draw(graphs(conditions=True, streams=True, leaders=True, policies=True))
    needed, broken = data.draw(decisions(graph)), data.draw(failures(graph))
    rng = random.Random(data.draw(st.integers(0, 2**32)))
    tasks = [with_calls(graph, broken).tasks[name] for name in graph.order]

    async def write(plan: Growing) -> None:
        rest = tasks[:]
        while rest:
            count = rng.randrange(1, len(rest) + 1)
            piece, rest = rest[:count], rest[count:]
            rng.shuffle(piece)
            plan.add(*piece)

    assert told(_outcome(write, needed)) == told(simulate(graph, needed=needed, failing=broken))


def _outcome(write: Callable[[Growing], Coroutine[Any, Any, None]], needed: dict[str, bool]) -> Trace:
    try:
        trace: Trace | None = grown(write, needed=needed).trace
    except TaskFailed as error:
        trace = error.trace
    assert trace is not None
    return trace


@pytest.mark.parametrize("order", ["one other", "other one"])
def test_of_two_that_go_on_in_one_moment_the_order_of_adding_chooses_none(order: str) -> None:
    async def write(plan: Growing) -> None:
        plan.add(Task("quick", call=sleeping(1)), Task("slow", call=sleeping(2)))
        for name in order.split():
            plan.add(Task(name, ("quick", "slow"), first=1))

    assert grown(write).trace["slow"].note == "one went on without it."


def test_what_has_ended_when_a_failure_ends_the_run_is_told_so_in_one_that_grows_too() -> None:
    tasks = [
        Task("decide", call=sleeping(3)),
        Task("guess", call=sleeping(1), condition=Condition("decide", 0.9), speculative=True, effects="pure"),
        Task("bad", call=failing(2)),
        Task("end", ("bad", "guess")),
    ]

    async def write(plan: Growing) -> None:
        plan.add(*tasks)

    for made in (lambda: grown(write), lambda: run_virtually(run(TaskGraph(tasks)))):
        with pytest.raises(TaskFailed, match="'bad'") as caught:
            made()
        assert caught.value.trace is not None
        assert (caught.value.trace["guess"].status, caught.value.trace["guess"].end) == (DONE, 1)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_an_added_task_starts_with_its_last_need_or_at_once(data: st.DataObject) -> None:
    graph = data.draw(graphs())
    rng = random.Random(data.draw(st.integers(0, 2**32)))
    added: dict[str, float] = {}

    async def write(plan: Growing) -> None:
        for name in graph.order:
            plan.add(graph.tasks[name])
            added[name] = asyncio.get_running_loop().time()
            await asyncio.sleep(rng.choice([0.0, rng.random()]))

    trace = grown(write).trace
    for task in graph:
        ready = max((trace[need].end for need in task.needs), default=0.0)
        assert trace[task.name].start == pytest.approx(max(ready, added[task.name]))


def test_an_empty_plan_is_done() -> None:
    async def write(_: Growing) -> None:
        """Nothing."""

    assert grown(write).values == {}
    assert grown(write, tasks=[Task("a", duration=Fixed(1))]).trace.makespan == 1
