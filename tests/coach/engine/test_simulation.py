from __future__ import annotations

import dataclasses
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.engine.graph import Condition, Fixed, LogNormal, Task, TaskGraph
from coach.engine.simulation import simulate, simulate_many
from coach.engine.trace import DROPPED
from tests.coach.engine.graphs import chain, diamond, graphs, travel


def lounge(*, speculative: bool) -> TaskGraph:
    return TaskGraph(
        [
            Task("tier", duration=Fixed(0.12)),
            Task(
                "lounge",
                duration=Fixed(0.5),
                cost_usd=0.01,
                condition=Condition("tier", 0.7),
                speculative=speculative,
                effects="pure",
            ),
            Task("compose", ("tier", "lounge"), duration=Fixed(0.3)),
        ]
    )


def test_three_calls_at_once_take_as_long_as_one() -> None:
    graph = TaskGraph([Task(name, duration=Fixed(0.8)) for name in "abc"])
    assert simulate(graph).makespan == 0.8
    assert simulate(graph.one_at_a_time()).makespan == pytest.approx(2.4)


def test_speculation_hides_the_decider() -> None:
    after, ahead = simulate(lounge(speculative=False)), simulate(lounge(speculative=True))
    assert after.makespan == pytest.approx(0.92)
    assert ahead.makespan == pytest.approx(0.8)


def test_lost_speculation_is_waste() -> None:
    trace = simulate(lounge(speculative=True), needed={"lounge": False})
    assert trace["lounge"].status == DROPPED
    assert trace.wasted_seconds == pytest.approx(0.12)
    assert trace.wasted_usd == trace.cost_usd == 0.01
    assert trace.makespan == pytest.approx(0.42)


def test_what_is_not_started_costs_nothing() -> None:
    trace = simulate(lounge(speculative=False), needed={"lounge": False})
    assert (trace.cost_usd, trace.wasted_seconds) == (0.0, 0.0)
    assert trace["lounge"].start == trace["lounge"].end == pytest.approx(0.12)


def test_streaming_join_works_while_it_waits() -> None:
    branches = [Task(name, duration=Fixed(at)) for name, at in (("a", 0.1), ("b", 0.2), ("c", 1.0))]
    needs = ("a", "b", "c")
    whole = simulate(TaskGraph([*branches, Task("join", needs, duration=Fixed(0.6))]))
    stream = simulate(TaskGraph([*branches, Task("join", needs, duration=Fixed(0.6), join="stream")]))
    assert whole.makespan == pytest.approx(1.6)
    assert whole.first_output == whole.makespan
    assert stream.makespan == pytest.approx(1.2)
    assert stream.first_output == pytest.approx(0.3)
    assert stream.critical_tasks == ("c", "join")


def test_first_output_stretches_with_the_duration() -> None:
    graph = TaskGraph([Task("write", duration=Fixed(1.0), first_output_seconds=0.2)])
    assert simulate(graph).first_output == pytest.approx(0.2)
    assert simulate(graph, durations={"write": 2.0}).first_output == pytest.approx(0.4)


def test_durations_can_be_given() -> None:
    assert simulate(travel(), durations={"visa": 3.0}).makespan == pytest.approx(3.3)


def test_jittered_runs_are_reproducible() -> None:
    assert simulate_many(travel(), runs=200, seed=7) == simulate_many(travel(), runs=200, seed=7)
    assert simulate_many(travel(), runs=200, seed=7) != simulate_many(travel(), runs=200, seed=8)


def test_jittered_runs_of_one_call_give_back_its_percentiles() -> None:
    found = simulate_many(TaskGraph([Task("a", duration=LogNormal(1.0, 2.5))]), runs=10_000)
    assert found.p50 == pytest.approx(1.0, rel=0.05)
    assert found.p95 == pytest.approx(2.5, rel=0.08)
    assert found.p99 > found.p95


def test_wide_fan_out_has_a_longer_tail() -> None:
    """With 5 branches each slow 1 % of the time, 4.9 % of requests meet a slow one."""
    one = TaskGraph([Task("a", duration=LogNormal(1.0, 2.0))])
    five = TaskGraph([Task(name, duration=LogNormal(1.0, 2.0)) for name in "abcde"])
    slow = simulate_many(one, runs=20_000).p99
    rng = random.Random(3)
    seconds = [max(LogNormal(1.0, 2.0).sample(rng) for _ in "abcde") for _ in range(20_000)]
    assert sum(each > slow for each in seconds) / 20_000 == pytest.approx(0.049, abs=0.012)
    assert simulate_many(five, runs=5_000).p50 > simulate_many(one, runs=5_000).p50


def test_expected_waste_is_the_chance_times_the_cost() -> None:
    found = simulate_many(lounge(speculative=True), runs=20_000)
    assert found.mean_wasted_usd == pytest.approx(0.3 * 0.01, rel=0.05)
    assert found.mean_cost_usd == pytest.approx(0.01)
    assert found.mean_wasted_seconds == pytest.approx(0.3 * 0.12, rel=0.05)


def test_fixed_durations_have_no_spread() -> None:
    fixed = TaskGraph([dataclasses.replace(task, duration=Fixed(task.duration.typical)) for task in travel()])
    found = simulate_many(fixed, runs=50)
    assert found.p50 == found.p99 == pytest.approx(1.1)


def test_big_graphs_are_nothing_special() -> None:
    assert simulate(chain(5000)).makespan == pytest.approx(5.0)
    assert simulate(diamond(60)).makespan == 60.0


def test_an_empty_graph_takes_no_time() -> None:
    trace = simulate(TaskGraph([]))
    assert (trace.makespan, trace.spans) == (0.0, ())


@given(graphs(limits=True, conditions=True, streams=True), st.integers(0, 1000))
def test_jittered_runs_always_end(graph: TaskGraph, seed: int) -> None:
    found = simulate_many(graph, runs=20, seed=seed)
    assert found.p50 <= found.p95 <= found.p99
    assert found.first_output_p50 <= found.p50 + 1e-9
