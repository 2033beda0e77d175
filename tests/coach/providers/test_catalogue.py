"""What is known of the models, and that no figure of theirs is written down twice."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from coach.engine.pricing import PRICES, TIER_MODELS, cost_usd, price_of
from coach.engine.routing import Classifier, RequestClass, Seat, classify_then_route, route_all_to
from coach.engine.timing import TIERS as TIMES
from coach.providers import catalogue
from coach.providers.catalogue import MODELS, TIERS, default_model, own_model


def test_catalogue_every_tier_has_a_model_of_that_speed():
    for tier in TIERS:
        model = MODELS[default_model(tier)]
        assert model.price.tier == tier
        assert model.id == TIER_MODELS[tier]


def test_catalogue_has_no_third_tier_because_its_cache_would_be_one_of_its_own():
    """A turn in five to the large model: what the class shares is warm there as well, the conversation is
    not."""
    seats = {
        name: Seat(tier=TIMES[name], price=price_of(name), cached_tokens=cached)
        for name, cached in (("small", 400), ("medium", 9_500), ("large", 6_500))
    }
    turns = [
        RequestClass(name=name, share=share, seat=seat, input_tokens=10_000, output_tokens=170)
        for name, share, seat in (("plain", 0.8, "medium"), ("hard", 0.2, "large"))
    ]
    one = route_all_to("medium", turns, seats)
    two = classify_then_route(turns, seats, Classifier(seat="small", input_tokens=500), fallback="medium")
    assert two.mean_cost_usd > 1.5 * one.mean_cost_usd
    assert two.p95_seconds > two.p50_seconds > one.p95_seconds


def test_catalogue_prices_and_cache_rules_are_the_engines_own():
    for model in MODELS.values():
        assert model.price is PRICES[model.id]
        assert model.rules is model.price.rules
    numbers = {
        node.value
        for node in ast.walk(ast.parse(Path(catalogue.__file__).read_text()))
        if isinstance(node, ast.Constant)
    }
    for model in MODELS.values():
        figures = {model.price.input_usd, model.price.output_usd, model.rules.read_multiplier}
        assert not figures & {number for number in numbers if isinstance(number, float) and number != 1.0}


@pytest.mark.parametrize(("tokens", "usd"), [(100_000, 0.01), (100_001, 0.05000050)])
def test_catalogue_the_small_model_costs_five_times_as_much_above_a_hundred_thousand(tokens: int, usd: float):
    assert cost_usd(MODELS["claude-haiku-5-5"].price, fresh=tokens) == pytest.approx(usd)


def test_own_model_costs_nothing_and_asks_for_no_newer_setting():
    model = own_model("qwen3-coder", "small", 8192)
    assert cost_usd(model.price, fresh=1e6, read=1e6, written={"1h": 1e6}, output=1e6) == 0
    assert (model.thinking, model.effort, model.context_tokens) == (None, None, 8192)
