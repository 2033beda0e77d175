"""The time model gives the published figures."""

from __future__ import annotations

import pytest

from coach.engine.errors import PromptError
from coach.engine.timing import TIERS, Tier, time_to_first_token, total_seconds


@pytest.mark.parametrize("tier", TIERS.values(), ids=lambda tier: tier.name)
def test_first_token_of_a_45000_token_document_falls_by_85_percent(tier):
    cold = time_to_first_token(tier, fresh=45_050)
    warm = time_to_first_token(tier, fresh=50, read=45_000)
    assert 1 - warm / cold == pytest.approx(0.85, abs=0.02)


def test_first_token_of_the_medium_tier_falls_by_exactly_the_published_share():
    tier = TIERS["medium"]
    cold, warm = time_to_first_token(tier, fresh=45_050), time_to_first_token(tier, fresh=50, read=45_000)
    assert round(100 * (1 - warm / cold)) == 85


@pytest.mark.parametrize("tier", TIERS.values(), ids=lambda tier: tier.name)
def test_first_token_of_a_50000_token_prompt_takes_seconds_cold_and_half_a_second_warm(tier):
    assert 3.0 <= time_to_first_token(tier, fresh=50_000) <= 4.0
    assert time_to_first_token(tier, fresh=50, read=50_000) < 0.5


def test_total_adds_the_output_at_the_decode_rate():
    tier = TIERS["medium"]
    assert total_seconds(tier, fresh=1_000, output=90) == pytest.approx(
        time_to_first_token(tier, fresh=1_000) + 1.0
    )


def test_smaller_tiers_are_faster():
    small, medium, large = (total_seconds(TIERS[name], fresh=1_000, output=200) for name in TIERS)
    assert small < medium < large


def test_classification_is_five_to_ten_times_faster_small_without_reasoning():
    small = total_seconds(TIERS["small"], fresh=600, output=10)
    large = total_seconds(TIERS["large"], fresh=600, output=110)
    assert 5 <= large / small <= 10


def test_tier_refuses_rates_of_zero():
    with pytest.raises(PromptError, match="odd"):
        Tier(
            name="odd",
            base_seconds=0,
            prefill_tokens_per_second=0,
            cache_load_tokens_per_second=1,
            decode_tokens_per_second=1,
        )
