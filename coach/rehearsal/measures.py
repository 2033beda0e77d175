"""What counts as a token here. No tokenizer of the provider exists outside it, so each measure is a stated
stand-in."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from coach.engine.prompt import CHARACTERS_PER_TOKEN, estimate_tokens


@dataclass(frozen=True, slots=True)
class Measure:
    """`count` gives the tokens of a text, `cut` its pieces of a token each: as many as `count` says."""

    count: Callable[[str], int]
    cut: Callable[[str], list[str]]


def _cut_characters(text: str) -> list[str]:
    starts = [round(place * CHARACTERS_PER_TOKEN) for place in range(estimate_tokens(text))]
    return [text[start:end] for start, end in zip(starts, [*starts[1:], len(text)], strict=False)]


CHARACTERS = Measure(estimate_tokens, _cut_characters)
"""The engine's estimate for English."""

WORDS = Measure(lambda text: len(text.split()), re.compile(r"\s*\S+\s*").findall)
"""A word is a token: for programs that want a prompt of exactly so many."""
