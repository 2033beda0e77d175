from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.engine.errors import GraphError
from coach.engine.graph import Condition, Fixed, Task, TaskGraph
from coach.engine.speculation import break_even_probability, decide, hidden_seconds, judge


def graph(*, decider: float, task: float, other: float = 0.0) -> TaskGraph:
    extra = Task(
        "extra", duration=Fixed(task), cost_usd=0.01, condition=Condition("decider", 0.7), effects="pure"
    )
    return TaskGraph(
        [
            Task("decider", duration=Fixed(decider)),
            Task("other", duration=Fixed(other)),
            extra,
            Task("end", ("extra", "other", "decider")),
        ]
    )


def test_seventy_percent_of_half_a_second_is_350_ms() -> None:
    found = decide(0.70, 0.5, cost_usd=0.001, value_of_second_usd=0.05)
    assert found.expected_saving_seconds == pytest.approx(0.35)
    assert found.expected_waste_usd == pytest.approx(0.0003)
    assert found.worth_it
    assert "350 ms" in found.reason


def test_unlikely_and_fast_is_not_worth_it() -> None:
    found = decide(0.15, 0.09, cost_usd=0.002, value_of_second_usd=0.05)
    assert not found.worth_it
    assert "no more than" in found.reason


def test_hiding_nothing_is_never_worth_it() -> None:
    assert not decide(1.0, 0.0, cost_usd=0.0, value_of_second_usd=1.0).worth_it


def test_hidden_latency_is_the_shorter_of_task_and_decider() -> None:
    assert hidden_seconds(graph(decider=0.12, task=0.5), "extra") == pytest.approx(0.12)
    assert hidden_seconds(graph(decider=0.5, task=0.12), "extra") == pytest.approx(0.12)


def test_slack_hides_nothing() -> None:
    assert hidden_seconds(graph(decider=0.12, task=0.5, other=0.8), "extra") == 0.0
    assert not judge(graph(decider=0.12, task=0.5, other=0.8), "extra", 1.0).worth_it


def test_judge_takes_the_tasks_own_figures() -> None:
    found = judge(graph(decider=0.12, task=0.5), "extra", value_of_second_usd=1.0)
    assert found.expected_saving_seconds == pytest.approx(0.084)
    assert found.expected_waste_usd == pytest.approx(0.003)


def test_a_task_without_a_condition_is_refused() -> None:
    with pytest.raises(GraphError):
        hidden_seconds(graph(decider=1, task=1), "other")


@given(st.floats(0.01, 0.99), st.floats(0.01, 10), st.floats(0.0001, 1), st.floats(0.0001, 1))
def test_break_even_parts_the_worthwhile_from_the_wasteful(
    probability: float, hidden: float, cost: float, value: float
) -> None:
    edge = break_even_probability(hidden, cost, value)
    if abs(probability - edge) > 1e-6:
        assert decide(probability, hidden, cost, value).worth_it == (probability > edge)


def test_break_even_is_never_where_nothing_is_hidden() -> None:
    assert break_even_probability(0.0, 1.0, 1.0) == 1.0
