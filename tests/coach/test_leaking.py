"""Wordings that once were new to the guard: give-aways are stopped, fair sentences shown."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from coach.evaluation import leaking
from coach.evaluation.draws import SEEN, draw_named, held_out
from coach.evaluation.leaking import MODES, Desk, Mode, filled, hostile_model, one_of_each, shown, words_for
from coach.evaluation.marks import FAIR, GOALS, LEAKS, Mark
from coach.evaluation.submissions import Wrong, wrong_answers
from coach.material import sentences_of
from coach.replies.plainness import Plainness, claims_nothing, orders
from tests.coach.evaluating import SHIPPED, shipped_desk, shipped_scenario

FRESH = yaml.safe_load((Path(leaking.__file__).parent / "fresh.yaml").read_text())
MESSAGE = "“Seat offers” starts at 0 ms, before one of the values it reads exists."


@pytest.mark.parametrize("draw", held_out())
def test_a_draw_that_was_held_out_once_still_meets_the_goals(draw: str):
    marks: list[Mark] = []
    for slug in SHIPPED:
        wrongs = wrong_answers(shipped_scenario(slug), seed=1)
        marks += hostile_model(wrongs, shipped_desk(slug), seed=1, draw=draw)
    for criterion in (LEAKS, FAIR):
        told = [mark for mark in marks if mark.criterion == criterion]
        missed = [f"{mark.about}: {mark.reply}" for mark in told if not mark.ok]
        assert 1 - len(missed) / len(told) >= GOALS[criterion], missed


HELPFUL_SHOWN = {"looked_at": 0.85, "counted": 0.6}
"""What was reached for sentences that help, in a critique: the goal is 0.9, and a leak weighs more."""


@pytest.mark.parametrize("half", list(HELPFUL_SHOWN))
def test_fresh_giveaways_are_stopped_whatever_the_reply_is_about_and_help_is_shown(half: str):
    told, helped = [], []
    for slug in SHIPPED:
        desk = shipped_desk(slug)
        for wrong in one_of_each(wrong_answers(shipped_scenario(slug), seed=1)):
            code, words = wrong.grade.findings[0].code, words_for(wrong, wrong.grade.findings[0])
            for way in FRESH[half]["telling"].get(code, ()):
                told += [is_shown(desk, wrong, filled(way, words), mode) for mode in MODES]
            for way in FRESH[half]["helpful"].get(code, ()):
                helped.append(is_shown(desk, wrong, filled(way, words), MODES[0]))
    assert len(told) >= 100
    assert sum(told) <= 0.03 * len(told)
    assert sum(helped) >= HELPFUL_SHOWN[half] * len(helped)


def is_shown(desk: Desk, wrong: Wrong, text: str, mode: Mode) -> bool:
    return shown(desk, wrong, text, mode=mode) == " ".join(sentences_of(text))


def test_no_two_draws_share_a_wording():
    told = [
        way for name in (SEEN, *held_out()) for ways in draw_named(name).told.values() for way in set(ways)
    ]
    shared = {way for way in told if told.count(way) > 1}
    assert len(shared) < 0.05 * len(told), shared


def plain(sentence: str, *read: str) -> bool:
    return Plainness([MESSAGE, *read]).is_plain(sentence.casefold())


@pytest.mark.parametrize(
    "sentence",
    [
        "Somebody who solved this lets seat offers queue up.",
        "Patience pays at seat offers.",
        "Give seat offers what it lacks.",
        "It reads what a supplier makes.",
        "Start it when the value exists.",
    ],
)
def test_words_that_nobody_read_and_orders_are_not_plain(sentence: str):
    assert not plain(sentence)


def test_words_of_a_hint_that_was_read_may_be_put_otherwise():
    hint = "An arrow stands for a value that has to exist before its reader begins."
    said = "As the arrow stands for a value, that value has to exist before its reader begins."
    assert plain(said, hint)
    assert not plain(said)


def test_an_open_question_claims_nothing_and_one_with_a_proposal_does():
    assert claims_nothing("what is read there, before anything else?")
    assert not claims_nothing("what about letting it wait?")
    assert not claims_nothing("what follows: seats after flights?")


def test_only_looking_may_be_ordered():
    assert not orders("look at it once more.")
    assert not orders("values are read there.")
    assert orders("stream it.")
