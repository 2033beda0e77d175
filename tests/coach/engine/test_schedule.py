from __future__ import annotations

from typing import Any

import pytest

from coach.engine.graph import Condition, Fixed, LogNormal, Task, TaskGraph
from coach.engine.schedule import Plan, Schedule, plan_of


def started(graph: TaskGraph, needed: list[bool] | None = None) -> tuple[Plan, Schedule, list[str]]:
    plan = plan_of(graph)
    schedule = Schedule(plan, needed)
    return plan, schedule, names(plan, schedule.begin())


def names(plan: Plan, indices: list[int]) -> list[str]:
    return [plan.names[i] for i in indices]


def conditional(*, speculative: bool) -> TaskGraph:
    extra = Task("extra", condition=Condition("decider", 0.5), speculative=speculative, effects="pure")
    return TaskGraph([Task("decider"), extra, Task("end", ("extra",))])


def guess_of(decider: str, name: str, **more: Any) -> Task:
    return Task(name, condition=Condition(decider, 0.9), speculative=True, effects="pure", **more)


def test_a_task_is_ready_when_its_last_need_ends() -> None:
    plan, schedule, first = started(TaskGraph([Task("a"), Task("b"), Task("c", ("a", "b"))]))
    assert first == ["a", "b"]
    assert schedule.finish(0) == []
    assert names(plan, schedule.finish(1)) == ["c"]
    assert schedule.left == 1


def test_a_plan_is_compiled_once() -> None:
    graph = TaskGraph([Task("a")])
    assert plan_of(graph) is plan_of(graph)


def test_a_conditional_task_waits_for_its_decider() -> None:
    plan, schedule, first = started(conditional(speculative=False), [True, True, True])
    assert first == ["decider"]
    assert names(plan, schedule.finish(0)) == ["extra"]


def test_a_dropped_task_satisfies_those_that_need_it() -> None:
    plan, schedule, _ = started(conditional(speculative=False), [True, False, True])
    assert names(plan, schedule.finish(0)) == ["end"]
    assert not schedule.lost


def test_speculative_work_is_lost_when_the_decider_says_no() -> None:
    plan, schedule, first = started(conditional(speculative=True), [True, False, True])
    assert first == ["decider", "extra"]
    assert names(plan, schedule.finish(0)) == ["end"]
    assert names(plan, schedule.lost) == ["extra"]
    assert schedule.finish(1) == []


def test_a_speculative_result_waits_for_the_decider() -> None:
    plan, schedule, _ = started(conditional(speculative=True), [True, True, True])
    assert schedule.finish(1) == []
    assert names(plan, schedule.finish(0)) == ["end"]


def test_a_dropped_decider_decides_no_through_a_long_chain() -> None:
    links = [Task(f"c{i}", condition=Condition(f"c{i - 1}" if i else "first", 0.9)) for i in range(5000)]
    plan, schedule, _ = started(TaskGraph([Task("first"), *links]), [False] + [False] + [True] * 4999)
    assert schedule.finish(plan.index["first"]) == []
    assert schedule.left == 0


def test_a_streaming_join_starts_with_the_first_arrival() -> None:
    plan, schedule, _ = started(TaskGraph([Task("a"), Task("b"), Task("join", ("a", "b"), join="stream")]))
    assert names(plan, schedule.finish(1)) == ["join"]
    schedule.finish(0)
    assert names(plan, schedule.woken) == ["join"]
    assert names(plan, schedule.received[2]) == ["b", "a"]


def test_certain_work_goes_before_speculative_work() -> None:
    guess = guess_of("a", "guess", uses=("call",), duration=Fixed(9))
    tasks = [Task("a"), guess, Task("sure", uses=("call",), duration=Fixed(1))]
    plan, schedule, first = started(TaskGraph(tasks, {"call": 1}))
    assert first == ["a", "sure"]
    assert names(plan, schedule.finish(2)) == ["guess"]


@pytest.mark.parametrize("uses", [("calls", "rows"), ("rows", "calls")])
def test_what_needs_several_resources_keeps_its_rank(uses: tuple[str, ...]) -> None:
    tasks = [
        Task("first", uses=("rows",), duration=Fixed(1.4)),
        Task("then", ("first",), uses=("calls",), duration=Fixed(0.6)),
        Task("both", uses=uses, duration=Fixed(1.5)),
    ]
    for each in (tasks, tasks[::-1]):
        plan, schedule, first = started(TaskGraph(each, {"calls": 2, "rows": 1}))
        assert first == ["first"]
        assert names(plan, schedule.finish(plan.index["first"])) == ["both", "then"]


def test_a_guess_leaves_the_units_that_certain_work_waits_for() -> None:
    tasks = [
        Task("holds", uses=("row",), duration=Fixed(9)),
        Task("certain", uses=("call", "row")),
        Task("decider"),
        *[guess_of("decider", name, uses=("call",)) for name in ("one", "two")],
    ]
    plan, schedule, first = started(TaskGraph(tasks, {"call": 2, "row": 1}))
    assert first == ["holds", "decider", "one"]
    assert names(plan, schedule.finish(plan.index["one"])) == ["two"]
    assert names(plan, schedule.finish(plan.index["holds"])) == ["certain"]


def test_a_guess_that_turns_out_to_be_needed_goes_before_other_guesses() -> None:
    tasks = [
        Task("holds", uses=("call",), duration=Fixed(9)),
        Task("says yes"),
        Task("says nothing", duration=Fixed(99)),
        guess_of("says nothing", "guess", uses=("call",), duration=Fixed(2)),
        guess_of("says yes", "confirmed", uses=("call",), duration=Fixed(1)),
    ]
    plan, schedule, _ = started(TaskGraph(tasks, {"call": 1}))
    assert schedule.finish(plan.index["says yes"]) == []
    assert names(plan, schedule.finish(plan.index["holds"])) == ["confirmed"]
    assert names(plan, schedule.finish(plan.index["confirmed"])) == ["guess"]


def test_a_second_attempt_leaves_the_units_that_certain_work_waits_for() -> None:
    tasks = [
        Task("holds", uses=("row",), duration=Fixed(9)),
        Task("slow", uses=("call",), duration=LogNormal(2, 3), effects="pure", hedge=True),
        Task("certain", uses=("call", "row")),
    ]
    plan, schedule, first = started(TaskGraph(tasks, {"call": 2, "row": 1}))
    assert first == ["holds", "slow"]
    assert not schedule.take_again(plan.index["slow"])
    schedule.finish(plan.index["holds"])
    schedule.finish(plan.index["certain"])
    assert schedule.take_again(plan.index["slow"])


def test_the_longest_way_to_the_end_goes_first() -> None:
    tasks = [
        Task("short", uses=("call",), duration=Fixed(1)),
        Task("long", uses=("call",), duration=Fixed(1)),
        Task("after", ("long",), duration=Fixed(5)),
    ]
    _, _, first = started(TaskGraph(tasks, {"call": 1}))
    assert first == ["long"]


def test_resources_without_a_limit_are_free() -> None:
    _, _, first = started(TaskGraph([Task("a", uses=("call",)), Task("b", uses=("call",))]))
    assert first == ["a", "b"]


def test_a_streaming_join_leaves_the_last_unit_to_what_it_waits_for() -> None:
    tasks = [Task("a"), Task("b", ("a",), uses=("call",)), Task("c", ("a",), uses=("call",))]
    join = Task("join", ("a", "b", "c"), join="stream", uses=("call",), duration=Fixed(9))
    plan, schedule, _ = started(TaskGraph([*tasks, join], {"call": 1}))
    assert names(plan, schedule.finish(0)) == ["b"]
    assert names(plan, schedule.finish(1)) == ["c"]
    assert names(plan, schedule.finish(2)) == ["join"]


def test_a_released_unit_goes_to_the_next_in_the_queue() -> None:
    tasks = [Task(f"t{i}", uses=("call",), duration=Fixed(10 - i)) for i in range(5)]
    plan, schedule, first = started(TaskGraph(tasks, {"call": 2}))
    assert first == ["t0", "t1"]
    assert names(plan, schedule.finish(0)) == ["t2"]


def test_a_follower_starts_when_the_output_of_its_leader_begins() -> None:
    plan, schedule, first = started(TaskGraph([Task("leader"), Task("follower", after_output=("leader",))]))
    assert first == ["leader"]
    assert names(plan, schedule.open_output(0)) == ["follower"]
    assert schedule.open_output(0) == []
    assert schedule.finish(0) == []


def test_a_follower_starts_with_the_end_of_a_leader_that_says_nothing() -> None:
    plan, schedule, _ = started(TaskGraph([Task("leader"), Task("follower", after_output=("leader",))]))
    assert names(plan, schedule.finish(0)) == ["follower"]


def test_a_follower_does_not_wait_for_a_dropped_leader() -> None:
    leader = Task("leader", condition=Condition("decider", 0.5))
    graph = TaskGraph([Task("decider"), leader, Task("follower", after_output=("leader",))])
    plan, schedule, _ = started(graph, [True, False, True])
    assert names(plan, schedule.finish(0)) == ["follower"]
