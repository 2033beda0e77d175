"""Is a sentence made of words in which no answer can be told? Pure.

What gives an answer away cannot be listed: an answer has more wordings than anybody writes down. What a
coach needs to point and to ask can be: `plain.yaml`. Beside those words a sentence may have the ones that
the learner has read already. One that claims something has fewer than one that asks, or sends looking.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from coach.replies.disguise import alike
from coach.replies.guard import words_of
from coach.replies.terms import stem_of

_WORDS: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("plain.yaml").read_text(encoding="utf-8"))
_SUBJECTS = frozenset(map(str, _WORDS["subjects"]))
_OPENING = "|".join(map(re.escape, _WORDS["opening"]))
_LOOKING = re.compile(
    rf"^\W*(?:(?:{_OPENING})\b[\s,]+)*(?:{'|'.join(map(re.escape, _WORDS['looking']))})\b", re.IGNORECASE
)
_ASKING = re.compile(
    r"^\W*(?:(?:and|so|but|now|then)\b[\s,]+)?(?:(?:at|in|on|for|from|of|by|to|with|about|before) )?"
    r"(?:what|which|who|whose|when|where|why|how)\b(?! (?:if|about|not)\b)[^?]*\?\W*$",
    re.IGNORECASE,
)
_PHRASES = re.sub(r"\|\s+", "|", _WORDS["phrases"])
_PHRASE = re.compile(rf"\b(?:{_PHRASES})\b")
_BARRED: frozenset[str] = frozenset(_WORDS["barred"])
_CLAIM = re.compile(r"[:;—–“”\"(]")


def claims_nothing(text: str) -> bool:
    """Whether it is an open question, or sends the learner looking; with no second sentence packed in."""
    return bool(_ASKING.match(text) or _LOOKING.match(text)) and not _CLAIM.search(text)


def orders(text: str) -> bool:
    """Whether it begins with a verb that is none of looking. No order ends in s."""
    first = next(iter(words_of(text)), "")
    return not (first in _SUBJECTS or first.endswith("s") or _LOOKING.match(text))


class Plainness:
    """`read`: what the learner may read already, message and hints; its words may be used again.

    `telling`: terms of what is closed; of the words for asking, a claim may have only those that are none.
    """

    def __init__(self, read: Iterable[str], telling: Iterable[str] = ()) -> None:
        self._telling = _stems_of(" ".join(telling))
        self._read = frozenset(stem for text in read for stem in _stems_of(alike(text)))

    def is_plain(self, text: str) -> bool:
        """Small letters, one alphabet: whether it has no strange words and orders no more than to look."""
        return not self.strange_in(text) and not orders(text)

    def strange_in(self, text: str) -> list[str]:
        """The words of a sentence (small letters, one alphabet) that are neither plain nor read."""
        known = _anywhere() | self._read | (_asking() - _BARRED - self._telling)
        if claims_nothing(text):
            known |= _asking()
        return [word for word in words_of(_PHRASE.sub(" ", text)) if not {word, stem_of(word)} & known]


@lru_cache(maxsize=1)
def _anywhere() -> frozenset[str]:
    return _stems_of(" ".join(_WORDS["anywhere"])) | _SUBJECTS


@lru_cache(maxsize=1)
def _asking() -> frozenset[str]:
    return _stems_of(" ".join(map(str, _WORDS["asking"])))


@lru_cache(maxsize=1024)
def _stems_of(text: str) -> frozenset[str]:
    return frozenset(form for word in words_of(text) for form in (word, stem_of(word)))
