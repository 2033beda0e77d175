from __future__ import annotations

import itertools
import random
from functools import partial
from typing import Any

import networkx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.engine.errors import CycleError, DuplicateTask, GraphError, UnknownNeed
from coach.engine.graph import Condition, Fixed, LogNormal, Task, TaskGraph
from tests.coach.engine.graphs import chain, diamond, graphs, pairs, travel


def longest_path(graph: TaskGraph) -> float:
    """By networkx: a task's seconds lie on an edge from its begin to its end."""
    net = networkx.DiGraph()
    for task in graph:
        net.add_edge(f"{task.name} begins", f"{task.name} ends", weight=task.duration.typical)
        for need in task.needs:
            net.add_edge(f"{need} ends", f"{task.name} begins", weight=0.0)
    return float(networkx.dag_longest_path_length(net))


@given(graphs(most=30))
def test_critical_path_agrees_with_networkx(graph: TaskGraph) -> None:
    assert graph.critical_path().seconds == pytest.approx(longest_path(graph))


@given(graphs(most=30))
def test_critical_path_is_a_chain_of_its_own_length(graph: TaskGraph) -> None:
    path = graph.critical_path()
    assert sum(graph.tasks[name].duration.typical for name in path.tasks) == pytest.approx(path.seconds)
    assert all(pair in pairs(graph) for pair in itertools.pairwise(path.tasks))


@given(graphs(most=30))
def test_order_puts_needs_first(graph: TaskGraph) -> None:
    place = {name: i for i, name in enumerate(graph.order)}
    assert sorted(place) == sorted(graph.tasks)
    assert all(place[need] < place[name] for need, name in pairs(graph))


@given(graphs(conditions=True, streams=True), st.integers(0, 10_000))
def test_slack_can_be_used_without_making_the_whole_later(graph: TaskGraph, pick: int) -> None:
    slack = graph.slack()
    name = list(graph.tasks)[pick % len(graph)]
    task = graph.tasks[name]
    if task.condition is not None or task.join == "stream":
        return
    later = Fixed(task.duration.typical + slack[name])
    changed = TaskGraph([_lasting(each, later) if each.name == name else each for each in graph])
    assert changed.ideal_seconds == pytest.approx(graph.ideal_seconds)


def _lasting(task: Task, duration: Fixed) -> Task:
    return Task(task.name, task.needs, duration=duration, condition=task.condition, join=task.join)


def test_slack_of_the_critical_path_is_zero() -> None:
    slack = travel().slack()
    assert slack["flights"] == slack["compose"] == 0.0
    assert slack["loyalty"] == pytest.approx(0.68)


def test_sequential_and_ideal_seconds_of_the_travel_graph() -> None:
    graph = travel()
    assert graph.sequential_seconds == pytest.approx(2.27)
    assert graph.ideal_seconds == pytest.approx(1.1)
    assert graph.critical_path().tasks == ("flights", "compose")


def test_sequential_seconds_leave_out_what_is_probably_not_needed() -> None:
    rare = Task("rare", duration=Fixed(5), condition=Condition("a", 0.1))
    assert TaskGraph([Task("a", duration=Fixed(1)), rare]).sequential_seconds == 1.0


def test_chain_of_5000_is_nothing_special() -> None:
    graph = chain(5000)
    assert graph.critical_path().seconds == pytest.approx(5.0)
    assert len(graph.critical_path().tasks) == 5000
    assert len(graph.ancestors("c4999")) == 4999
    assert set(graph.slack().values()) == {0.0}


def test_diamond_of_60_layers_is_nothing_special() -> None:
    graph = diamond(60)
    assert graph.critical_path().seconds == 60.0
    assert len(graph.ancestors("a59")) == 118


def test_unknown_need_names_both_tasks() -> None:
    with pytest.raises(UnknownNeed, match="'a' needs 'b'") as caught:
        TaskGraph([Task("a", ("b",))])
    assert caught.value.tasks == ("a", "b")


def test_unknown_decider_is_an_unknown_need() -> None:
    with pytest.raises(UnknownNeed):
        TaskGraph([Task("a", condition=Condition("b", 0.5))])


def test_duplicate_names_the_task() -> None:
    with pytest.raises(DuplicateTask, match="'a'"):
        TaskGraph([Task("a"), Task("a")])


@given(st.integers(1, 40), st.integers(0, 40), st.integers(0, 2**32))
def test_cycle_tells_its_path(length: int, others: int, seed: int) -> None:
    ring = [Task(f"r{i}", (f"r{(i + 1) % length}",)) for i in range(length)]
    tasks = [*ring, *(Task(f"o{i}", ("r0",)) for i in range(others))]
    random.Random(seed).shuffle(tasks)
    with pytest.raises(CycleError) as caught:
        TaskGraph(tasks)
    path = caught.value.path
    assert path[0] == path[-1]
    assert sorted(path[1:]) == sorted(task.name for task in ring)
    needs = {task.name: task.needs for task in tasks}
    assert all(after in needs[before] for before, after in itertools.pairwise(path))


def test_cycle_of_5000_is_told_in_one_line() -> None:
    with pytest.raises(CycleError) as caught:
        TaskGraph([Task(f"r{i}", (f"r{(i + 1) % 5000}",)) for i in range(5000)])
    assert len(caught.value.path) == 5001
    assert len(str(caught.value)) < 300


def test_cycle_through_a_decider_is_refused() -> None:
    with pytest.raises(CycleError):
        TaskGraph(
            [
                Task("a", ("b",)),
                Task("b", condition=Condition("a", 0.5), speculative=True, effects="pure"),
            ]
        )


NAN, INFINITY = float("nan"), float("inf")
LETTERS: Any = "pur"
HALF_MORE: Any = 1.5


async def answer(inputs: object) -> None:
    return None


class Answers:
    async def __call__(self, inputs: object) -> None:
        return None


@pytest.mark.parametrize(
    "make",
    [
        lambda: Task(""),
        lambda: Task("a", speculative=True, effects="pure"),
        lambda: Task("a", speculative=True, condition=Condition("b", 0.5)),
        lambda: Task("a", speculative=True, condition=Condition("b", 0.5), effects="staged"),
        lambda: Task("a", retries=-1),
        lambda: Task("a", timeout_seconds=0),
        lambda: Task("a", cost_usd=-1.0),
        lambda: Fixed(-1.0),
        lambda: Fixed(float("nan")),
        lambda: LogNormal(2.0, 1.0),
        lambda: Condition("a", 1.5),
        lambda: TaskGraph([Task("a")], {"calls": 0}),
        lambda: TaskGraph([Task("a")], {"calls": HALF_MORE}),
        lambda: TaskGraph([Task("a")], {"calls": HALF_MORE * NAN}),
        lambda: Task("b", needs=LETTERS),
        lambda: Task("b", uses=LETTERS),
        lambda: Task("b", after_output=LETTERS),
        lambda: Task("a", effects=LETTERS),
        lambda: Task("a", first_output_seconds=-1),
        lambda: Task("a", first_output_seconds=NAN),
        lambda: Task("a", cost_usd=NAN),
        lambda: Task("a", cost_usd=INFINITY),
        lambda: Task("a", backoff_seconds=INFINITY),
        lambda: Task("a", takes={"tokens": INFINITY}),
        lambda: Task("a", takes={"tokens": NAN}),
        lambda: Task("a", call=answer, blocking=True),
        lambda: Task("a", call=partial(answer, None), blocking=True),
        lambda: Task("a", call=Answers(), blocking=True),
    ],
)
def test_nonsense_is_refused(make: object) -> None:
    assert callable(make)
    with pytest.raises(GraphError):
        make()


def test_lognormal_hits_its_percentiles() -> None:
    rng, duration = random.Random(1), LogNormal(1.0, 3.0)
    drawn = sorted(duration.sample(rng) for _ in range(20_000))
    assert drawn[10_000] == pytest.approx(1.0, rel=0.03)
    assert drawn[19_000] == pytest.approx(3.0, rel=0.05)


def test_one_at_a_time_takes_the_sum() -> None:
    from coach.engine.simulation import simulate

    assert simulate(travel().one_at_a_time()).makespan == pytest.approx(2.27)


def test_waiting_for_ones_own_output_is_a_ring() -> None:
    with pytest.raises(CycleError):
        TaskGraph([Task("a", after_output=("b",)), Task("b", ("a",))])


def test_a_leader_must_be_in_the_graph() -> None:
    with pytest.raises(UnknownNeed):
        TaskGraph([Task("a", after_output=("b",))])


def test_the_critical_path_leads_over_a_beginning_of_output() -> None:
    leader = Task("leader", duration=Fixed(5), first_output_seconds=2)
    graph = TaskGraph([leader, Task("follower", after_output=("leader",), duration=Fixed(4))])
    assert graph.critical_path().tasks == ("leader", "follower")
    assert graph.ideal_seconds == 6
    assert graph.slack() == {"leader": 0.0, "follower": 0.0}
