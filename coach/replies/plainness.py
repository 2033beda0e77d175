"""Is a sentence made of words in which no answer can be told? Pure.

What gives an answer away cannot be listed: an answer has more wordings than anybody writes down. What a
coach needs to point and to ask can be: `plain.yaml`. Beside those words a sentence may have the ones that
the learner has read already. One that claims something has fewer than one that asks, or sends looking.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from coach.material import sentences_of
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
_NO_ORDER = ("s", "ing", "ed", "tion")
_STATING = frozenset(
    {"is", "are", "was", "were", "has", "have", "does", "do", "can", "held", "will", "means"}
)
_BARRED: frozenset[str] = frozenset(_WORDS["barred"])
_RECOMMENDS = re.compile(rf"\b(?:{'|'.join(_WORDS['recommending'])})\b")
_SUPPOSES = re.compile(rf"\b(?:{'|'.join(_WORDS['supposing'])})\b")
_CLAIM = re.compile(r"[:;—–“”\"(]")


def claims_nothing(text: str) -> bool:
    """Whether it is an open question, or sends the learner looking; with no second sentence packed in."""
    return bool(_ASKING.match(text) or looks(text)) and not _CLAIM.search(text)


def looks(text: str) -> bool:
    """Whether it sends somebody looking."""
    return bool(_LOOKING.match(text))


def orders(text: str) -> bool:
    """Whether it begins with a verb that is none of looking. No order begins with a word in s, or has its
    verb behind its first word."""
    first, *rest = words_of(text) or [""]
    named = first.endswith(_NO_ORDER) or _STATING.intersection(rest[:2])
    return not (first in _SUBJECTS or named or looks(text))


@dataclass(frozen=True, slots=True)
class Course:
    """What the open lesson and the exercise's page say: stems, and whole sentences in comparable words."""

    stems: frozenset[str] = frozenset()
    sentences: frozenset[str] = frozenset()

    def with_words_of(self, text: str) -> Course:
        """The same, with what the page says of this attempt."""
        return Course(self.stems | _stems_of(alike(text)), self.sentences)


NO_COURSE = Course()


@lru_cache(maxsize=64)
def course_of(texts: tuple[str, ...]) -> Course:
    """Of the texts that everybody at a lesson or an exercise can read; they are few."""
    stems = frozenset[str]().union(*(_stems_of(alike(text)) for text in texts))
    return Course(stems, sentences_in(texts))


def sentences_in(texts: Iterable[str]) -> frozenset[str]:
    """Whole sentences in comparable words."""
    said = (sentence for text in texts for line in text.splitlines() for sentence in sentences_of(line))
    return frozenset(" ".join(words_of(sentence)) for sentence in said)


class Plainness:
    """`read`: what the learner may read already, message and hints; its words may be used again.

    `telling`: terms of what is closed; of the words for asking, a claim may have only those that are none.
    `course`: stems of the course's own words, for what recommends nothing; what asks openly, and recommends
    nothing, may have any word. `dangers`: what is never said of what is closed.
    """

    def __init__(
        self,
        read: Iterable[str],
        telling: Iterable[str] = (),
        *,
        course: frozenset[str] = frozenset(),
        dangers: Sequence[re.Pattern[str]] = (),
    ) -> None:
        self._telling = _stems_of(" ".join(telling))
        self._read = frozenset(stem for text in read for stem in _stems_of(alike(text)))
        self._course, self._dangers = course, dangers

    def is_plain(self, text: str) -> bool:
        """Small letters, one alphabet: whether it has no strange words and orders no more than to look."""
        bare = _PHRASE.sub(" ", text)
        if orders(text) or any(dangers.search(bare) for dangers in self._dangers):
            return False
        strange = self.strange_in(text)
        unread = self._unread(strange)
        if not strange:
            return True
        if _RECOMMENDS.search(bare):
            return False
        if claims_nothing(text):
            return len(unread) <= 1 or not _SUPPOSES.search(bare)
        return not unread

    def is_read(self, text: str) -> bool:
        """Whether what speaks of no exercise stays within the words of the lessons, but for one."""
        return len(self._unread(self.strange_in(text))) <= 1

    def _unread(self, words: Iterable[str]) -> list[str]:
        return [word for word in words if not {word, stem_of(word)} & (self._course | _common())]

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
def _common() -> frozenset[str]:
    return _stems_of(" ".join(map(str, _WORDS["common"])))


@lru_cache(maxsize=1)
def _asking() -> frozenset[str]:
    return _stems_of(" ".join(map(str, _WORDS["asking"])))


@lru_cache(maxsize=1024)
def _stems_of(text: str) -> frozenset[str]:
    return frozenset(form for word in words_of(text) for form in (word, stem_of(word)))
