from __future__ import annotations

import json

import pytest
from hypothesis import given

from coach.engine.graph import Fixed, Task, TaskGraph
from coach.engine.simulation import simulate
from coach.engine.trace import DROPPED, Span, Trace
from tests.coach.engine.graphs import graphs


@given(graphs(limits=True, conditions=True, streams=True))
def test_trace_survives_json(graph: TaskGraph) -> None:
    trace = simulate(graph)
    assert Trace.from_dict(json.loads(json.dumps(trace.to_dict()))) == trace


def test_fields_of_other_versions_do_no_harm() -> None:
    data = {"spans": [{"name": "a", "start": 0.0, "end": 1.0, "colour": "red"}]}
    assert Trace.from_dict(data) == Trace((Span(name="a", start=0.0, end=1.0),))


def test_sums_tell_kept_from_thrown_away() -> None:
    trace = Trace(
        (
            Span(name="a", start=0.0, end=1.0, cost_usd=0.1, critical=True),
            Span(name="b", start=0.0, end=2.0, cost_usd=0.2, status=DROPPED, speculative=True),
            Span(name="c", start=1.0, end=1.5, cost_usd=0.4, critical=True, first_output=1.2),
        )
    )
    assert trace.makespan == 1.5
    assert trace.first_output == 1.2
    assert trace.cost_usd == pytest.approx(0.7)
    assert (trace.wasted_seconds, trace.wasted_usd) == (2.0, 0.2)
    assert trace.critical_tasks == ("a", "c")
    assert trace["b"].wasted
    assert "c" in trace
    assert "d" not in trace


def test_the_chain_of_a_join_that_waits_for_what_its_own_output_held_up_has_a_beginning() -> None:
    tasks = [
        Task("a", duration=Fixed(1)),
        Task("b", duration=Fixed(3)),
        Task("join", ("a", "late"), join="stream", duration=Fixed(2)),
        Task("follower", after_output=("join",), uses=("calls",), duration=Fixed(8)),
        Task("late", ("b",), uses=("calls",), duration=Fixed(1)),
    ]
    trace = simulate(TaskGraph(tasks, {"calls": 1}))
    assert trace.critical_tasks == ("a", "follower", "late", "join")


def test_an_empty_trace_has_no_length() -> None:
    assert (Trace().makespan, Trace().first_output, Trace().cost_usd) == (0.0, 0.0, 0)
