"""Whether a model's sentence stands on what it was given: its numbers, and none of its instructions."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from coach.replies.guard import words_of

LEAK_WORDS = 8
"""So many words in a row from the instructions are a leak."""

_NUMBER = re.compile(r"(?<![^\W_])\d+(?:[,'’\u00a0\u202f]\d{3})*(?:[.,]\d+)?")
_THOUSANDS = re.compile(r"[,'’\u00a0\u202f](?=\d{3}(?:\D|$))")


class Grounds:
    """`facts`: texts of the lessons, the exercise and the grader; `instructions`: what must not be said.

    Sentences are asked about in their order: instructions in short pieces are instructions.
    """

    def __init__(self, facts: Iterable[str], instructions: str = "") -> None:
        self._numbers: frozenset[str] = frozenset().union(*(numbers_in(text) for text in facts))
        self._instructions = _runs_of(instructions)
        self._before: list[str] = []

    def refuses(self, sentence: str) -> bool:
        """Whether it has a number that nobody gave, or repeats the instructions."""
        leaks = self._leaks(sentence)
        return leaks or bool(numbers_in(sentence) - self._numbers)

    def _leaks(self, sentence: str) -> bool:
        words = [*self._before, *words_of(sentence)]
        self._before = words[-LEAK_WORDS + 1 :]
        runs = (tuple(words[at : at + LEAK_WORDS]) for at in range(len(words) - LEAK_WORDS + 1))
        return any(run in self._instructions for run in runs)


@lru_cache(maxsize=256)
def numbers_in(text: str) -> frozenset[str]:
    """The numbers of a text in one spelling: "1,500" is 1500, "2.40" is 2.4, "007" is 7."""
    return frozenset(_plain(found[0]) for found in _NUMBER.finditer(text))


def _plain(number: str) -> str:
    number = _THOUSANDS.sub("", number).replace(",", ".")
    whole, _, rest = number.partition(".")
    rest = rest.rstrip("0")
    whole = whole.lstrip("0") or "0"
    return f"{whole}.{rest}" if rest else whole


@lru_cache(maxsize=8)
def _runs_of(text: str) -> frozenset[tuple[str, ...]]:
    words = words_of(text)
    return frozenset(tuple(words[at : at + LEAK_WORDS]) for at in range(len(words) - LEAK_WORDS + 1))
