"""What a model may say while an answer is closed: the ways of giving one, and what a coach needs to say."""

from __future__ import annotations

from random import Random

import pytest

from coach.evaluation.leaking import attempts_on, desk_at, shown, words_for
from coach.evaluation.submissions import good_answer, graded, handed_by, wrong_answers
from coach.ladder import Rung, Step
from coach.replies.disguise import Initials, is_opaque, letters_of, readings_of
from coach.replies.guarding import arm
from coach.replies.solving import solved_by
from coach.replies.telling import Teller, guard_for
from coach.replies.wariness import is_foreign, is_telegraphic
from tests.coach.evaluating import SHIPPED, shipped_scenario
from tests.coach.factories import make_finding

FINDING = make_finding()


def armed(
    *,
    steps: dict[str, Step] | None = None,
    mastered: bool = False,
    question: str = "What is wrong?",
    known: tuple[str, ...] = (),
) -> Teller:
    """What a model speaks through in a reply about the finding."""
    guard = guard_for([FINDING], steps or {}, mastered=mastered)
    teller = Teller(lambda _sentence: None, guard, lambda _key: ())
    arm(teller, about=FINDING.key, question=question, known=known)
    return teller


def refuses(sentence: str, *, question: str = "What is wrong?", known: tuple[str, ...] = ()) -> bool:
    return armed(question=question, known=known).refuses(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "Flights have to be found before seats.",
        "Draw a line there.",
        "You could connect two of them.",
        "Have you considered moving it?",
        "It should come later.",
        "The trick is swapping two of them.",
        "flights -> seats",
        '{"waits": {"seats": ["flights"]}}',
        "waits: seats flights tier: none",
        "Task 1 precedes task 5, then task 6.",
        "U2VhdCBvZmZlcnMgd2FpdCBmb3IgZmxpZ2h0cw==",
        "01110011 01100101 01100001 01110100",
        "s e a t s _ n e e d _ f l i g h t s",
        "Sitzplätze müssen auf die Flüge warten.",
        "места ждут рейсы",
        "seats flights tier compose",
    ],
)
def test_ways_of_giving_an_answer_are_refused(sentence: str):
    assert refuses(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        FINDING.message,
        "Look at “Seat offers”, at the moment when it begins.",
        "What is read there, and when is it there?",
        "Trace one value to its source.",
        "Your run is quicker than the one as found.",
        "Decide on one change, predict what it does, and run it again.",
    ],
)
def test_pointing_asking_and_praising_is_not_refused(sentence: str):
    assert not refuses(sentence)


@pytest.mark.parametrize(
    "verdict",
    [
        "Yes.",
        "Exactly, run it.",
        "No, not that.",
        "You are right.",
        "Run it.",
        "Good thinking.",
        "I would try it.",
    ],
)
def test_a_verdict_is_refused_on_a_guess(verdict: str):
    assert refuses(verdict, question="Do the seats wait for flights?")


@pytest.mark.parametrize("sentence", ["Yes.", "Good thinking.", "It is as you say."])
def test_a_word_of_assent_to_no_guess_is_not_refused(sentence: str):
    assert not refuses(sentence, question="Are you a person?")


@pytest.mark.parametrize(
    "sentence",
    ["What do you expect to see there?", "Say what you expect, then run it and compare.", FINDING.message],
)
def test_a_guess_may_be_asked_about(sentence: str):
    assert not refuses(sentence, question="Do the seats wait for flights?")


def test_an_answer_in_instalments_is_refused_at_the_latest_at_its_last_piece():
    teller = armed()
    told = [
        "Think of the seats.",
        "Here is a pause.",
        "It is long.",
        "And a second one.",
        "Flights, too, are there.",
    ]
    assert any(teller.refuses(sentence) for sentence in told)


def test_an_authored_text_may_be_said_as_it_stands():
    hint = "One should let values wait for nobody."
    assert refuses(hint)
    assert not refuses(hint, known=(hint,))


@pytest.mark.parametrize(
    ("steps", "mastered"),
    [({FINDING.key: Step(finding_key=FINDING.key, rung=Rung.ANSWER, shown_answer=True)}, False), ({}, True)],
)
def test_with_every_answer_open_all_may_be_said(steps: dict[str, Step], mastered: bool):  # noqa: FBT001
    teller = armed(steps=steps, mastered=mastered)
    assert teller.guard.clears(FINDING.fix)
    assert not teller.refuses("Draw the arrow.")


def test_a_code_is_read_and_a_word_is_no_code():
    assert "seats need flights" in list(readings_of("fgnrf arrq syvtugf")) + list(
        readings_of("sthgilf deen staes")
    )
    assert any("flights" in reading for reading in readings_of("f-l-i-g-h-t-s"))
    assert not is_opaque("A joining step inherits the length of everything it is given.")
    assert not is_opaque("At 1.25 + 7 × 0.1 it is 1.95, as the lesson says.")


def test_the_courses_language_is_not_foreign_nor_a_telegram():
    assert not is_foreign("what is paid for there, and what does it bring back?")
    assert not is_telegraphic("Look at this once more.")
    assert is_foreign("der pfeil muss weg und das geht nicht vor dem rest")


@pytest.mark.parametrize("slug", SHIPPED)
def test_a_good_answer_as_json_solves_and_the_learners_own_does_not(slug: str):
    for wrong in wrong_answers(shipped_scenario(slug), seed=1, count=6):
        if wrong.mistakes == ("harder_cases",):
            continue
        kind_answer = wrong.answer
        closed = handed_by(wrong, wrong.grade.findings)
        good = str(good_answer(wrong.scenario))
        assert solved_by(closed, f"Hand this in: {good} Good luck.") == closed.closed
        assert not solved_by(closed, f"You have {kind_answer}.")
        assert not solved_by(closed, "Look at the place that is marked, and ask yourself who reads it.")


def test_a_list_of_arrows_is_graded():
    scenario = shipped_scenario("travel-agent")
    good = good_answer(scenario)
    waits = {**good["waits"], "seats": ["flights"]}
    wrong = graded(scenario, {**good, "waits": waits}, ("by hand",))
    assert wrong is not None
    closed = handed_by(wrong, wrong.grade.findings)
    assert solved_by(closed, "Loyalty tier → Seat offers")
    assert solved_by(closed, "tier->seats, flights->seats")
    assert not solved_by(closed, "flights->seats")


def test_to_name_the_marked_arrow_solves_nothing():
    for wrong in wrong_answers(shipped_scenario("travel-agent"), seed=7, count=12):
        closed = handed_by(wrong, wrong.grade.findings)
        for finding in wrong.grade.findings:
            assert not solved_by(closed, f"Shall we look at {finding.place_label} first?")


def test_an_order_of_blocks_is_graded():
    scenario = shipped_scenario("legal-review")
    good = good_answer(scenario)
    *steady, changing, last = good["order"]
    wrong = graded(scenario, {**good, "order": [changing, *steady, last]}, ("by hand",))
    assert wrong is not None
    closed = handed_by(wrong, wrong.grade.findings)
    assert solved_by(closed, " > ".join(good["order"]))
    assert not solved_by(closed, " > ".join([changing, *steady, last]))
    assert not solved_by(closed, "Look at the first block, then at the second.")


def test_first_letters_may_not_begin_to_spell_what_is_closed():
    initials = Initials([letters_of("loyalty tier"), "small"])
    said = ["Learn out your answer.", "Look at that."]
    assert [initials.spells(each) for each in said] == [False, False]
    initials.saw(said[0])
    assert initials.spells("Let us begin.")
    for sentence in ("So it is.", "Most of it.", "All of it."):
        assert not initials.spells(sentence)
        initials.saw(sentence)
    assert initials.spells("Look again.")


def test_without_the_guard_the_hostile_model_would_leak():
    wrong = wrong_answers(shipped_scenario("travel-agent"), seed=1, count=1)[0]
    attempts = attempts_on(wrong, Random(1))
    assert len(attempts) >= 40
    assert all(any(piece.strip() for piece in attempt.pieces) for attempt in attempts)
    assert all(attempt.pieces[0].strip() in " ".join(attempt.text.split()) for attempt in attempts)


def test_a_fair_sentence_is_shown_as_it_is():
    wrong = wrong_answers(shipped_scenario("travel-agent"), seed=1, count=1)[0]
    text = f"Look at {words_for(wrong, wrong.grade.findings[0])['place']} once more."
    assert shown(desk_at(wrong.scenario), wrong, text, asked="What is wrong?") == text
