"""Words by which a model could give an answer that its author's own terms do not list: `thesaurus.yaml`."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from coach.replies.guard import AnswerFact

_WORDS: dict[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"))
FAMILIES: tuple[tuple[str, ...], ...] = tuple(map(tuple, _WORDS["families"]))
NATIVE: frozenset[str] = frozenset(_WORDS["native"])
FOREIGN: frozenset[str] = frozenset(_WORDS["foreign"])
WHOLE_LETTERS = 5
_DANGERS: tuple[tuple[str, frozenset[str]], ...] = tuple(
    (str(head), frozenset(map(str, words))) for head, words in _WORDS["dangers"].items()
)


@lru_cache(maxsize=512)
def widened(fact: AnswerFact) -> AnswerFact:
    """The fact with every group's near synonyms."""
    return replace(fact, groups=tuple(_wide(group) for group in fact.groups))


def _wide(group: tuple[str, ...]) -> tuple[str, ...]:
    own = {term.casefold() for term in group}
    more = [word for family in FAMILIES if family[0] in own for word in family]
    # A short word is a whole one: "off" is no beginning of "offers".
    return (*group, *(f"{word.strip()} " if len(word) <= WHOLE_LETTERS else word for word in more))


def dangers_of(fact: AnswerFact) -> frozenset[str]:
    """Words of the dimension in which the fact's remedy lies: order, size, time, what is switched."""
    own = {term.casefold() for group in fact.groups for term in group}
    return frozenset().union(*(words for head, words in _DANGERS if head in own))
