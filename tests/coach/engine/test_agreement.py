"""The runner and the simulator are driven by the same schedule: they must tell the same story."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.engine.graph import Task, TaskGraph
from coach.engine.runner import Inputs, run
from coach.engine.simulation import simulate
from coach.engine.trace import DROPPED, Trace
from tests.coach.engine.graphs import decisions, graphs, shuffled
from tests.coach.engine.virtual_time import run_virtually


def with_calls(graph: TaskGraph) -> TaskGraph:
    """The same graph whose tasks are real coroutines that sleep."""
    return TaskGraph([_with_call(task) for task in graph], graph.limits)


def _with_call(task: Task) -> Task:
    from dataclasses import replace

    async def call(inputs: Inputs) -> str:
        if task.join != "stream" or not task.needs:
            await asyncio.sleep(task.duration.typical)
            return task.name
        async for name, value in inputs.arrivals():
            assert name == value
            await asyncio.sleep(task.duration.typical / len(task.needs))
            inputs.emit(name)
        return task.name

    return replace(task, call=call)


def story(trace: Trace) -> dict[str, tuple[object, ...]]:
    return {
        span.name: (pytest.approx(span.start), pytest.approx(span.end), span.status, span.cost_usd)
        for span in trace.spans
    }


def assert_same(graph: TaskGraph, needed: dict[str, bool]) -> None:
    expected = simulate(graph, needed=needed)
    for each in (graph, with_calls(graph)):
        seen = run_virtually(run(each, needed=needed)).trace
        assert {
            span.name: (span.start, span.end, span.status, span.cost_usd) for span in seen.spans
        } == story(expected)
    assert seen.makespan == pytest.approx(expected.makespan)
    assert seen.critical_tasks == expected.critical_tasks
    assert seen.wasted_seconds == pytest.approx(expected.wasted_seconds)


@given(graphs())
def test_plain_graphs_run_as_simulated(graph: TaskGraph) -> None:
    assert_same(graph, {})


@given(st.data())
@settings(max_examples=300)
def test_graphs_with_everything_run_as_simulated(data: st.DataObject) -> None:
    graph = data.draw(graphs(limits=True, conditions=True, streams=True))
    assert_same(graph, data.draw(decisions(graph)))


@given(st.data())
@settings(max_examples=200)
def test_conditions_and_streams_run_as_simulated(data: st.DataObject) -> None:
    graph = data.draw(graphs(conditions=True, streams=True))
    assert_same(graph, data.draw(decisions(graph)))


@given(st.data())
@settings(max_examples=200)
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
@settings(max_examples=200)
def test_limits_are_kept(data: st.DataObject) -> None:
    graph = data.draw(graphs(limits=True, conditions=True, streams=True))
    trace = simulate(graph, needed=data.draw(decisions(graph)))
    for resource, units in graph.limits.items():
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
@settings(max_examples=200)
def test_makespan_is_the_critical_path_without_limits(data: st.DataObject) -> None:
    graph = data.draw(graphs(conditions=True, streams=True))
    needed = data.draw(decisions(graph))
    trace = simulate(graph, needed=needed)
    path = graph.critical_path(needed=needed)
    assert trace.makespan == pytest.approx(path.seconds)
    assert _taking_time(trace, trace.critical_tasks) == _taking_time(trace, path.tasks)


def _taking_time(trace: Trace, names: tuple[str, ...]) -> list[str]:
    """A join whose needs were all dropped takes none, so it may stand on the chain or not."""
    return [name for name in names if trace[name].seconds > 0]


@given(st.data())
def test_makespan_is_never_below_the_critical_path(data: st.DataObject) -> None:
    graph = data.draw(graphs(limits=True, conditions=True))
    needed = data.draw(decisions(graph))
    makespan = simulate(graph, needed=needed).makespan
    assert makespan >= graph.critical_path(needed=needed).seconds - 1e-9


@given(st.data(), st.integers(0, 2**32))
@settings(max_examples=200)
def test_makespan_does_not_hang_on_names_or_order(data: st.DataObject, seed: int) -> None:
    graph = data.draw(graphs(conditions=True, streams=True))
    needed = data.draw(decisions(graph))
    other, names = shuffled(graph, random.Random(seed))
    trace = simulate(graph, needed=needed)
    again = simulate(other, needed={names[name]: value for name, value in needed.items()})
    assert again.makespan == pytest.approx(trace.makespan)
    for name, renamed in names.items():
        assert again[renamed].end == pytest.approx(trace[name].end)
