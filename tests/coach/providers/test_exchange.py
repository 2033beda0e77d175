"""What a request costs: at most, before it is sent, and as it was told, after."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.engine.pricing import cost_usd
from coach.engine.prompt import Stability
from coach.providers.asking import ask
from coach.providers.catalogue import MODELS, Model
from coach.providers.exchange import new_exchange, worst_usd
from coach.providers.forecast import Forecast
from coach.providers.port import Call, Part
from coach.providers.reading import Counted
from coach.providers.servers import SERVERS
from tests.coach.providers.test_breaker import Hand

HAIKU = MODELS["claude-haiku-5-5"]


def asked(model: Model, characters: int, *, ttl: str | None = None, output: int = 1000):
    part = Part(name="q", role="user", text="x" * characters, stability=Stability.FIXED, breakpoint=ttl)
    call = Call(purpose="reply", tier="small", parts=(part,), max_output_tokens=output)
    return call, ask(call, model, SERVERS["anthropic"])


def test_worst_usd_of_a_prompt_that_can_be_long_takes_the_rates_of_a_long_one():
    _, short = asked(HAIKU, 240_000)
    _, long = asked(HAIKU, 260_000)
    assert short.shape.most_tokens < 100_000 < long.shape.most_tokens
    assert worst_usd(short, HAIKU) == pytest.approx((short.shape.most_tokens * 0.1 + 1000 * 0.5) / 1e6)
    assert worst_usd(long, HAIKU) == pytest.approx(5 * (long.shape.most_tokens * 0.1 + 1000 * 0.5) / 1e6)


def test_worst_usd_counts_every_token_as_written_at_the_dearest_lifetime():
    _, one = asked(HAIKU, 10_000, ttl="1h")
    assert worst_usd(one, HAIKU) == pytest.approx((one.shape.most_tokens * 0.2 + 1000 * 0.5) / 1e6)


def test_worst_usd_counts_only_what_stands_in_front_of_a_breakpoint_as_written():
    parts = tuple(
        Part(name=str(place), role="user", text="x" * 1000, stability=Stability.FIXED, breakpoint=ttl)
        for place, ttl in enumerate(["1h", "5m", None])
    )
    one = ask(Call(purpose="reply", tier="small", parts=parts), HAIKU, SERVERS["anthropic"])
    first, second, third = one.shape.bounds
    assert worst_usd(one, HAIKU) == pytest.approx(
        (first * 0.2 + second * 0.125 + third * 0.1 + 1024 * 0.5) / 1e6
    )


@given(
    model=st.sampled_from(list(MODELS.values())),
    characters=st.integers(1, 400_000),
    ttl=st.sampled_from([None, "5m", "1h"]),
    shares=st.tuples(st.integers(0, 100), st.integers(0, 100), st.integers(0, 100)),
    output=st.integers(1, 2000),
)
def test_worst_usd_is_never_less_than_what_it_costs(model, characters, ttl, shares, output):
    _, one = asked(model, characters, ttl=ttl, output=2000)
    if ttl is None:
        shares = (shares[0], 0, shares[2])
    total = sum(shares) or 1
    read, written, fresh = (one.shape.most_tokens * share // total for share in shares)
    lives = {ttl: written} if ttl else {}
    assert (
        cost_usd(model.price, read=read, written=lives, fresh=fresh, output=output)
        <= worst_usd(one, model) + 1e-12
    )


@pytest.mark.parametrize(("tokens", "factor"), [(100_000, 1), (100_001, 5)])
def test_usage_of_a_long_prompt_costs_what_long_prompts_cost(tokens: int, factor: int):
    call, one = asked(HAIKU, 100)
    exchange = new_exchange(call, one, HAIKU, 1, Forecast(Hand()))
    exchange.reading.counted = Counted(fresh=tokens - 50_000, read=50_000, output=200)
    exchange.reading.stop_reason = "end_turn"
    base = ((tokens - 50_000) * 0.1 + 50_000 * 0.01 + 200 * 0.5) / 1e6
    assert exchange.usage.cost_usd == pytest.approx(factor * base)


def test_usage_of_a_request_that_never_left_is_nothing():
    call, one = asked(HAIKU, 100)
    settled = new_exchange(call, one, HAIKU, 1, Forecast(Hand())).settled("cancelled")
    assert (settled.usage.cost_usd, settled.estimated, settled.request_id) == (0, False, "")
