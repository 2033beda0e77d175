"""Scores are a model's only where the model spoke."""

from __future__ import annotations

from typing import Any

import pytest

from coach.evaluation.voices import Voices

CALL = {"purpose": "reply"}
Turn = tuple[dict[str, Any], str]


def heard(*turns: Turn) -> Voices:
    voices = Voices()
    for trace, state in turns:
        voices.hear(trace, state=state, sentences=4)
    return voices


MODEL: Turn = ({"calls": [CALL], "replaced": 1}, "done")
FALLBACK: Turn = ({"calls": [CALL], "fallback": "unreachable"}, "done")
RULE: Turn = ({"calls": [{"purpose": "classify"}]}, "done")
REFUSED: Turn = ({"calls": [CALL]}, "refused")


def test_nine_in_ten_have_to_be_the_models():
    assert heard(*[MODEL] * 9, FALLBACK).ok
    assert not heard(*[MODEL] * 8, FALLBACK, FALLBACK).ok


def test_what_is_the_rules_to_say_counts_for_nobody():
    voices = heard(MODEL, *[RULE] * 9)
    assert (voices.share, voices.by_rule) == (1.0, 9)


@pytest.mark.parametrize("turns", [(), (RULE,), (FALLBACK,), (REFUSED,)])
def test_without_a_models_word_nothing_is_measured(turns: tuple[Turn, ...]):
    assert not heard(*turns).ok


def test_the_table_says_who_spoke_and_why_not_the_model():
    table = heard(MODEL, FALLBACK, FALLBACK, REFUSED).table()
    assert "written by the model                25.0%     4" in table
    assert "sentences that the guard stopped     5.9%    17" in table
    assert "Why not the model: unreachable 2, refused 1." in table
