"""What the engine expects of the provider's cache."""

from __future__ import annotations

import pytest

from coach.engine.prompt import Stability, estimate_tokens
from coach.providers.asking import Shape, ask
from coach.providers.catalogue import MODELS
from coach.providers.forecast import Forecast, written_by_ttl
from coach.providers.port import Call, Part
from coach.providers.servers import SERVERS
from tests.coach.providers.test_breaker import Hand

SONNET = MODELS["claude-sonnet-5-5"]
RULES = "Be short and ask back. " * 200


def shape(question: str, *, mark_question: bool = False) -> Shape:
    parts = (
        Part(name="rules", role="system", text=RULES, stability=Stability.FIXED, breakpoint="5m"),
        Part(
            name="question",
            role="user",
            text=question,
            stability=Stability.CALL,
            breakpoint="5m" if mark_question else None,
        ),
    )
    return ask(Call(purpose="reply", tier="medium", parts=parts), SONNET, SERVERS["anthropic"]).shape


def test_forecast_the_second_call_reads_what_the_first_wrote():
    clock = Hand()
    forecast = Forecast(clock)
    first = forecast.begin(shape("why?"), SONNET)
    assert (first.use.read, first.use.written) == (0, estimate_tokens(RULES))
    forecast.began(first, "msg_1")
    second = forecast.begin(shape("how?"), SONNET)
    assert (second.use.read, second.use.written, second.use.fresh) == (estimate_tokens(RULES), 0, 2)
    assert second.source == "msg_1"


def test_forecast_nothing_is_readable_before_the_first_answer_begins():
    forecast = Forecast(Hand())
    forecast.begin(shape("why?"), SONNET)
    assert not forecast.begin(shape("how?"), SONNET).use.hit


def test_forecast_an_entry_ends_with_its_lifetime():
    clock = Hand()
    forecast = Forecast(clock)
    forecast.began(forecast.begin(shape("why?"), SONNET), "msg_1")
    clock.seconds = 301.0
    assert not forecast.begin(shape("how?"), SONNET).use.hit


def test_forecast_a_better_estimate_still_knows_the_text():
    forecast = Forecast(Hand())
    first = forecast.begin(shape("why?"), SONNET)
    forecast.began(first, "msg_1")
    forecast.learn(first, 2 * first.use.tokens)
    again = forecast.begin(shape("how?"), SONNET)
    assert again.use.read > first.use.written


def test_forecast_learns_how_many_characters_a_token_has():
    forecast = Forecast(Hand())
    one = shape("why?")
    for _ in range(20):
        forecast.learn(forecast.begin(one, SONNET), 1000)
    assert sum(forecast.tokens(one, SONNET)) == pytest.approx(1000, rel=0.02)
    assert sum(forecast.tokens(one, MODELS["claude-opus-5-5"])) != pytest.approx(1000, rel=0.02)


def test_forecast_a_reply_without_figures_teaches_nothing():
    forecast = Forecast(Hand())
    before = forecast.tokens(shape("why?"), SONNET)
    forecast.learn(forecast.begin(shape("why?"), SONNET), 0)
    assert forecast.tokens(shape("why?"), SONNET) == before


@pytest.mark.parametrize(
    ("written", "reported", "marks", "expected"),
    [
        (100, {"5m": 60, "1h": 40}, ((0, "1h"),), {"5m": 60, "1h": 40}),
        (100, {}, ((0, "1h"), (1, "5m")), {"1h": 100}),
        (100, {"5m": 3}, ((0, "5m"),), {"5m": 100}),
        (0, {}, (), {}),
    ],
)
def test_written_by_ttl_takes_what_is_told_or_the_dearest(written, reported, marks, expected):
    assert written_by_ttl(written, reported, marks) == expected
