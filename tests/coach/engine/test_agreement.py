"""The runner and the simulator are driven by the same schedule: they must tell the same story."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.engine.errors import Failure, TaskFailed
from coach.engine.graph import Condition, Fixed, Task, TaskGraph
from coach.engine.runner import Inputs, run
from coach.engine.simulation import simulate
from coach.engine.trace import CANCELLED, DROPPED, FAILED, Trace
from tests.coach.engine.graphs import counted, decisions, failures, graphs, shuffled, tied
from tests.coach.engine.virtual_time import run_virtually


def with_calls(graph: TaskGraph, failing: Collection[str] = ()) -> TaskGraph:
    """The same graph whose tasks are real coroutines that sleep, and some of them fail at their end."""
    return TaskGraph([_with_call(task, fails=task.name in failing) for task in graph], graph.limits)


def _with_call(task: Task, *, fails: bool) -> Task:
    async def call(inputs: Inputs) -> str:
        result = await work(inputs)
        if fails:
            raise ValueError(task.name)
        return result

    async def work(inputs: Inputs) -> str:
        seconds, first = task.duration.typical, task.first_output_seconds
        if task.join != "stream" or not task.needs:
            await _work(inputs, seconds, first)
            return task.name
        portion = seconds / task.portions
        async for name, value in inputs.arrivals():
            assert _fits(task, name, value)
            await _work(inputs, portion, portion if first is None else first)
            first = math.inf
        return task.name

    return replace(task, call=call)


def _fits(task: Task, name: str, value: Any) -> bool:
    if isinstance(value, Failure):
        return task.on_failure == "collect"
    return bool(value == name or value == task.optional.get(name))


async def _work(inputs: Inputs, seconds: float, first: float | None) -> None:
    if first is not None and first < seconds:
        await asyncio.sleep(first)
        inputs.emit("first")
        await asyncio.sleep(seconds - first)
    else:
        await asyncio.sleep(seconds)
        if first is not None:
            inputs.emit("last")


def story(trace: Trace) -> dict[str, tuple[object, ...]]:
    return {
        span.name: (pytest.approx(span.start), pytest.approx(span.end), span.status, span.cost_usd)
        for span in trace.spans
    }


def assert_covers(trace: Trace, chain: tuple[str, ...]) -> None:
    """A chain that sets the length leaves no moment out. (Where something is dropped at the moment in which
    its decider ends, two chains may set it equally.)"""
    covered = 0.0
    for span in sorted((trace[name] for name in chain), key=lambda span: span.start):
        assert span.start <= covered + 1e-9
        covered = max(covered, span.end)
    assert covered == pytest.approx(trace.makespan)


def told(trace: Trace) -> dict[str, tuple[object, ...]]:
    """What happened before the last moment and, where a failure ended the run, what was stopped in it. (Of
    what begins or ends by itself in that very moment, some may be told as done and some as cancelled. What
    is cancelled where it would begin may not be told at all.)"""
    spans = [span for span in trace.spans if span.status != CANCELLED or span.seconds > 1e-9]
    last = max((span.end for span in spans), default=0.0) - 1e-9
    if not any(span.end > last and span.status in {FAILED, CANCELLED} for span in spans):
        last = math.inf
    return {
        span.name: (round(span.start, 6), round(span.end, 6))
        + ((span.status, span.cost_usd, span.note) if span.end < last else ())
        for span in spans
        if span.end < last or span.seconds > 1e-9
    }


def outcome(graph: TaskGraph, needed: dict[str, bool]) -> Trace:
    """Of a run that may fail."""
    try:
        trace: Trace | None = run_virtually(run(graph, needed=needed)).trace
    except TaskFailed as error:
        trace = error.trace
    assert trace is not None
    return trace


def assert_same(graph: TaskGraph, needed: dict[str, bool]) -> None:
    expected = simulate(graph, needed=needed)
    for each in (graph, with_calls(graph)):
        seen = run_virtually(run(each, needed=needed)).trace
        assert {
            span.name: (span.start, span.end, span.status, span.cost_usd) for span in seen.spans
        } == story(expected)
    assert seen.makespan == pytest.approx(expected.makespan)
    assert_covers(expected, expected.critical_tasks)
    assert_covers(seen, seen.critical_tasks)
    if not any(span.status == DROPPED for span in seen.spans):
        assert seen.critical_tasks == expected.critical_tasks
    assert seen.wasted_seconds == pytest.approx(expected.wasted_seconds)


@given(graphs())
def test_plain_graphs_run_as_simulated(graph: TaskGraph) -> None:
    assert_same(graph, {})


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_graphs_with_everything_run_as_simulated(data: st.DataObject) -> None:
    graph = data.draw(graphs(limits=True, conditions=True, streams=True))
    assert_same(graph, data.draw(decisions(graph)))


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_conditions_and_streams_run_as_simulated(data: st.DataObject) -> None:
    graph = data.draw(graphs(conditions=True, streams=True))
    assert_same(graph, data.draw(decisions(graph)))


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_followers_of_an_output_run_as_simulated(data: st.DataObject) -> None:
    graph = data.draw(graphs(limits=True, conditions=True, streams=True, leaders=True))
    assert_same(graph, data.draw(decisions(graph)))


@given(st.data())
@settings(max_examples=1000, deadline=None)
def test_policies_run_as_simulated(data: st.DataObject) -> None:
    graph = data.draw(graphs(limits=True, conditions=True, streams=True, leaders=True, policies=True))
    needed, failing = data.draw(decisions(graph)), data.draw(failures(graph))
    expected = simulate(graph, needed=needed, failing=failing)
    seen = outcome(with_calls(graph, failing), needed)
    assert told(seen) == told(expected)


def test_what_takes_no_time_comes_after_all_that_ends_in_its_moment() -> None:
    guess: dict[str, Any] = {"condition": Condition("decide", 0.9), "speculative": True, "effects": "pure"}
    tasks = [
        Task("decide", duration=Fixed(0.5)),
        Task("lead", duration=Fixed(1), first_output_seconds=2, **guess),
        Task("nothing", after_output=("lead",), uses=("row",)),
        Task("long", ("nothing",), duration=Fixed(5)),
        Task("next", ("lead",), uses=("row",), duration=Fixed(3)),
        Task("last", after_output=("lead",), uses=("row",), duration=Fixed(1)),
    ]
    assert_same(TaskGraph(tasks, {"row": 1}), {})


def test_a_loser_that_has_just_begun_is_drained_to_its_end() -> None:
    tasks = [
        Task("first", duration=Fixed(1)),
        Task("slow", ("first",), duration=Fixed(2)),
        Task("nothing", ("first",)),
        Task("race", ("slow", "nothing"), first=1, losers="drain"),
    ]
    expected = simulate(TaskGraph(tasks))
    assert told(run_virtually(run(TaskGraph(tasks))).trace) == told(expected)
    assert (expected["slow"].status, expected["slow"].end) == (DROPPED, 3)


@given(st.data(), st.integers(0, 2**32))
@settings(max_examples=500, deadline=None)
def test_policies_do_not_hang_on_names_or_order(data: st.DataObject, seed: int) -> None:
    limits = data.draw(st.booleans())
    graph = data.draw(graphs(limits=limits, conditions=True, streams=True, leaders=True, policies=True))
    needed, failing = data.draw(decisions(graph)), data.draw(failures(graph))
    other, names = shuffled(graph, random.Random(seed))
    trace = simulate(graph, needed=needed, failing=failing)
    renamed = {names[name]: value for name, value in needed.items()}
    again = simulate(other, needed=renamed, failing={names[name] for name in failing})
    # Start, end and status: what a failure stops may cost or not, and notes name tasks.
    before = {names[name]: values[:3] for name, values in told(trace).items()}
    assert {name: values[:3] for name, values in told(again).items()} == before
    assert again.makespan == pytest.approx(trace.makespan)


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_no_task_starts_before_the_output_it_waits_for(data: st.DataObject) -> None:
    graph = data.draw(graphs(limits=True, conditions=True, streams=True, leaders=True))
    trace = simulate(graph, needed=data.draw(decisions(graph)))
    for task in graph:
        for leader in task.after_output:
            span = trace[leader]
            opened = span.end if span.first_output is None else min(span.end, span.first_output)
            assert trace[task.name].status == DROPPED or trace[task.name].start >= opened - 1e-9


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_no_task_starts_before_its_needs(data: st.DataObject) -> None:
    graph = data.draw(graphs(limits=True, conditions=True, streams=True))
    trace = simulate(graph, needed=data.draw(decisions(graph)))
    for task in graph:
        span = trace[task.name]
        if span.status == DROPPED:
            continue
        ends = [_settled(graph, trace, need) for need in task.needs]
        if task.join == "stream":
            assert not ends or span.start >= min(ends) - 1e-9
            assert span.end >= max(ends, default=0.0) - 1e-9
        else:
            assert all(span.start >= end - 1e-9 for end in ends)
        if task.condition is not None and not task.speculative:
            assert span.start >= trace[task.condition.decider].end - 1e-9


def _settled(graph: TaskGraph, trace: Trace, name: str) -> float:
    """When its result could be taken."""
    condition = graph.tasks[name].condition
    if condition is None:
        return trace[name].end
    return max(trace[name].end, _settled(graph, trace, condition.decider))


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_limits_are_kept(data: st.DataObject) -> None:
    graph = data.draw(graphs(limits=True, conditions=True, streams=True))
    trace = simulate(graph, needed=data.draw(decisions(graph)))
    for resource, units in counted(graph).items():
        changes = sorted(
            (at, step)
            for span in trace.spans
            if resource in graph.tasks[span.name].uses and span.end > span.start
            for at, step in ((span.start, 1), (span.end, -1))
        )
        held = 0
        for _, step in changes:
            held += step
            assert held <= units


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_makespan_is_the_critical_path_without_limits(data: st.DataObject) -> None:
    graph = data.draw(graphs(conditions=True, streams=True, leaders=True))
    needed = data.draw(decisions(graph))
    trace = simulate(graph, needed=needed)
    path = graph.critical_path(needed=needed)
    assert trace.makespan == pytest.approx(path.seconds)
    assert_covers(trace, path.tasks)
    if not any(span.status == DROPPED for span in trace.spans):
        # A leader may end after the follower that its first words let go: an order by ends is not the path's.
        assert set(trace.critical_tasks) == set(path.tasks)


@given(st.data())
def test_makespan_is_never_below_the_critical_path(data: st.DataObject) -> None:
    graph = data.draw(graphs(limits=True, conditions=True))
    needed = data.draw(decisions(graph))
    makespan = simulate(graph, needed=needed).makespan
    assert makespan >= graph.critical_path(needed=needed).seconds - 1e-9


@given(st.data(), st.integers(0, 2**32))
@settings(max_examples=400, deadline=None)
def test_makespan_does_not_hang_on_names_or_order(data: st.DataObject, seed: int) -> None:
    graph = data.draw(graphs(limits=data.draw(st.booleans()), conditions=True, streams=True, leaders=True))
    needed = data.draw(decisions(graph))
    other, names = shuffled(graph, random.Random(seed))
    trace = simulate(graph, needed=needed)
    again = simulate(other, needed={names[name]: value for name, value in needed.items()})
    assert again.makespan == pytest.approx(trace.makespan)
    for name, renamed in names.items():
        assert again[renamed].end == pytest.approx(trace[name].end)


@given(st.data(), st.integers(0, 2**32))
@settings(max_examples=300)
def test_ties_do_not_hang_on_names_or_order(data: st.DataObject, seed: int) -> None:
    """What matters alike is told apart by what stands around it. (Whether a task will be needed is not: of
    two guesses that are alike in all else, either may go first. So decisions are by probability here.)"""
    rng = random.Random(seed)
    graph = tied(data.draw(graphs(limits=True, conditions=True, streams=True, leaders=True)), rng)
    other, _ = shuffled(graph, rng)
    assert simulate(other).makespan == pytest.approx(simulate(graph).makespan)


def by_hand(graph: TaskGraph) -> dict[str, float]:
    """Starts by list scheduling, of a graph of needs and limits alone: whenever something has ended, all that
    waits is gone through, the longest way to the end first, and what fits is started."""
    followers = {name: [t.name for t in graph if name in t.needs] for name in graph.tasks}
    way: dict[str, float] = {}
    for name in reversed(graph.order):
        way[name] = graph.tasks[name].duration.typical + max((way[f] for f in followers[name]), default=0.0)
    waiting = sorted(graph.tasks, key=way.__getitem__, reverse=True)
    start: dict[str, float] = {}
    ends = {0.0}
    while waiting:
        now = min(ends)
        ends.remove(now)
        end = {name: at + graph.tasks[name].duration.typical for name, at in start.items()}
        free = dict(counted(graph))
        for name in [name for name in start if end[name] > now]:
            _take(free, graph.tasks[name])
        for name in waiting[:]:
            task = graph.tasks[name]
            if all(end.get(need, math.inf) <= now for need in task.needs) and all(free[r] for r in task.uses):
                _take(free, task)
                start[name] = now
                ends.add(now + task.duration.typical)
                waiting.remove(name)
    return start


def _take(free: dict[str, int], task: Task) -> None:
    for name in task.uses:
        free[name] -= 1


@given(graphs(limits=True))
@settings(max_examples=300)
def test_limited_graphs_run_as_scheduled_by_hand(graph: TaskGraph) -> None:
    trace = simulate(graph)
    assert {span.name: span.start for span in trace.spans} == pytest.approx(by_hand(graph))
