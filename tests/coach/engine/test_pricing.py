"""Dollars of a call."""

from __future__ import annotations

import pytest

from coach.engine.cache import CacheUse
from coach.engine.errors import PromptError
from coach.engine.pricing import PRICES, TIER_MODELS, cost_of_use, cost_usd, price_of
from coach.engine.timing import TIERS

SONNET = PRICES["claude-sonnet-5-5"]
HAIKU = PRICES["claude-haiku-5-5"]
MILLION = 1_000_000


def test_cost_follows_the_price_list():
    assert cost_usd(SONNET, fresh=MILLION) == pytest.approx(2.0)
    assert cost_usd(SONNET, output=MILLION) == pytest.approx(10.0)


def test_cost_of_writing_depends_on_the_lifetime():
    assert cost_usd(SONNET, written={"5m": MILLION}) == pytest.approx(2.5)
    assert cost_usd(SONNET, written={"1h": MILLION}) == pytest.approx(4.0)


@pytest.mark.parametrize(
    ("model", "dollars"),
    [
        ("claude-sonnet-5-5", 2.0 * 0.05),
        ("claude-opus-5-5", 4.0 * 0.05),
        ("gpt-4o", 2.5 * 0.5),
        ("gpt-5.6-terra", 2.5 * 0.1),
        ("claude-3-5-sonnet", 3.0 * 0.1),
    ],
)
def test_cost_of_reading_depends_on_the_model(model, dollars):
    assert cost_usd(PRICES[model], read=MILLION) == pytest.approx(dollars)


def test_haiku_multiplies_every_rate_by_five_above_a_prompt_of_100000_tokens():
    at_limit = cost_usd(HAIKU, fresh=40_000, read=60_000, output=1_000)
    assert at_limit == pytest.approx((40_000 * 0.1 + 60_000 * 0.01 + 1_000 * 0.5) / MILLION)
    above = cost_usd(HAIKU, fresh=40_001, read=60_000, output=1_000)
    assert above == pytest.approx(5 * (40_001 * 0.1 + 60_000 * 0.01 + 1_000 * 0.5) / MILLION)
    assert cost_usd(HAIKU, written={"5m": 100_001}) == pytest.approx(5 * 100_001 * 0.125 / MILLION)


def test_cost_of_use_reads_the_cache_use():
    use = CacheUse(100, 50, 10, {"5m": 30, "1h": 20})
    expected = cost_usd(SONNET, fresh=10, read=100, written={"5m": 30, "1h": 20}, output=7)
    assert cost_of_use(SONNET, use, output=7) == expected


def test_price_of_knows_tiers_and_models_and_names_them_otherwise():
    assert set(TIER_MODELS) == set(TIERS)
    for tier, model in TIER_MODELS.items():
        assert price_of(tier) is price_of(model)
        assert price_of(model).tier == tier
    with pytest.raises(PromptError, match="claude-haiku-5-5"):
        price_of("nobody")


def test_cost_refuses_a_lifetime_that_does_not_exist():
    with pytest.raises(PromptError, match="2h"):
        cost_usd(SONNET, written={"2h": 1})


def test_prices_are_dated_and_sourced():
    assert all(price.dated and price.source and price.tier in TIERS for price in PRICES.values())
