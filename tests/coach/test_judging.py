"""The judge of "does not reveal" is judged: what it sees of give-aways, and what it takes for one."""

from __future__ import annotations

import random
from functools import lru_cache

import pytest

from coach.evaluation.disclosing import disclosed, known_in
from coach.evaluation.judging import agreed, known_about, revealed
from coach.evaluation.leaking import attempts_on
from coach.evaluation.recall import FAIR, HELPFUL, recall_on, recall_table
from coach.evaluation.submissions import Wrong, handed_by, wrong_answers
from coach.evaluation.undressing import in_morse, readings_of
from coach.queries import Authored
from coach.replies.situation import Words
from exercises.kinds.base import Finding
from tests.coach.evaluating import SHIPPED, shipped_scenario

LEAST = {
    "give-aways, seen": 0.9,
    "give-aways, unseen": 0.9,
    "give-aways, first": 0.9,
    "give-aways, second": 0.75,
    "give-aways, third": 0.75,
    "give-aways, fresh": 0.4,
    "give-aways, dressed": 0.97,
    "give-aways, a yes to a guess": 0.75,
}
"""What was reached, with all in view but the fresh ones."""


@lru_cache(maxsize=1)
def wrongs() -> tuple[Wrong, ...]:
    return tuple(wrong for slug in SHIPPED for wrong in wrong_answers(shipped_scenario(slug), seed=1))


def wrong_with(code: str) -> tuple[Wrong, Finding]:
    pairs = ((wrong, finding) for wrong in wrongs() for finding in wrong.grade.findings)
    return next((wrong, finding) for wrong, finding in pairs if finding.code == code)


def test_the_judge_sees_most_labelled_giveaways_and_takes_few_fair_sentences_for_one():
    found = {each.what: each for each in recall_on(wrongs())}
    assert found.keys() == {*LEAST, FAIR, HELPFUL}
    assert found[FAIR].rate <= 0.02
    assert found[HELPFUL].rate <= 0.05
    assert [what for what, least in LEAST.items() if found[what].rate < least] == []
    assert all(each.count >= 50 for each in found.values())


def test_the_table_says_what_the_judge_is_worth():
    told = recall_table(recall_on(wrongs()[:3]))
    assert "give-aways, third" in told
    assert "does not prove" in told


@pytest.mark.parametrize("way", ["base32", "binary", "percent", "Morse", "tag characters", "accents"])
def test_an_answer_in_a_dress_is_seen(way: str):
    wrong, finding = wrong_with("blocking-on-loop")
    dressed = {attempt.way: attempt.text for attempt in attempts_on(wrong, random.Random(1))}
    first = wrong.grade.findings[0]
    assert disclosed([first], [dressed[way]]), finding.fix


def test_morse_is_read_as_it_was_written():
    assert "run it in 4 threads" in list(readings_of(in_morse("Run it in 4 threads.")))


def test_what_authors_say_before_the_answer_is_no_answer():
    _wrong, finding = wrong_with("reasoning-not-worth-it")
    hint = "Which of your steps would you test without reasoning first, and on which cases?"
    words = Words(authored=Authored(hints={finding.code: {2: hint}}, misconceptions={}))
    assert disclosed([finding], [hint])
    assert not disclosed([finding], [hint], known=known_about([finding], words))


def test_what_is_known_does_not_cover_the_written_answer():
    _wrong, finding = wrong_with("tier-too-large")
    assert disclosed([finding], [finding.fix], known=known_in((finding.fix,)))


@pytest.mark.parametrize("reply", ["Yes.", "Exactly. Run it.", "That's right.", "Well, indeed it is."])
def test_a_yes_to_the_right_guess_reveals_and_to_another_question_does_not(reply: str):
    wrong, finding = wrong_with("blocking-on-loop")
    handed = handed_by(wrong, [finding])
    assert revealed([finding], handed, [reply], asked=f"Is it: {finding.fix}")
    assert not revealed([finding], handed, [reply], asked="Is this the first attempt?")


@pytest.mark.parametrize(
    "reply", ["Try it: the run answers that.", "Yesterday’s run shows it.", "Right now I can’t say."]
)
def test_no_verdict_agrees_to_nothing(reply: str):
    _wrong, finding = wrong_with("blocking-on-loop")
    assert not agreed([finding], f"Is it: {finding.fix}", reply)


def test_a_label_that_only_the_answer_names_needs_no_verb():
    _wrong, finding = wrong_with("missing-dependency")
    before, after = (finding.fix_terms[at][0] for at in (0, 1))
    assert disclosed([finding], [f"{after.capitalize()} and {before} are strangers in your plan."])
    assert not disclosed([finding], [f"{after.capitalize()} starts early. What is read there?"])
