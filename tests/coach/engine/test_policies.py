"""What a join does about needs that fail, come late or are not wanted any more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from coach.engine.errors import DeadlineExceeded, Failure, GraphError, TaskFailed
from coach.engine.graph import Condition, Task, TaskGraph
from coach.engine.runner import Inputs, RunResult, run
from coach.engine.task import Losers
from coach.engine.trace import CANCELLED, DONE, DROPPED, FAILED
from tests.coach.engine.test_runner import Watched, failing, sleeping
from tests.coach.engine.virtual_time import run_virtually


def play(*tasks: Task, **options: Any) -> RunResult:
    return run_virtually(run(TaskGraph(tasks), **options))


async def gather(inputs: Inputs) -> dict[str, Any]:
    """What a join sees."""
    return {name: value async for name, value in inputs.arrivals()}


def joined(needs: tuple[str, ...], **more: Any) -> Task:
    return Task("join", needs, call=gather, **more)


# A failure is a value, a default, or the end


def test_a_join_that_collects_is_given_failures_among_results() -> None:
    result = play(
        Task("good", call=sleeping(2)),
        Task("bad", call=failing(1)),
        joined(("good", "bad"), on_failure="collect"),
    )
    assert result["join"]["good"] == "good"
    failure = result["join"]["bad"]
    assert isinstance(failure, Failure)
    assert failure.task == "bad"
    assert isinstance(failure.error.__cause__, ValueError)
    assert result.trace["bad"].status == FAILED
    assert (result.trace["good"].end, result.trace["join"].start) == (2, 2)
    assert set(result.values) == {"good", "join"}
    assert set(result.failures) == {"bad"}


def test_a_streaming_join_that_collects_is_given_a_failure_as_it_happens() -> None:
    seen: list[tuple[float, str, bool]] = []

    async def join(inputs: Inputs) -> None:
        async for name, value in inputs.arrivals():
            seen.append((asyncio.get_running_loop().time(), name, isinstance(value, Failure)))

    play(
        Task("good", call=sleeping(2)),
        Task("bad", call=failing(1)),
        Task("join", ("good", "bad"), join="stream", on_failure="collect", call=join),
    )
    assert seen == [(1, "bad", True), (2, "good", False)]


def test_a_need_with_a_default_may_fail_or_be_dropped() -> None:
    optional = {"bad": "none", "extra": "nothing"}
    result = play(
        Task("good", call=sleeping(2)),
        Task("bad", call=failing(1)),
        Task("extra", condition=Condition("good", 0.5)),
        joined(("good", "bad", "extra"), optional=optional),
        needed={"extra": False},
    )
    assert result["join"] == {"good": "good"} | optional


def test_a_default_is_not_used_where_there_is_a_result() -> None:
    result = play(Task("good", call=sleeping(1)), joined(("good",), optional={"good": "none"}))
    assert result["join"] == {"good": "good"}


def test_a_failure_climbs_to_the_join_that_puts_up_with_it() -> None:
    result = play(
        Task("good", call=sleeping(3)),
        Task("search", call=failing(1)),
        Task("other", call=sleeping(9)),
        Task("parse", ("search", "other")),
        joined(("good", "parse"), on_failure="collect"),
    )
    assert result["join"]["parse"].error.task == "search"
    parse, other = result.trace["parse"], result.trace["other"]
    assert (parse.status, parse.start, parse.end, parse.note) == (FAILED, 1, 1, "search failed.")
    assert (other.status, other.end) == (DROPPED, 1), "nobody else wanted it"
    assert result.trace.makespan == 3


def test_a_failure_with_one_consumer_too_many_ends_the_run() -> None:
    other = Watched()
    with pytest.raises(TaskFailed, match="'bad'") as caught:
        play(
            Task("bad", call=failing(1)),
            Task("other", call=other),
            joined(("bad", "other"), on_failure="collect"),
            Task("strict", ("bad",)),
        )
    assert other.ending == "cancelled"
    trace = caught.value.trace
    assert trace is not None
    assert {span.name: span.status for span in trace.spans} == {"bad": FAILED, "other": CANCELLED}


def test_a_failed_decider_fails_what_it_decides() -> None:
    result = play(
        Task("decide", call=failing(1)),
        Task("extra", condition=Condition("decide", 0.9), speculative=True, effects="pure", call=Watched()),
        joined(("extra",), on_failure="collect"),
    )
    assert result["join"]["extra"].error.task == "decide"
    assert (result.trace["extra"].status, result.trace["extra"].end) == (FAILED, 1)


def test_a_failed_speculation_matters_only_if_it_is_needed() -> None:
    tasks = [
        Task("decide", call=sleeping(2)),
        Task("extra", condition=Condition("decide", 0.9), speculative=True, effects="pure", call=failing(1)),
        Task("end", ("extra",)),
    ]
    assert play(*tasks, needed={"extra": False}).trace["extra"].status == DROPPED
    with pytest.raises(TaskFailed, match="'extra'") as caught:
        play(*tasks, needed={"extra": True})
    assert caught.value.trace is not None
    assert caught.value.trace.makespan == 2


def test_a_running_join_is_stopped_by_a_failure_that_it_does_not_put_up_with() -> None:
    async def endless(inputs: Inputs) -> None:
        await asyncio.sleep(100)

    result = play(
        Task("good", call=sleeping(1)),
        Task("bad", call=failing(2)),
        Task("stream", ("good", "bad"), join="stream", call=endless),
        joined(("good", "stream"), optional={"stream": None}),
    )
    assert (result.trace["stream"].status, result.trace["stream"].end) == (FAILED, 2)
    assert result["join"] == {"good": "good", "stream": None}


@pytest.mark.parametrize(
    "more",
    [
        {"on_failure": "ignore"},
        {"losers": "forget"},
        {"optional": {"stranger": 1}},
        {"first": 0},
        {"first": 3},
        {"patience_seconds": -1.0},
        {"patience_seconds": float("nan")},
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(GraphError, match="'join'"):
        Task("join", ("a", "b"), **more)


# Races


def race(losers: str, *, seconds: float = 5.0, cleanup: float = 0.0) -> tuple[RunResult, Watched]:
    slow = Watched(seconds, cleanup)
    result = play(
        Task("quick", call=sleeping(1)),
        Task("slow", call=slow),
        joined(("quick", "slow"), first=1, losers=losers),
        Task("after", ("join",), call=sleeping(1)),
    )
    assert result["join"] == {"quick": "quick"}
    assert result.trace["join"].start == 1
    assert result.trace["after"].end == 2
    return result, slow


def test_a_race_cancels_its_losers() -> None:
    result, slow = race("cancel")
    assert slow.ending == "cancelled"
    span = result.trace["slow"]
    assert (span.status, span.end, span.note) == (DROPPED, 1, "join went on without it.")
    assert "slow" not in result.values


def test_a_race_that_drains_lets_its_losers_end_and_throws_their_results_away() -> None:
    result, slow = race("drain")
    assert slow.ending == "done"
    span = result.trace["slow"]
    assert (span.status, span.end) == (DROPPED, 5)
    assert "slow" not in result.values
    assert result.trace.makespan == 2


def test_a_race_that_keeps_its_losers_has_their_results() -> None:
    result, slow = race("keep")
    assert slow.ending == "done"
    assert (result.trace["slow"].status, result.values["slow"]) == (DONE, "done")
    assert result.trace.makespan == 5


def test_work_that_only_losers_wanted_goes_with_them() -> None:
    lone, shared = Watched(), Watched(3)
    tasks = [
        Task("quick", call=sleeping(1)),
        Task("lone", call=lone),
        Task("shared", call=shared),
        Task("slow", ("lone", "shared")),
        joined(("quick", "slow"), first=1),
        Task("other", ("shared",)),
    ]
    trace = play(*tasks).trace
    assert (lone.ending, shared.ending) == ("cancelled", "done")
    assert trace["slow"].status == DROPPED
    assert trace["slow"].start == trace["slow"].end == 1
    assert trace["other"].start == 3


@pytest.mark.parametrize(("losers", "begun"), [("drain", False), ("keep", True)])
def test_only_kept_losers_begin_something_more(losers: str, *, begun: bool) -> None:
    first, then = Watched(2), Watched(2)
    play(
        Task("quick", call=sleeping(1)),
        Task("first", call=first),
        Task("then", ("first",), call=then),
        joined(("quick", "then"), first=1, losers=losers),
    )
    assert first.ending == "done"
    assert then.ending == ("done" if begun else "not begun")


def test_a_race_of_two_out_of_three() -> None:
    late = Watched()
    result = play(
        Task("a", call=sleeping(2)),
        Task("b", call=sleeping(1)),
        Task("c", call=late),
        joined(("a", "b", "c"), first=2),
    )
    assert result["join"] == {"a": "a", "b": "b"}
    assert result.trace["join"].start == 2
    assert late.ending == "cancelled"


def test_a_failure_does_not_win_a_race() -> None:
    result = play(
        Task("bad", call=failing(1)), Task("good", call=sleeping(2)), joined(("bad", "good"), first=1)
    )
    assert result["join"] == {"good": "good"}
    assert result.trace["bad"].status == FAILED


def test_a_race_that_cannot_be_won_is_lost_at_once() -> None:
    slow = Watched()
    tasks = [Task("bad", call=failing(1)), Task("slow", call=slow), joined(("bad", "slow"), first=2)]
    with pytest.raises(TaskFailed, match="'bad'"):
        play(*tasks)
    assert slow.ending == "cancelled"


def test_a_loser_may_fail() -> None:
    for losers in ("drain", "keep"):
        result = play(
            Task("quick", call=sleeping(1)),
            Task("bad", call=failing(2)),
            joined(("quick", "bad"), first=1, losers=losers),
        )
        assert result["join"] == {"quick": "quick"}


def test_a_loser_that_swallows_its_cancellation_changes_nothing() -> None:
    async def stubborn(inputs: Inputs) -> str:
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            await asyncio.sleep(1)
        return "anyway"

    after = Watched()
    result = play(
        Task("quick", call=sleeping(1)),
        Task("slow", call=stubborn),
        Task("parse", ("slow",), call=after),
        joined(("quick", "parse"), first=1),
        Task("end", ("join",), call=sleeping(0.5)),
    )
    assert set(result.values) == {"quick", "join", "end"}
    assert after.ending == "not begun"
    assert (result.trace["slow"].status, result.trace["slow"].end) == (DROPPED, 2)


def test_a_loser_gives_its_unit_back() -> None:
    slow = Watched()
    graph = TaskGraph(
        [
            Task("quick", call=sleeping(1), uses=("calls",)),
            Task("slow", call=slow, uses=("calls",)),
            Task("race", ("quick", "slow"), first=1),
            Task("a", ("race",), uses=("calls",), call=sleeping(1)),
            Task("b", ("race",), uses=("calls",), call=sleeping(1)),
        ],
        {"calls": 2},
    )
    trace = run_virtually(run(graph)).trace
    assert (trace["a"].start, trace["b"].start) == (1, 1)


def test_a_drained_loser_holds_its_unit_until_its_end() -> None:
    graph = TaskGraph(
        [
            Task("quick", call=sleeping(1), uses=("calls",)),
            Task("slow", call=sleeping(3), uses=("calls",)),
            Task("race", ("quick", "slow"), first=1, losers="drain"),
            Task("a", ("race",), uses=("calls",), call=sleeping(5)),
            Task("b", ("race",), uses=("calls",), call=sleeping(5)),
        ],
        {"calls": 2},
    )
    trace = run_virtually(run(graph)).trace
    assert sorted((trace["a"].start, trace["b"].start)) == [1, 3]


def test_a_deadline_spares_a_run_that_only_drains() -> None:
    slow = Watched()
    result = play(
        Task("quick", call=sleeping(1)),
        Task("slow", call=slow),
        joined(("quick", "slow"), first=1, losers="drain"),
        deadline_seconds=2,
    )
    assert result["join"] == {"quick": "quick"}
    assert slow.ending == "cancelled"
    assert result.trace["slow"].end == 2


def test_a_deadline_does_not_spare_a_kept_loser() -> None:
    with pytest.raises(DeadlineExceeded, match="slow"):
        play(
            Task("quick", call=sleeping(1)),
            Task("slow", call=Watched()),
            joined(("quick", "slow"), first=1, losers="keep"),
            deadline_seconds=2,
        )


def test_a_streaming_join_may_stop_receiving_after_the_first_results() -> None:
    late = Watched()
    result = play(
        Task("a", call=sleeping(2)),
        Task("b", call=sleeping(1)),
        Task("c", call=late),
        joined(("a", "b", "c"), join="stream", first=2),
    )
    assert list(result["join"]) == ["b", "a"]
    assert (result.trace["join"].start, result.trace["join"].end) == (1, 2)
    assert late.ending == "cancelled"


def test_arrivals_can_be_had_in_order() -> None:
    seen: list[tuple[float, str]] = []

    async def join(inputs: Inputs) -> None:
        async for name, _ in inputs.arrivals(in_order=True):
            seen.append((asyncio.get_running_loop().time(), name))

    play(
        Task("decide", call=sleeping(3)),
        Task("a", call=sleeping(2)),
        Task("b", call=sleeping(1)),
        Task("dropped", condition=Condition("decide", 0.1)),
        Task("d", call=sleeping(4)),
        Task("e", call=sleeping(1)),
        Task("join", ("a", "b", "dropped", "e", "d"), join="stream", call=join),
    )
    assert seen == [(2, "a"), (2, "b"), (3, "e"), (4, "d")]


# Patience


def test_a_branch_that_is_late_is_left_out_with_a_note() -> None:
    slow = Watched()
    result = play(
        Task("quick", call=sleeping(0.1)),
        Task("slow", call=slow),
        joined(("quick", "slow"), patience_seconds=0.3),
    )
    assert result["join"] == {"quick": "quick"}
    assert slow.ending == "cancelled"
    span = result.trace["slow"]
    assert (span.status, span.end, span.note) == (DROPPED, 0.3, "Left out after 300 ms.")
    assert (result.trace["join"].start, result.trace["join"].note) == (0.3, "Left out after 300 ms: slow.")


def test_a_branch_in_time_is_not_left_out() -> None:
    result = play(Task("a", call=sleeping(0.2)), joined(("a",), patience_seconds=0.3))
    assert result["join"] == {"a": "a"}
    assert result.trace.makespan == 0.2
    assert result.trace["join"].note == ""


def test_a_late_branch_that_others_want_goes_on_for_them() -> None:
    result = play(
        Task("slow", call=sleeping(2)),
        joined(("slow",), patience_seconds=1, optional={"slow": "none"}),
        Task("other", ("slow",), call=gather),
    )
    assert result["join"] == {"slow": "none"}
    assert result["other"] == {"slow": "slow"}
    assert result.trace["join"].start == 1
    assert (result.trace["slow"].status, result.trace["slow"].note) == (DONE, "")


def test_a_streaming_join_loses_patience_while_it_runs() -> None:
    late = Watched()
    result = play(
        Task("quick", call=sleeping(1)),
        Task("slow", call=late),
        joined(("quick", "slow"), join="stream", patience_seconds=2, optional={"slow": "none"}),
    )
    assert result["join"] == {"quick": "quick", "slow": "none"}
    assert (result.trace["join"].start, result.trace["join"].end) == (1, 2)
    assert late.ending == "cancelled"


def test_a_join_that_lost_patience_with_a_failure_behind_it_fails() -> None:
    tasks = [
        Task("bad", call=failing(1)),
        Task("slow", call=Watched()),
        Task("slower", call=Watched()),
        joined(("bad", "slow", "slower"), first=2, patience_seconds=2),
    ]
    with pytest.raises(TaskFailed, match="'bad'") as caught:
        play(*tasks)
    assert caught.value.trace is not None
    assert caught.value.trace["slow"].end == 2


# However it ends, nothing is left


@pytest.mark.parametrize("losers", ["cancel", "drain", "keep"])
@pytest.mark.parametrize("at", [0.5, 1.5, 4.0])
def test_the_callers_cancellation_reaches_losers_too(losers: Losers, at: float) -> None:
    calls = {name: Watched(seconds, cleanup=0.25) for name, seconds in (("a", 1), ("b", 3), ("c", 9))}

    async def main() -> None:
        graph = TaskGraph(
            [
                *(Task(name, call=call) for name, call in calls.items()),
                Task("race", ("a", "b"), first=1, losers=losers, call=sleeping(9)),
                Task("join", ("b", "c"), patience_seconds=2, losers=losers, call=sleeping(9)),
            ]
        )
        running = asyncio.create_task(run(graph))
        await asyncio.sleep(at)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert len(asyncio.all_tasks()) == 1

    run_virtually(main())
    assert all(call.ending in {"cancelled", "done"} for call in calls.values())


def test_a_caller_may_be_cancelled_in_the_moment_of_the_win() -> None:
    def won(running: Callable[[], asyncio.Task[Any]]) -> Callable[[Inputs], Awaitable[str]]:
        async def call(inputs: Inputs) -> str:
            await asyncio.sleep(1)
            running().cancel()
            return "won"

        return call

    slow = Watched()

    async def main() -> None:
        tasks: list[asyncio.Task[Any]] = []
        graph = TaskGraph(
            [
                Task("quick", call=won(lambda: tasks[0])),
                Task("slow", call=slow),
                joined(("quick", "slow"), first=1),
            ]
        )
        tasks.append(asyncio.create_task(run(graph)))
        with pytest.raises(asyncio.CancelledError):
            await tasks[0]
        assert len(asyncio.all_tasks()) == 1

    run_virtually(main())
    assert slow.ending == "cancelled"
