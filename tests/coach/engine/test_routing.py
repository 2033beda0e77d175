"""Classify, then route."""

from __future__ import annotations

import pytest

from coach.engine.errors import PromptError
from coach.engine.pricing import price_of
from coach.engine.routing import Classifier, RequestClass, Seat, classify_then_route, route_all_to
from coach.engine.timing import TIERS

SEATS = {name: Seat(tier=tier, price=price_of(name)) for name, tier in TIERS.items()}
MIX = (
    RequestClass(name="lookup", share=0.7, seat="small", input_tokens=1_000, output_tokens=150),
    RequestClass(name="explain", share=0.2, seat="medium", input_tokens=1_000, output_tokens=300),
    RequestClass(name="plan", share=0.1, seat="large", input_tokens=1_000, output_tokens=600),
)
CLASSIFIER = Classifier(seat="small", input_tokens=400)


def test_routing_lowers_the_median_and_the_cost_although_the_slowest_gets_a_hop():
    everything = route_all_to("large", MIX, SEATS)
    routed = classify_then_route(MIX, SEATS, CLASSIFIER, fallback="large")
    assert routed.p50_seconds < everything.p50_seconds / 2
    assert routed.mean_cost_usd < everything.mean_cost_usd
    assert routed.p95_seconds > everything.p95_seconds


def test_routing_answers_a_misrouted_request_twice():
    right = classify_then_route(MIX, SEATS, CLASSIFIER, fallback="large")
    wrong = classify_then_route(
        MIX, SEATS, Classifier(seat="small", input_tokens=400, accuracy=0.8), fallback="large"
    )
    assert wrong.mean_seconds > right.mean_seconds
    assert wrong.mean_cost_usd > right.mean_cost_usd


def test_routing_loses_the_cache_of_the_tier_it_leaves():
    cached = {**SEATS, "large": Seat(tier=TIERS["large"], price=price_of("large"), cached_tokens=50_000)}
    long = (RequestClass(name="lookup", share=1, seat="medium", input_tokens=50_000, output_tokens=20),)
    stay = route_all_to("large", long, cached)
    assert classify_then_route(long, cached, CLASSIFIER, fallback="large").p50_seconds > stay.p50_seconds


def test_routing_refuses_unknown_seats_empty_mixes_and_odd_accuracies():
    with pytest.raises(PromptError, match="nobody"):
        route_all_to("nobody", MIX, SEATS)
    with pytest.raises(PromptError, match="shares"):
        route_all_to("small", (), SEATS)
    odd = Classifier(seat="small", input_tokens=1, accuracy=2)
    with pytest.raises(PromptError, match="accuracy"):
        classify_then_route(MIX, SEATS, odd, fallback="large")
