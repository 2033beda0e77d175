from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.engine.errors import DeadlineExceeded, TaskFailed, TaskTimeout
from coach.engine.graph import Condition, Fixed, Task, TaskGraph
from coach.engine.runner import Inputs, remaining, run
from coach.engine.speculating import Speculation
from coach.engine.streaming import Stream, stream
from coach.engine.trace import CANCELLED, DROPPED, FAILED, Span, Trace
from coach.engine.walking import AT_ONCE
from tests.coach.engine.graphs import chain, graphs
from tests.coach.engine.virtual_time import run_virtually


def sleeping(seconds: float, value: Any = None) -> Callable[[Inputs], Awaitable[Any]]:
    async def call(inputs: Inputs) -> Any:
        await asyncio.sleep(seconds)
        return inputs.task.name if value is None else value

    return call


def failing(after: float = 0.0, times: int = 10**6) -> Callable[[Inputs], Awaitable[Any]]:
    left = [times]

    async def call(inputs: Inputs) -> str:
        await asyncio.sleep(after)
        if left[0]:
            left[0] -= 1
            raise ValueError("no answer")
        return "at last"

    return call


class Watched:
    """A call that tells how it ended."""

    def __init__(self, seconds: float = 10.0, cleanup: float = 0.0) -> None:
        self.seconds, self.cleanup, self.ending = seconds, cleanup, "not begun"

    async def __call__(self, inputs: Inputs) -> str:
        self.ending = "running"
        try:
            await asyncio.sleep(self.seconds)
        except asyncio.CancelledError:
            await asyncio.sleep(self.cleanup)
            self.ending = "cancelled"
            raise
        self.ending = "done"
        return "done"


def test_values_flow_along_the_needs() -> None:
    async def add(inputs: Inputs) -> int:
        return int(inputs["a"]) + int(inputs["b"])

    graph = TaskGraph(
        [Task("a", call=sleeping(1, 2)), Task("b", call=sleeping(2, 3)), Task("c", ("a", "b"), call=add)]
    )
    result = run_virtually(run(graph))
    assert result.values == {"a": 2, "b": 3, "c": 5}
    assert result["c"] == 5
    assert result.trace.makespan == 2


def test_a_task_reads_only_what_it_needs() -> None:
    async def peek(inputs: Inputs) -> Any:
        return inputs["b"]

    with pytest.raises(TaskFailed, match="does not need 'b'"):
        run_virtually(run(TaskGraph([Task("a", call=peek), Task("b")])))


def test_a_wide_join_reads_all_its_needs_and_nothing_else() -> None:
    names = [f"t{i}" for i in range(30)]
    read: dict[str, bool] = {}

    async def join(inputs: Inputs) -> int:
        with pytest.raises(KeyError, match="does not need 'other'"):
            inputs["other"]
        read.update({name: name in inputs for name in names})
        return sum(inputs[name] for name in names)

    async def one(_: Inputs) -> int:
        return 1

    tasks = [Task(name, call=one) for name in [*names, "other"]]
    result = run_virtually(run(TaskGraph([*tasks, Task("join", tuple(names), call=join)])))
    assert result["join"] == 30
    assert all(read.values())


def test_there_are_no_barriers() -> None:
    graph = TaskGraph(
        [
            Task("flights", duration=Fixed(0.8)),
            Task("loyalty", duration=Fixed(0.12)),
            Task("hotels", ("loyalty",), duration=Fixed(0.6)),
            Task("compose", ("flights", "hotels"), duration=Fixed(0.3)),
        ]
    )
    trace = run_virtually(run(graph)).trace
    assert trace["hotels"].start == pytest.approx(0.12)
    assert trace.makespan == pytest.approx(1.1)
    assert trace.critical_tasks == ("flights", "compose")


def test_a_wide_graph_leaves_others_their_turns_of_the_loop() -> None:
    async def main() -> int:
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        beside = asyncio.create_task(other())
        before: list[int] = []

        async def begun(_: Inputs) -> None:
            before.append(turns)

        result = await run(TaskGraph([Task(f"t{i}", call=begun) for i in range(5 * AT_ONCE + 1)]))
        beside.cancel()
        assert len(result.trace.spans) == 5 * AT_ONCE + 1
        assert max(map(before.count, set(before))) <= AT_ONCE
        return len(set(before))

    assert run_virtually(main()) == 6


def test_what_has_not_been_begun_when_a_wide_graph_fails_never_is() -> None:
    begun: list[str] = []

    async def call(inputs: Inputs) -> None:
        begun.append(inputs.task.name)
        raise ValueError("no answer")

    async def main() -> None:
        with pytest.raises(TaskFailed) as caught:
            await run(TaskGraph([Task(f"t{i}", call=call) for i in range(3 * AT_ONCE)]))
        ended = len(begun)
        for _ in range(5):
            await asyncio.sleep(0)
        assert len(begun) == ended < 3 * AT_ONCE
        assert len((caught.value.trace or Trace()).spans) == ended
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(main())


def test_a_chain_of_5000_runs_in_one_asyncio_task() -> None:
    seen: set[int] = set()

    async def note(inputs: Inputs) -> None:
        seen.add(id(asyncio.current_task()))

    graph = TaskGraph(Task(t.name, t.needs, call=note) for t in chain(5000))
    assert len(run_virtually(run(graph)).trace.spans) == 5000
    assert len(seen) == 1


def test_a_failure_names_the_task_and_cancels_the_others() -> None:
    other = Watched(cleanup=0.5)

    async def main() -> None:
        with pytest.raises(TaskFailed, match="'bad'") as caught:
            await run(
                TaskGraph(
                    [
                        Task("bad", call=failing(1)),
                        Task("other", call=other),
                        Task("quick", call=sleeping(0.5)),
                    ]
                )
            )
        assert len(asyncio.all_tasks()) == 1
        assert isinstance(caught.value.__cause__, ValueError)
        assert caught.value.values == {"quick": "quick"}
        assert caught.value.trace is not None
        assert caught.value.trace["bad"].status == FAILED
        assert caught.value.trace["other"].status == CANCELLED
        assert caught.value.trace["other"].end == pytest.approx(1.5)

    run_virtually(main())
    assert other.ending == "cancelled"


def test_the_callers_cancellation_reaches_every_task() -> None:
    calls = [Watched(cleanup=0.1) for _ in range(5)]

    async def main() -> None:
        graph = TaskGraph(Task(f"t{i}", call=call) for i, call in enumerate(calls))
        running = asyncio.create_task(run(graph))
        await asyncio.sleep(1)
        running.cancel()
        await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert len(asyncio.all_tasks()) == 1

    run_virtually(main())
    assert {call.ending for call in calls} == {"cancelled"}


async def speak(inputs: Inputs) -> None:
    """Emits something at the beginning and at the end."""
    inputs.emit("begun")
    await asyncio.sleep(inputs.task.duration.typical)
    inputs.emit("ended")


async def read_until(at: float, outputs: Stream) -> None:
    async for _ in outputs:
        if asyncio.get_running_loop().time() >= at:
            break


async def leave(way: str, at: float, graph: TaskGraph) -> None:
    """Begin a run, and leave it so at this moment."""
    if way == "closed":
        async with aclosing(stream(graph)) as outputs:
            await read_until(at, outputs)
        return
    if way == "forgotten":
        await read_until(at, stream(graph))
        await asyncio.sleep(1e-9)  # the loop closes what nobody knows any more
        return
    running = asyncio.create_task(run(graph, deadline_seconds=at if way == "deadline" else None))
    async with asyncio.timeout(at if way == "timeout" else None):
        if way == "cancel":
            asyncio.get_running_loop().call_later(at, running.cancel)
        await running


WAYS = ("cancel", "timeout", "deadline", "failure", "closed", "forgotten")


@given(st.data(), st.floats(0.0, 6.0), st.sampled_from(WAYS))
@settings(max_examples=200, deadline=None)
def test_no_exit_leaves_a_task_behind(data: st.DataObject, at: float, way: str) -> None:
    graph = data.draw(graphs(limits=True, conditions=True, streams=True))
    tasks = [task if task.join == "stream" else replace(task, call=speak) for task in graph]
    if way == "failure":
        tasks.append(Task("bad", call=failing(at)))

    async def main() -> None:
        with suppress(TimeoutError, asyncio.CancelledError, DeadlineExceeded, TaskFailed):
            await leave(way, at, TaskGraph(tasks, graph.limits))
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtually(main())


def test_cancelling_at_once_leaves_nothing() -> None:
    call = Watched()

    async def main() -> None:
        running = asyncio.create_task(run(TaskGraph([Task("a", call=call)])))
        await asyncio.sleep(0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert len(asyncio.all_tasks()) == 1

    run_virtually(main())
    assert call.ending in {"not begun", "cancelled"}


def test_an_outer_timeout_ends_the_run() -> None:
    call = Watched()

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await run(TaskGraph([Task("a", call=call)]))

    run_virtually(main())
    assert call.ending == "cancelled"


def test_a_task_that_ends_in_spite_of_cancellation_starts_nothing_more() -> None:
    async def stubborn(inputs: Inputs) -> str:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            return "anyway"
        return "done"

    after = Watched()
    graph = TaskGraph([Task("bad", call=failing(1)), Task("a", call=stubborn), Task("b", ("a",), call=after)])
    with pytest.raises(TaskFailed, match="'bad'"):
        run_virtually(run(graph))
    assert after.ending == "not begun"


def test_the_deadline_ends_all_and_names_what_was_unfinished() -> None:
    call = Watched()
    graph = TaskGraph([Task("quick", duration=Fixed(1)), Task("slow", call=call), Task("after", ("slow",))])
    with pytest.raises(DeadlineExceeded) as caught:
        run_virtually(run(graph, deadline_seconds=2))
    assert caught.value.unfinished == ("slow", "after")
    assert caught.value.values == {"quick": None}
    assert call.ending == "cancelled"


def test_tasks_can_ask_how_much_time_remains() -> None:
    async def ask(inputs: Inputs) -> float | None:
        return remaining()

    async def main() -> None:
        graph = TaskGraph([Task("a", duration=Fixed(1)), Task("b", ("a",), call=ask)])
        assert (await run(graph, deadline_seconds=5))["b"] == 4
        assert (await run(graph))["b"] is None
        assert remaining() is None

    run_virtually(main())


def test_a_run_inside_a_run_never_gets_more_time_than_the_outer_one() -> None:
    async def inner(inputs: Inputs) -> Any:
        return await run(TaskGraph([Task("x", duration=Fixed(60))]), deadline_seconds=100)

    with pytest.raises((DeadlineExceeded, TaskFailed)) as caught:
        run_virtually(run(TaskGraph([Task("a", call=inner)]), deadline_seconds=3))
    assert "Not done within 3 s" in str(caught.value)


def test_a_tasks_own_limit_stops_it() -> None:
    call = Watched()
    with pytest.raises(TaskTimeout, match="within 2 s") as caught:
        run_virtually(run(TaskGraph([Task("slow", call=call, timeout_seconds=2)])))
    assert caught.value.task == "slow"
    assert call.ending == "cancelled"


def test_a_timeout_of_the_call_itself_is_a_failure_not_a_limit() -> None:
    async def call(inputs: Inputs) -> None:
        raise TimeoutError("upstream")

    with pytest.raises(TaskFailed, match="upstream") as caught:
        run_virtually(run(TaskGraph([Task("a", call=call, timeout_seconds=2)])))
    assert not isinstance(caught.value, TaskTimeout)


def test_retries_pause_longer_each_time_with_jitter() -> None:
    def graph() -> TaskGraph:
        return TaskGraph([Task("a", call=failing(times=3), retries=3, backoff_seconds=1.0)])

    first, again, other = (run_virtually(run(graph(), seed=seed)).trace.makespan for seed in (1, 1, 2))
    assert first == again != other
    assert 0.5 * 7 <= first <= 1.5 * 7


def test_retries_end() -> None:
    with pytest.raises(TaskFailed, match="after 3 attempts") as caught:
        run_virtually(run(TaskGraph([Task("a", call=failing(), retries=2)])))
    assert caught.value.attempts == 3


def test_no_retry_is_begun_that_the_deadline_would_cut() -> None:
    graph = TaskGraph([Task("a", call=failing(1), retries=5, backoff_seconds=60)])
    with pytest.raises(TaskFailed) as caught:
        run_virtually(run(graph, deadline_seconds=10))
    assert caught.value.attempts == 1


def test_lost_speculation_is_cancelled_at_once() -> None:
    call = Watched()
    extra = Task(
        "extra",
        call=call,
        duration=Fixed(1),
        condition=Condition("decider", 0.7),
        speculative=True,
        effects="pure",
        cost_usd=0.5,
    )
    graph = TaskGraph([Task("decider", duration=Fixed(1)), extra, Task("end", ("extra",), call=_absent)])
    policy = Speculation(value_of_second_usd=1.0)
    result = run_virtually(run(graph, needed={"extra": False}, speculation=policy))
    assert call.ending == "cancelled"
    assert result.values == {"decider": None, "end": "absent"}
    assert result.trace["extra"].status == DROPPED
    assert (result.trace.wasted_seconds, result.trace.wasted_usd) == (1.0, 0.5)


async def _absent(inputs: Inputs) -> str:
    assert "extra" not in inputs
    assert inputs.get("extra", "none") == "none"
    with pytest.raises(KeyError):
        inputs["extra"]
    return "absent"


def test_the_deciders_result_can_decide() -> None:
    def needed(name: str, value: Any) -> bool:
        return bool(value == name)

    extras = [Task(name, condition=Condition("decider", 0.5)) for name in ("yes", "no")]
    graph = TaskGraph([Task("decider", call=sleeping(1, "yes")), *extras])
    assert set(run_virtually(run(graph, needed=needed)).values) == {"decider", "yes"}


def test_a_decision_that_fails_is_a_failure_of_the_decider() -> None:
    def needed(name: str, value: Any) -> bool:
        raise LookupError("undecided")

    graph = TaskGraph([Task("decider"), Task("extra", condition=Condition("decider", 0.5))])
    with pytest.raises(TaskFailed, match="'decider'"):
        run_virtually(run(graph, needed=needed))


def test_a_streaming_join_receives_in_order_of_arrival_and_hands_out_at_once() -> None:
    async def join(inputs: Inputs) -> list[str]:
        names = []
        async for name, value in inputs.arrivals():
            inputs.emit(f"{name}: {value}")
            names.append(name)
        return names

    async def main() -> None:
        out: list[tuple[float, str, Any]] = []
        now = asyncio.get_running_loop().time
        branches = [Task(name, call=sleeping(at, at)) for name, at in (("a", 3), ("b", 1), ("c", 2))]
        graph = TaskGraph([*branches, Task("join", ("a", "b", "c"), join="stream", call=join)])
        result = await run(graph, on_output=lambda task, piece: out.append((now(), task, piece)))
        assert result["join"] == ["b", "c", "a"]
        assert out == [(1, "join", "b: 1"), (2, "join", "c: 2"), (3, "join", "a: 3")]
        assert result.trace["join"].start == result.trace["join"].first_output == 1

    run_virtually(main())


def test_several_readers_of_one_join_receive_everything_each() -> None:
    async def read(inputs: Inputs, *, in_order: bool) -> list[str]:
        return [name async for name, _ in inputs.arrivals(in_order=in_order)]

    async def join(inputs: Inputs) -> list[list[str]]:
        readers = (read(inputs, in_order=in_order) for in_order in (False, True, False))
        return list(await asyncio.gather(*readers))

    branches = [Task("a", duration=Fixed(2)), Task("b", duration=Fixed(1)), Task("c", duration=Fixed(3))]
    joining = Task("join", ("a", "b", "c"), join="stream", call=join, silence_seconds=0.1)
    assert run_virtually(run(TaskGraph([*branches, joining])))["join"] == [
        ["b", "a", "c"],
        ["a", "b", "c"],
        ["b", "a", "c"],
    ]


def test_a_reader_that_gives_up_leaves_the_other_waiting() -> None:
    async def read(inputs: Inputs) -> list[str]:
        return [name async for name, _ in inputs.arrivals()]

    async def join(inputs: Inputs) -> list[str]:
        reader = asyncio.create_task(read(inputs))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(read(inputs), 0.5)
        return await reader

    joining = Task("join", ("a", "b"), join="stream", call=join, silence_seconds=0.1)
    graph = TaskGraph([Task("a"), Task("b", duration=Fixed(2)), joining])
    assert run_virtually(run(graph))["join"] == ["a", "b"]


def test_a_retried_join_receives_everything_again() -> None:
    tries: list[list[str]] = []

    async def join(inputs: Inputs) -> None:
        tries.append([])
        async for name, _ in inputs.arrivals():
            tries[-1].append(name)
            if len(tries) == 1 and name == "b":
                raise ValueError("once")

    graph = TaskGraph(
        [
            Task("a", duration=Fixed(1)),
            Task("b", duration=Fixed(2)),
            Task("join", ("a", "b"), join="stream", call=join, retries=1),
        ]
    )
    run_virtually(run(graph))
    assert tries == [["a", "b"], ["a", "b"]]


def test_a_join_may_end_before_everything_has_arrived() -> None:
    async def first(inputs: Inputs) -> str:
        async for name, _ in inputs.arrivals():
            return name
        return "none"

    graph = TaskGraph(
        [
            Task("a", duration=Fixed(2)),
            Task("b", duration=Fixed(1)),
            Task("race", ("a", "b"), join="stream", call=first),
            Task("after", ("race",)),
        ]
    )
    result = run_virtually(run(graph))
    assert result["race"] == "b"
    assert result.trace["after"].start == 1


def test_followers_start_when_the_output_they_wait_for_begins() -> None:
    async def speak(inputs: Inputs) -> None:
        await asyncio.sleep(1)
        inputs.emit("first")
        await asyncio.sleep(1)
        inputs.emit("second")
        await asyncio.sleep(1)

    followers = [Task(f"f{i}", after_output=("leader",), duration=Fixed(1)) for i in range(3)]
    trace = run_virtually(run(TaskGraph([Task("leader", call=speak), *followers]))).trace
    assert [trace[f"f{i}"].start for i in range(3)] == [1, 1, 1]
    assert trace.makespan == 3


def test_a_blocking_leader_lets_its_followers_go() -> None:
    heard = threading.Event()

    def speak(inputs: Inputs) -> bool:
        inputs.emit("first")
        return heard.wait(5)

    async def follow(inputs: Inputs) -> None:
        heard.set()

    graph = TaskGraph(
        [Task("leader", call=speak, blocking=True), Task("f", after_output=("leader",), call=follow)]
    )
    assert asyncio.run(run(graph))["leader"]


def test_limits_hold_tasks_back() -> None:
    graph = TaskGraph([Task(f"t{i}", duration=Fixed(1), uses=("calls",)) for i in range(6)], {"calls": 2})
    assert run_virtually(run(graph)).trace.makespan == 3


def test_spans_are_told_as_tasks_end() -> None:
    told: list[Span] = []

    async def noting(inputs: Inputs) -> None:
        inputs.note(tokens_output=12, cost_usd=0.25, note="short")

    graph = TaskGraph([Task("a", call=noting), Task("b", duration=Fixed(1))])
    trace = run_virtually(run(graph, on_span=told.append)).trace
    assert [span.name for span in told] == ["a", "b"]
    assert (told[0].tokens_output, told[0].cost_usd, told[0].note) == (12, 0.25, "short")
    assert trace["a"].tokens_output == 12


@pytest.mark.parametrize("limits", [{}, {"calls": 3}], ids=["simple", "limited"])
def test_a_listener_that_fails_ends_the_run_and_nothing_else(limits: dict[str, int]) -> None:
    lost: list[dict[str, Any]] = []
    begun: list[str] = []

    def listen(span: Span) -> None:
        raise ValueError(span.name)

    async def begin(inputs: Inputs) -> None:
        begun.append(inputs.task.name)
        await asyncio.sleep(1 if inputs.task.name == "a" else 9)

    async def main() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: lost.append(context))
        tasks = [Task("a", call=begin), Task("b", ("a",), call=begin), Task("c", call=begin)]
        with pytest.raises(TaskFailed, match="'a' failed: ValueError: a"):
            await run(TaskGraph([replace(t, uses=("calls",)) for t in tasks], limits), on_span=listen)
        gc.collect()
        await asyncio.sleep(0)

    run_virtually(main())
    assert sorted(begun) == ["a", "c"]  # under a limit in order of rank, which hangs on no name
    assert lost == []


def test_a_task_that_ends_while_the_run_is_stopped_is_told_of() -> None:
    told: dict[str, str] = {}

    async def insist(inputs: Inputs) -> str:
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(9)
        await asyncio.sleep(1)
        return "done all the same"

    async def main() -> None:
        graph = TaskGraph([Task("bad", call=failing(1)), Task("insists", call=insist)])
        with pytest.raises(TaskFailed):
            await run(graph, on_span=lambda span: told.update({span.name: f"{span.status} {span.end:g}"}))

    run_virtually(main())
    assert told == {"bad": "failed 1", "insists": "done 2"}


def test_an_empty_graph_is_done() -> None:
    assert run_virtually(run(TaskGraph([]))).values == {}


def test_hundreds_of_runs_at_once_do_not_disturb_each_other() -> None:
    async def main() -> None:
        graph = TaskGraph([Task("a", call=sleeping(1)), Task("b", ("a",), call=sleeping(1))])
        results = await asyncio.gather(*(run(graph) for _ in range(300)))
        assert {result.trace.makespan for result in results} == {2.0}

    run_virtually(main())
