"""What learners saw, laid beside what left the model."""

from __future__ import annotations

import uuid

import pytest

from bench.coach.provider import SHORT, SHORT_REPLIES, text_for
from bench.coach.reading import lateness

EVERY_SECONDS = 0.2


def turn_with(number: int) -> str:
    """A turn that gets the reply which begins with that sentence."""
    return str(uuid.UUID(int=len(SHORT_REPLIES) * 7 + number))


@pytest.mark.parametrize("left_out", [0, 1, 2])
def test_lateness_is_of_the_sentence_itself_whatever_is_left_out_before_it(left_out: int) -> None:
    turn = turn_with(9)
    text = text_for(turn, SHORT_REPLIES)
    assert text.startswith(SHORT[9])
    sentences = [sentence + "." for sentence in text.removesuffix(".").split(". ")]
    moments = [[0.0, 0.0], *([at * EVERY_SECONDS, at + 1.0] for at in range(len(text)))]
    ends = [text.index(sentence) + len(sentence) for sentence in sentences]
    shown = list(zip(ends, sentences, strict=True))[left_out:-1]
    # Each comes a tenth of a second after the delta that shows it to be whole.
    frames = [[(end + 1) * EVERY_SECONDS + 0.1, "sentence", 0, sentence] for end, sentence in shown]
    late = lateness({"turn": turn, "frames": frames}, {turn: moments})
    assert [round(each.since_ended, 3) for each in late] == [0.1] * len(shown)
