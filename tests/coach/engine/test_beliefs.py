from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.engine.beliefs import Belief, RememberedOutcomes, load_beliefs, outcomes_in, with_beliefs
from coach.engine.errors import GraphError
from coach.engine.graph import Condition, Fixed, Task, TaskGraph
from coach.engine.ports import Outcomes
from coach.engine.simulation import simulate
from coach.engine.trace import CANCELLED, Span, Trace

GRAPH = TaskGraph(
    [
        Task("tier"),
        Task("lounge", condition=Condition("tier", 0.7)),
        Task("menu", ("lounge",), condition=Condition("lounge", 0.5), duration=Fixed(0.1)),
    ]
)


def test_belief_is_told_as_guess_and_outcomes() -> None:
    assert str(Belief(guessed=0.7, needed=26, seen=41)) == "guessed 70 %, was needed in 63 % of 41"
    assert str(Belief(guessed=0.7)) == "guessed 70 %, not seen yet"


def test_belief_begins_with_the_guess_and_gives_way_to_what_came_out() -> None:
    belief = Belief(guessed=0.7)
    assert belief.probability == 0.7
    assert Belief(guessed=0.7, needed=0, seen=10).probability == pytest.approx(0.35)
    assert Belief(guessed=0.7, needed=260, seen=410).probability == pytest.approx(0.636, abs=1e-3)


@given(st.floats(0, 1), st.lists(st.booleans(), max_size=60), st.floats(0.5, 100))
def test_belief_is_the_mean_of_its_beta_and_order_does_not_matter(
    guessed: float, seen: list[bool], weight: float
) -> None:
    belief = Belief(guessed=guessed, weight=weight)
    for needed in seen:
        belief = belief.after(needed=needed)
    alpha = guessed * weight + sum(seen)
    beta = (1 - guessed) * weight + len(seen) - sum(seen)
    assert belief.probability == pytest.approx(alpha / (alpha + beta))
    assert 0.0 <= belief.probability <= 1.0
    variance = alpha * beta / ((alpha + beta) ** 2 * (alpha + beta + 1))
    assert belief.deviation == pytest.approx(variance**0.5, abs=1e-9)
    assert belief == Belief(guessed=guessed, weight=weight, needed=sum(seen), seen=len(seen))


def test_belief_finds_the_true_rate_from_a_wrong_guess() -> None:
    rng, belief = random.Random(7), Belief(guessed=0.9)
    for _ in range(2_000):
        belief = belief.after(needed=rng.random() < 0.2)
    assert belief.probability == pytest.approx(0.2, abs=3 * belief.deviation + 0.005)
    assert belief.deviation < 0.01


@pytest.mark.parametrize(
    "wrong", [{"guessed": 1.1}, {"guessed": 0.5, "needed": 2, "seen": 1}, {"guessed": 0.5, "weight": 0.0}]
)
def test_belief_that_cannot_be_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(GraphError):
        Belief(**wrong)  # type: ignore[arg-type]  # numbers of both sorts


def test_outcomes_are_kept_per_task_and_context() -> None:
    async def scenario() -> None:
        outcomes = RememberedOutcomes()
        assert isinstance(outcomes, Outcomes)
        await outcomes.add("business", {"lounge": True})
        await outcomes.add("business", {"lounge": False})
        await outcomes.add("leisure", {"lounge": False})
        business = await load_beliefs(GRAPH, outcomes, "business")
        leisure = await load_beliefs(GRAPH, outcomes, "leisure")
        assert business["lounge"] == Belief(guessed=0.7, needed=1, seen=2)
        assert leisure["lounge"] == Belief(guessed=0.7, needed=0, seen=1)
        assert business["menu"] == Belief(guessed=0.5)

    asyncio.run(scenario())


def test_graph_takes_believed_probabilities() -> None:
    believed = with_beliefs(GRAPH, {"lounge": Belief(guessed=0.7, needed=0, seen=10)})
    assert believed.tasks["lounge"].condition == Condition("tier", 0.35)
    assert believed.tasks["menu"] is GRAPH.tasks["menu"]


def test_run_tells_what_was_needed_as_far_as_it_was_decided() -> None:
    needed = {"lounge": True, "menu": False}
    assert outcomes_in(GRAPH, simulate(GRAPH, needed=needed)) == needed
    assert outcomes_in(GRAPH, simulate(GRAPH, needed={"lounge": False})) == {"lounge": False}
    stopped = Trace(
        (Span(name="tier", start=0, end=1, status=CANCELLED), Span(name="lounge", start=0, end=1))
    )
    assert outcomes_in(GRAPH, stopped) == {}
