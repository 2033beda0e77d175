import itertools
from typing import Any

import pytest
from django.http import QueryDict

from lessons.figures import FIGURES

NAMES = ["parallel", "cache-first-token", "output-tokens"]


@pytest.fixture(params=NAMES)
def figure(request):
    return FIGURES[request.param]


def opened(name: str, query: str) -> Any:
    return FIGURES[name].render(QueryDict(query))


def shown(name: str, query: str = "") -> Any:
    return opened(name, f"skip=1&set=1&{query}")


def plain(text: object) -> str:
    return str(text).replace("\xa0", " ")


def test_figures_are_the_three(figure):
    assert set(FIGURES) == set(NAMES)
    assert FIGURES[figure.name] is figure


def test_figures_show_nothing_before_the_guess(figure):
    view = figure.render(QueryDict(""))
    assert not view.shown
    assert view.answer is None
    assert not view.guess.errors


def test_figures_open_without_a_guess(figure):
    view = figure.render(QueryDict("skip=1&guess="))
    assert view.shown
    assert view.outcome is None
    assert view.answer.picture.rows


@pytest.mark.parametrize("guess", ["", "abc", "-1", "nan", "inf", "1e999", "9" * 500, "\x00"])
def test_figures_keep_a_guess_that_cannot_be_read(figure, guess):
    params = QueryDict(mutable=True)
    params["guess"] = guess
    view = figure.render(params)
    assert not view.shown
    assert view.guess.errors["guess"]


def test_parallel_says_how_close_the_guess_was():
    close = opened("parallel", "guess=0.8")
    far = opened("parallel", "guess=2.4")
    assert close.outcome.close
    assert not far.outcome.close
    assert plain(far.outcome.sentence) == "Not quite. You said 2.4 s; the engine says 800 ms."
    assert "In a row 2.4 s, at once 800 ms: 3.0 times as fast." in plain(close.answer.point)


def test_parallel_waits_where_one_call_needs_another():
    view = shown("parallel", "calls=3&each_ms=800&last_ms=800&chained=on")
    assert "at once 1.6 s" in plain(view.answer.point)


def test_parallel_is_as_slow_as_its_slowest_call():
    view = shown("parallel", "calls=4&each_ms=500&last_ms=3000")
    assert "In a row 4.5 s, at once 3.0 s" in plain(view.answer.point)


def test_cache_figure_hits_within_the_lifetime_and_misses_behind_it():
    within = shown("cache-first-token", "tokens=50000&minutes=4&tier=medium&ttl=5m")
    behind = shown("cache-first-token", "tokens=50000&minutes=6&tier=medium&ttl=5m")
    longer = shown("cache-first-token", "tokens=50000&minutes=6&tier=medium&ttl=1h")
    assert "still there" in within.answer.point
    assert "cold" in behind.answer.point
    assert "still there" in longer.answer.point


def test_cache_figure_shows_the_published_order_of_magnitude():
    point = plain(shown("cache-first-token", "tokens=50000&minutes=2&tier=medium&ttl=5m").answer.point)
    assert "First token after 490 ms instead of 3.45 s (86 % less)" in point


def test_cache_figure_names_the_minimum_length():
    assert "512" in shown("cache-first-token", "tokens=250&minutes=2&tier=medium&ttl=5m").answer.point


def test_output_figure_compares_prompt_and_output():
    assert opened("output-tokens", "guess=output").outcome.close
    assert not opened("output-tokens", "guess=prompt").outcome.close


def test_output_figure_shows_the_schema_only_when_it_is_on():
    on = shown("output-tokens", "output_tokens=800&schema=on&saved_percent=50").answer
    off = shown("output-tokens", "output_tokens=800&saved_percent=50").answer
    assert "With a schema" in on.picture.sentence
    assert "With a schema" not in off.picture.sentence


def _extremes(field):
    if getattr(field, "choices", None):
        return [value for value, _label in field.choices]
    if hasattr(field, "max_value") and field.max_value is not None:
        return [field.min_value, field.max_value]
    return ["", "on"]


def test_figures_answer_at_every_corner_of_their_controls(figure):
    fields = figure.controls_form().fields
    for values in itertools.product(*map(_extremes, fields.values())):
        given = {name: str(value) for name, value in zip(fields, values, strict=True) if value != ""}
        view = figure.render({"skip": "1", "set": "1", **given})
        assert view.answer is not None, view.controls.errors


@pytest.mark.parametrize("nonsense", ["", "x", "-5", "1e9", "9" * 5000, "\x00", "nan"])
def test_figures_answer_nonsense_with_an_error_at_the_field(figure, nonsense):
    for name, field in figure.controls_form().fields.items():
        if type(field).__name__ == "BooleanField":
            continue
        view = figure.render({"skip": "1", "set": "1", name: nonsense})
        assert view.answer is None
        assert view.controls.errors[name]
