"""Sentences come whole out of a stream, however it is cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coach.replies.splitting import Splitter


def sentences(text: str, *, size: int = 1) -> list[str]:
    splitter = Splitter()
    found = []
    for at in range(0, len(text), size):
        found += splitter.feed(text[at : at + size])
    return [piece.text for piece in [*found, *splitter.end()]]


CASES = [
    ("One. Two! Three? Four…  Five", ["One.", "Two!", "Three?", "Four…", "Five"]),
    (
        "It takes 0.05 s, i.e. half of 0.1 s. Then it ends.",
        ["It takes 0.05 s, i.e. half of 0.1 s.", "Then it ends."],
    ),
    ("See e.g. “Seat offers”. It waits.", ["See e.g. “Seat offers”.", "It waits."]),
    ("Costs $1.20 vs. $2.40 at 1,500 tokens. Fine.", ["Costs $1.20 vs. $2.40 at 1,500 tokens.", "Fine."]),
    ("“Is it so?” he asks. Look.", ["“Is it so?” he asks.", "Look."]),
    ("He asked “why?” Then he left.", ["He asked “why?”", "Then he left."]),
    ("- first thing\n- second thing\n\nAfter.", ["first thing", "second thing", "After."]),
    ("1. Draw it. 2. Run it.", ["Draw it.", "Run it."]),
    ("**Bold.** And *soft* `a.b. C` end.", ["Bold.", "And soft a.b. C end."]),
    ("# Title\n\nText [here](http://x.y/z).", ["Title", "Text here."]),
    ("Look:\n```\na = 1. B\n\nc\n```\nDone.", ["Look:", "a = 1. B c", "Done."]),
    ("```py\nx.y. Z\n```\nDone.", ["py x.y. Z", "Done."]),
    ("A line\nthat goes on. Next.", ["A line that goes on.", "Next."]),
    ("Wait... then go. Yes.", ["Wait... then go.", "Yes."]),
    ("At 5 p.m. It starts.", ["At 5 p.m. It starts."]),
    ("It takes 5 ms. Then 3 min. Done.", ["It takes 5 ms.", "Then 3 min.", "Done."]),
    ("No. 3 is marked. Look.", ["No. 3 is marked.", "Look."]),
    ("snake_case and a*b stay. Yes", ["snake_case and a*b stay.", "Yes"]),
    ("", []),
    ("\n\n  \n", []),
]


@pytest.mark.parametrize(("text", "expected"), CASES, ids=[text[:20] for text, _ in CASES])
def test_splitter_gives_whole_sentences(text: str, expected: list[str]):
    assert sentences(text) == expected


@given(st.sampled_from([text for text, _ in CASES]), st.integers(min_value=1, max_value=40))
def test_splitter_gives_the_same_for_any_cutting(text: str, size: int):
    assert sentences(text, size=size) == sentences(text)


@given(st.text(alphabet="aB .?!\n`[]#*-1“”", max_size=60), st.integers(min_value=1, max_value=9))
def test_splitter_survives_anything_and_cuts_it_alike(text: str, size: int):
    assert sentences(text, size=size) == sentences(text)


def test_a_sentence_is_not_given_before_it_is_known_to_have_ended():
    splitter = Splitter()
    assert splitter.feed("It takes 0.") == []
    assert splitter.feed("05 s") == []
    assert splitter.feed(". ") == []
    assert [piece.text for piece in splitter.feed("N")] == ["It takes 0.05 s."]


def test_empty_lines_open_paragraphs():
    splitter = Splitter()
    pieces = [*splitter.feed("One. Two.\n"), *splitter.feed("\nThree?\n\nFour."), *splitter.end()]
    assert [(piece.text, piece.opens) for piece in pieces] == [
        ("One.", True),
        ("Two.", False),
        ("Three?", True),
        ("Four.", True),
    ]


@pytest.mark.parametrize(
    "text",
    ["It waits. [parallel#critical-path] Then.", "It waits [parallel#critical-path]. Then."],
)
@pytest.mark.parametrize("size", [1, 3, 100])
def test_citations_come_off_the_sentence_they_stand_behind(text: str, size: int):
    splitter = Splitter()
    pieces = []
    for at in range(0, len(text), size):
        pieces += splitter.feed(text[at : at + size])
    pieces += splitter.end()
    assert [(piece.text, piece.places) for piece in pieces] == [
        ("It waits.", ("parallel#critical-path",)),
        ("Then.", ()),
    ]
