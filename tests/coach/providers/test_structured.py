"""An answer as data, forgiving where models are careless and nowhere else."""

from __future__ import annotations

from enum import Enum
from typing import Literal

import pytest
from pydantic import BaseModel

from coach.providers.structured import read_data


class Mood(Enum):
    CALM = "calm"
    STUCK = "stuck"


class Step(BaseModel):
    mood: Mood
    why: str


class Reply(BaseModel):
    kind: Literal["ask", "tell"]
    steps: list[Step]
    first: Step | None = None


def test_read_data_takes_what_fits():
    found = read_data(Reply, '{"kind": "ask", "steps": [{"mood": "calm", "why": "Asked."}]}')
    assert found == Reply(kind="ask", steps=[Step(mood=Mood.CALM, why="Asked.")])


def test_read_data_forgives_capitals_of_fixed_words_at_any_depth_and_leaves_free_text():
    steps = '[{"mood": " STUCK", "why": "Calm"}]'
    text = f'{{"kind": "Ask", "steps": {steps}, "first": {{"mood": "Calm", "why": "ASK"}}}}'
    found = read_data(Reply, text)
    assert found is not None
    assert (found.kind, found.steps[0].mood, found.steps[0].why) == ("ask", Mood.STUCK, "Calm")
    assert found.first == Step(mood=Mood.CALM, why="ASK")


@pytest.mark.parametrize("around", ["```json\n{}\n```", "Here it is: {} I hope it helps."])
def test_read_data_finds_an_object_between_other_text(around: str):
    assert read_data(Reply, around.replace("{}", '{"kind": "tell", "steps": []}')) == Reply(
        kind="tell", steps=[]
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        '"ask"',
        "{",
        '{"kind": "ask"',
        '{"kind": "ask", "steps": null}',
        '{"kind": "shout", "steps": []}',
        '{"kind": NaN, "steps": []}',
        '{"kind": "ask", "steps": [{"mood": "calm", "why": 3}]}',
        '{"kind": "ask", "steps": [' + "[" * 20_000,
        '{"kind": "ask", "steps": "\\ud800"}',
    ],
)
def test_read_data_gives_nothing_for_anything_else_and_never_raises(text: str):
    assert read_data(Reply, text) is None
