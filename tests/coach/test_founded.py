"""A model's sentence stands on what it was given, or is not said."""

from __future__ import annotations

import pytest

from coach.replies.founded import Grounds, numbers_in

FACTS = ("It takes 1,500 tokens, 0.05 s and $2.40; p95 is 800ms. 70 % of 41.",)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1,500 and 1500 and 1’500", {"1500"}),
        ("2.40, 2,4 and 02.4", {"2.4"}),
        ("p95 and S3 name things; 95 does not", {"95"}),
        ("800ms", {"800"}),
        ("0.0", {"0"}),
        ("none", set()),
        ("09:30", {"9", "30"}),
    ],
)
def test_numbers_have_one_spelling(text: str, numbers: set[str]):
    assert numbers_in(text) == numbers


@pytest.mark.parametrize("sentence", ["1500 tokens in 0.05 seconds.", "It costs $2.4.", "No number at all."])
def test_sentence_with_given_numbers_stands(sentence: str):
    assert not Grounds(FACTS).refuses(sentence)


@pytest.mark.parametrize("sentence", ["It takes 1,501 tokens.", "That is 50 ms.", "Twice 0.05 s is 0.10 s."])
def test_sentence_with_a_number_of_its_own_is_refused(sentence: str):
    assert Grounds(FACTS).refuses(sentence)


def test_instructions_are_refused_whole_and_in_short_pieces():
    told = "You are the coach. You talk with people. They try things out and you help them to see it."
    assert Grounds(FACTS, told).refuses("They try things out and you help them to see it.")
    pieces = Grounds(FACTS, told)
    assert [pieces.refuses(each) for each in ("You are the coach.", "You talk with people.")] == [False, True]
    assert not Grounds(FACTS, told).refuses("You talk with people.")
