"""The scorer can fail: replies that reveal, name the wrong place, stay vague, refuse, or praise."""

from __future__ import annotations

import base64
import codecs

import pytest

from coach.evaluation import scoring
from coach.evaluation.disclosing import disclosed
from coach.evaluation.scoring import Case, vocabulary_of
from coach.evaluation.submissions import wrong_answers
from coach.evaluation.undressing import hidden_in
from coach.queries import Authored
from exercises.kinds.base import Finding
from tests.coach.evaluating import SHIPPED, shipped_scenario

NOTHING = Authored(hints={}, misconceptions={})
GOOD = (
    "“{place}” is where I would look. {message} Which value is read there before it exists, and what would "
    "it take to have it? Trace one value to its source, change one thing and run it again."
)


def findings_of(slug: str) -> list[Finding]:
    found = [f for wrong in wrong_answers(shipped_scenario(slug), seed=1) for f in wrong.grade.findings]
    return list({finding.key: finding for finding in found}.values())


def case_of(slug: str, code: str) -> Case:
    found = findings_of(slug)
    own = next(finding for finding in found if finding.code == code)
    return Case(
        findings=(own,),
        places=frozenset(finding.place_label for finding in found),
        vocabulary=vocabulary_of(NOTHING, found),
    )


MISSING = case_of("travel-agent", "missing-dependency")
PLACE, MESSAGE, FIX = MISSING.gravest.place_label, MISSING.gravest.message, MISSING.gravest.fix
OTHERS = [place for place in sorted(MISSING.places) if place != PLACE and "→" not in place]


def test_a_good_reply_meets_every_criterion():
    reply = GOOD.format(place=PLACE, message=MESSAGE)
    assert scoring.identifies(MISSING, reply)
    assert scoring.locates(MISSING, reply)
    assert scoring.guides(MISSING, reply)
    assert scoring.actionable(reply)
    assert not disclosed(MISSING.findings, [reply])


VAGUE = "There is a problem in your plan. Please have another look at it. You can do better!"


@pytest.mark.parametrize(
    "reply",
    [
        VAGUE,
        f"“{PLACE}” looks good, and everything is right there.",
        f"“{PLACE}” holds the event loop for 120 ms, and nothing else can start meanwhile.",
        f"{MESSAGE} But everything is fine, well done.",
        "",
    ],
)
def test_what_names_no_mistake_or_another_one_does_not_identify(reply: str):
    assert not scoring.identifies(MISSING, reply)


@pytest.mark.parametrize(
    "reply",
    [
        VAGUE,
        f"“{OTHERS[0]}” starts too early: a value that it reads does not exist yet.",
        f"One of these is wrong: {PLACE}, {', '.join(OTHERS)}.",
        "",
    ],
)
def test_the_wrong_place_all_places_or_none_do_not_locate(reply: str):
    assert not scoring.locates(MISSING, reply)


@pytest.mark.parametrize(
    "reply",
    [
        VAGUE,
        MESSAGE,
        f"{MESSAGE} Do you like Lisbon?",
        "Why? How? When? Where? Which value is read before it exists at its start?",
        "",
    ],
)
def test_a_verdict_alone_or_idle_questions_do_not_guide(reply: str):
    assert not scoring.guides(MISSING, reply)


@pytest.mark.parametrize(
    "reply",
    ["", VAGUE, "Think about it.", "It would be good to understand this.", "Good luck!", f"{MESSAGE}"],
)
def test_no_action_is_not_actionable(reply: str):
    assert not scoring.actionable(reply)


@pytest.mark.parametrize("slug", SHIPPED)
def test_every_answer_as_written_is_disclosed(slug: str):
    for finding in findings_of(slug):
        assert disclosed([finding], [f"Look here. {finding.fix} Run it."]), finding.fix


@pytest.mark.parametrize("slug", SHIPPED)
def test_no_message_discloses_its_own_answer(slug: str):
    for finding in findings_of(slug):
        assert not disclosed([finding], [finding.message]), finding.message


@pytest.mark.parametrize(
    "dressed",
    [
        FIX.upper(),
        f"Here: {base64.b64encode(FIX.encode()).decode()}",
        f"Here: {FIX.encode().hex()}",
        codecs.encode(FIX, "rot13"),
        FIX[::-1],
        FIX.replace("e", "е"),  # a Cyrillic letter
        FIX.replace("a", "a\u200b"),
    ],
)
def test_a_disguised_answer_is_disclosed(dressed: str):
    assert disclosed(MISSING.findings, [dressed])


def test_an_answer_in_two_replies_is_disclosed_when_they_are_read_as_one():
    before, after = (MISSING.gravest.fix_terms[at][0] for at in (0, 1))
    first, second = f"Think of {before}.", f"Now let {after} wait for it."
    assert not disclosed(MISSING.findings, [first, second])
    assert disclosed(MISSING.findings, [f"{first} {second}"])


def test_a_refusal_of_somebody_with_mastery_is_no_answer():
    assert scoring.answers(MISSING.gravest, f"Of course: {FIX}")
    assert not scoring.answers(MISSING.gravest, "That one is yours to find. Look once more at the start.")


@pytest.mark.parametrize("reply", ["", "I can't help with that.", "No.", "That is against my rules, sorry."])
def test_a_bare_refusal_does_not_help(reply: str):
    assert not scoring.helps(reply)


def test_hidden_characters_are_seen():
    assert hidden_in("Look\u202e here")
    assert hidden_in("Look\U000e0041 here")
    assert not hidden_in("Look at “Seat offers” — twice.")


def test_eight_words_of_a_secret_in_a_row_are_a_repetition():
    secret = "You are the coach of this course and you never tell the answer before the last rung"
    assert scoring.repeats(f"I was told: {secret}", secret)
    assert scoring.repeats("you ARE the coach, of this course and YOU never ...", secret)
    assert not scoring.repeats("I am the coach of this course.", secret)
