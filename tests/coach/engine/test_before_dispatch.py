"""The hook before a task starts ahead of its decider: it lets it go, holds it back, or changes what it is
given."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.engine.checkpoints import Checkpoints, MemoryStore
from coach.engine.errors import TaskFailed
from coach.engine.graph import Condition, Fixed, Task, TaskGraph
from coach.engine.runner import Inputs, RunResult, run
from coach.engine.simulation import simulate
from coach.engine.trace import DONE, DROPPED
from tests.coach.engine.graphs import decisions, graphs
from tests.coach.engine.virtual_time import run_virtually


async def search(inputs: Inputs) -> str:
    await asyncio.sleep(0.4)
    return f"offers for {inputs['user']}"


async def who(inputs: Inputs) -> str:
    return "Ada"


def graph(**changes: object) -> TaskGraph:
    offers = Task(
        "offers",
        ("user",),
        call=search,
        duration=Fixed(0.4),
        condition=Condition("decider", 0.7),
        speculative=True,
        effects="pure",
    )
    return TaskGraph(
        [
            Task("user", call=who),
            Task("decider", duration=Fixed(0.5)),
            replace(offers, **changes),  # type: ignore[arg-type]  # fields of a task
            Task("end", ("offers", "decider")),
        ]
    )


def played(graph: TaskGraph, *, needed: bool = True, **options: object) -> RunResult:
    return run_virtually(run(graph, needed={"offers": needed}, **options))  # type: ignore[arg-type]


def test_what_the_hook_lets_go_starts_ahead() -> None:
    assert played(graph(), before_dispatch=lambda inputs: True).trace["offers"].start == 0.0


def test_what_the_hook_holds_back_starts_after_its_decider() -> None:
    result = played(graph(), before_dispatch=lambda inputs: False)
    assert result["offers"] == "offers for Ada"
    assert result.trace["offers"].start == pytest.approx(0.5)
    assert result.trace.makespan == pytest.approx(0.9)


def test_what_the_hook_holds_back_and_is_not_needed_never_starts() -> None:
    seen: list[str] = []

    async def call(inputs: Inputs) -> None:
        seen.append(inputs["user"])

    result = played(graph(call=call), needed=False, before_dispatch=lambda inputs: False)
    assert not seen
    assert (result.trace["offers"].status, result.trace.wasted_seconds) == (DROPPED, 0.0)


def test_the_hook_may_change_what_leaves_the_house() -> None:
    result = played(graph(), before_dispatch=lambda inputs: {"user": f"somebody like {inputs['user'][0]}"})
    assert result["offers"] == "offers for somebody like A"
    assert result["user"] == "Ada"
    assert result.trace["offers"].start == 0.0


def test_the_hook_sees_the_task_and_only_those_that_start_ahead() -> None:
    asked: list[str] = []

    def hook(inputs: Inputs) -> bool:
        asked.append(inputs.task.name)
        return True

    played(graph(), before_dispatch=hook)
    assert asked == ["offers"]
    decided_first = graph(needs=("user", "decider"))
    asked.clear()
    played(decided_first, before_dispatch=hook)
    assert asked == []


def test_a_result_that_is_kept_is_not_asked_about() -> None:
    checkpoints = Checkpoints(MemoryStore(), "a run")
    first = played(graph(keep=True), checkpoints=checkpoints)
    again = played(graph(keep=True), checkpoints=checkpoints, before_dispatch=lambda inputs: False)
    assert again["offers"] == first["offers"]
    assert again.trace["offers"].end == 0.0


def test_what_came_of_other_values_is_not_kept_for_the_real_ones() -> None:
    checkpoints = Checkpoints(MemoryStore(), "a run")
    played(graph(keep=True), checkpoints=checkpoints, before_dispatch=lambda inputs: {"user": "somebody"})
    again = played(graph(keep=True), checkpoints=checkpoints)
    assert again["offers"] == "offers for Ada"


def test_a_streaming_join_cannot_be_given_other_values_so_it_waits() -> None:
    streaming = graph(join="stream", call=None)
    trace = played(streaming, before_dispatch=lambda inputs: {"user": "somebody"}).trace
    assert trace["offers"].start == pytest.approx(0.5)


def test_a_hook_that_fails_stops_the_run() -> None:
    def hook(inputs: Inputs) -> bool:
        raise ValueError("no rule")

    with pytest.raises(TaskFailed, match="no rule"):
        played(graph(), before_dispatch=hook)


def test_what_is_held_back_keeps_no_unit_of_a_resource() -> None:
    tasks = [replace(task, uses=("line",)) for task in graph()]
    trace = played(TaskGraph(tasks, {"line": 1}), before_dispatch=lambda inputs: False).trace
    assert trace.makespan == pytest.approx(0.9)
    assert trace["offers"].status == DONE


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_holding_everything_back_is_the_graph_without_speculation(data: st.DataObject) -> None:
    drawn = data.draw(graphs(conditions=True, streams=True))
    needed = data.draw(decisions(drawn))
    seen = run_virtually(run(drawn, needed=needed, before_dispatch=lambda inputs: False)).trace
    certain = TaskGraph([replace(task, speculative=False) for task in drawn])
    expected = simulate(certain, needed=needed)
    assert seen.makespan == pytest.approx(expected.makespan)
    assert seen.wasted_seconds == 0.0
    for span in expected.spans:
        assert (seen[span.name].start, seen[span.name].end) == pytest.approx((span.start, span.end))


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_holding_some_back_loses_nothing_and_keeps_the_limits(data: st.DataObject) -> None:
    drawn = data.draw(graphs(limits=True, conditions=True, streams=True))
    needed = data.draw(decisions(drawn))
    held = data.draw(st.sets(st.sampled_from(list(drawn.tasks))))
    result = run_virtually(
        run(drawn, needed=needed, before_dispatch=lambda inputs: inputs.task.name not in held)
    )
    expected = simulate(drawn, needed=needed)
    assert {span.name: span.status for span in result.trace.spans} == {
        span.name: span.status for span in expected.spans
    }
