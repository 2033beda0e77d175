"""Strategies to keep a prefix warm."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.engine.errors import PromptError
from coach.engine.pricing import PRICES
from coach.engine.warming import Strategy, Warming, WarmingChoice, expected_warming, warming_times

SONNET = PRICES["claude-sonnet-5-5"]
NONE = Strategy(kind="none")
LONGER = Strategy(kind="longer_ttl", ttl="1h")
KEEPALIVE = Strategy(kind="keepalive", every_seconds=240, tail_seconds=1_800)
PREWARM = Strategy(kind="prewarm", lead_seconds=240)
ALL = (NONE, PREWARM, KEEPALIVE, LONGER)
WRITE = 45_000 * 2 * 1.25 / 1e6
READ = 45_000 * 2 * 0.05 / 1e6


def choose(
    gaps: Sequence[float],
    *,
    calls: float = 10,
    cold_start_usd: float = 0.0,
    strategies: Sequence[Strategy] = ALL,
) -> WarmingChoice:
    return expected_warming(
        gaps,
        calls=calls,
        prefix_tokens=45_000,
        price=SONNET,
        strategies=strategies,
        cold_start_usd=cold_start_usd,
    )


def test_without_warming_every_gap_over_the_lifetime_is_a_cold_start():
    (outcome,) = choose([60, 360], strategies=[NONE]).outcomes
    assert outcome.cold_starts == pytest.approx(1 + 4.5)
    assert outcome.cost_usd == pytest.approx(5.5 * WRITE + 4.5 * READ)
    assert outcome.warming_calls == 0


def test_a_warm_up_in_time_spares_the_first_cold_start_and_a_late_one_does_not():
    (outcome,) = choose([60], calls=1, strategies=[PREWARM]).outcomes
    assert outcome.cold_starts == 0
    assert outcome.cost_usd == pytest.approx(WRITE + READ)
    too_early = Strategy(kind="prewarm", lead_seconds=300)
    (outcome,) = choose([60], calls=1, strategies=[too_early]).outcomes
    assert outcome.cold_starts == 1
    assert outcome.cost_usd == pytest.approx(2 * WRITE)


def test_keep_alive_pays_a_read_for_every_period_of_idleness():
    (outcome,) = choose([600], calls=2, strategies=[KEEPALIVE]).outcomes
    assert outcome.cold_starts == 1
    assert outcome.warming_calls == 2 + 7
    assert outcome.cost_usd == pytest.approx(WRITE + READ + 9 * READ)


def test_keep_alive_slower_than_the_lifetime_writes_again_and_again():
    slow = Strategy(kind="keepalive", every_seconds=400, tail_seconds=1_000)
    (outcome,) = choose([1_000], calls=2, strategies=[slow]).outcomes
    assert outcome.cost_usd == pytest.approx(WRITE + READ + 4 * WRITE)


def test_keep_alive_gives_up_on_a_gap_longer_than_its_tail():
    short = Strategy(kind="keepalive", every_seconds=240, tail_seconds=600)
    (outcome,) = choose([1_500], calls=2, strategies=[short]).outcomes
    assert (outcome.cold_starts, outcome.warming_calls) == (2, 2 + 2)
    assert outcome.cost_usd == pytest.approx(2 * WRITE + 4 * READ)
    assert choose([1_500], calls=4, strategies=[NONE, short, LONGER]).best.strategy is LONGER


def test_best_is_nothing_for_a_dense_day_and_a_longer_lifetime_for_gaps_in_between():
    assert choose([20, 60, 120]).best.strategy is NONE
    assert choose([60, 900, 1_500]).best.strategy is LONGER


def test_best_takes_the_worth_of_a_cold_start_into_account():
    assert choose([20, 60], calls=2, cold_start_usd=0.0).best.strategy is NONE
    assert choose([20, 60], calls=2, cold_start_usd=1.0).best.strategy is PREWARM


@given(st.lists(st.floats(1, 10_000), min_size=1, max_size=8), st.integers(1, 50))
def test_cold_starts_never_exceed_the_calls_and_the_best_is_the_least(gaps, calls):
    choice = choose(gaps, calls=calls, cold_start_usd=0.1)
    assert all(0 <= o.cold_starts <= calls + 1e-9 for o in choice.outcomes)
    worth = [o.cost_usd + 0.1 * o.cold_starts for o in choice.outcomes]
    assert choice.best.cost_usd + 0.1 * choice.best.cold_starts == min(worth)


def test_comparing_refuses_what_cannot_be_compared():
    with pytest.raises(PromptError, match="at least one"):
        choose([])
    with pytest.raises(PromptError, match="at least one"):
        choose([60], calls=0)
    with pytest.raises(PromptError, match="at least one"):
        choose([60], strategies=[])
    with pytest.raises(PromptError, match="above zero"):
        choose([60], strategies=[Strategy(kind="keepalive")])
    with pytest.raises(PromptError, match="2h"):
        choose([60], strategies=[Strategy(kind="longer_ttl", ttl="2h")])


def test_warming_times_are_a_warm_up_and_the_idle_moments():
    plan = Warming(prewarm_at=100, keepalive_every_seconds=240, keepalive_until=1_000)
    assert warming_times([300, 900], plan) == [("prewarm", 100), ("keepalive", 540), ("keepalive", 780)]
    assert warming_times([300], Warming()) == []
    assert warming_times([], Warming(keepalive_every_seconds=60, keepalive_until=1_000)) == []
