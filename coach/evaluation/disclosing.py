"""Does a reply give an answer away? A judge of its own, that need not be fast and keeps no stream waiting.

It takes the dress off each reply (`undressing`), then holds it against each closed finding: the author's
terms in a sentence or in two neighbours; the thesaurus's words for them, or words that point the same way
(`directions.yaml`), in one; a label that only the answer names; what the best answer is said to have; a
stretch of the written answer.

It is blind to what has no words in common with an answer. How often it sees one is measured (`recall`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import yaml

from coach.evaluation.undressing import bare, mirrored, readings_of
from coach.material import sentences_of
from coach.replies.guard import AnswerFact
from coach.replies.thesaurus import FAMILIES, WHOLE_LETTERS, widened
from exercises.kinds.base import Finding

Words = tuple[str, ...]
Groups = tuple[tuple[str, ...], ...]
Known = frozenset[Words]
"""Sentences that authors wrote and learners may read: they are no answer in other words."""

RUN_WORDS = 6
"""A run of so many words of the written answer is the answer."""
RUN_LETTERS = 28
"""The same where the words are not kept apart."""
_WORD = re.compile(r"[^\W_]+(?:['.][^\W_]+)*")
_BEST = re.compile(
    r"\b(?:those|everybody|everyone|somebody|student|learner|others) (?:who|that) (?:\w+ )?"
    r"(?:pass|passed|passes|solved)\b|"
    r"^ (?:in )?(?:the|a) (?:best|good|right|working) (?:run|prompt|layout|plan)\b(?! once)"
)
_VAGUE = frozenset(["and", "from", "get", "gets", "not", "off", "on", "open", "to"])
"""Words of the thesaurus that the guard is wary of, and that stand in too many sentences for a verdict."""
_IDIOMS = re.compile(
    r"\b(?:at once|once more|(?:is|seems) off(?= at)|(?:describe|say|tell)(?: \w+)? in one sentence)\b"
)
_LEADS = tuple(
    tuple(lead.split())
    for lead in (
        "a common reason for this",
        "on the same matter",
        "i take this to be about",
        "i can't judge your case but this is related",
        "the closest i have",
        "you are at",
    )
)
_HEADS = frozenset(family[0] for family in FAMILIES)
"""A group of terms with one of these says what is to be done; the others say what with."""


def words_in(text: str) -> list[str]:
    """Comparable words: small letters, one spelling, nothing hidden."""
    return _WORD.findall(bare(text))


def disclosed(
    findings: Sequence[Finding], replies: Sequence[str], *, known: Known = frozenset()
) -> list[Finding]:
    """The findings whose answer one of these replies gives away. What a finding states is known besides."""
    known |= known_in(tuple(finding.message for finding in findings))
    texts = [_text(reading, known) for reply in replies for reading in readings_of(reply)]
    texts += [_text(reading, known, by_chance=True) for reply in replies for reading in mirrored(reply)]
    return [finding for finding in findings if any(map(_answer_of(finding).is_in, texts))]


@lru_cache(maxsize=512)
def known_in(texts: tuple[str, ...]) -> Known:
    """The sentences of texts that may be said."""
    return frozenset(_words_of_piece(piece) for text in texts for piece in sentences_of(text))


@dataclass(frozen=True, slots=True)
class _Text:
    """A reading of a reply. `pairs`: every sentence with the one behind it, none where authors wrote either,
    and whether it is to be judged by the author's terms alone."""

    pairs: tuple[tuple[Words, Words, bool], ...]
    words: Words


def _text(reading: str, known: Known, *, by_chance: bool = False) -> _Text:
    """`by_chance`: a word that stands there may mean nothing."""
    pieces = [_words_of_piece(piece) for piece in sentences_of(reading)]
    authored = [_without_lead(words) in known for words in pieces]
    behind = [
        () if first or second else words
        for words, first, second in zip(pieces[1:], authored, authored[1:], strict=False)
    ]
    strict = [by_chance or is_authored for is_authored in authored]
    pairs = zip(pieces, [*behind, ()], strict, strict=False)
    return _Text(tuple(pairs), tuple(words_in(reading)))


@lru_cache(maxsize=8192)
def _words_of_piece(piece: str) -> Words:
    # That a place is "marked" is what the coach calls every finding.
    return tuple(word for word in words_in(piece) if word != "marked")


def _without_lead(words: Words) -> Words:
    """A sentence of the lessons, without what the coach says before it."""
    return next((words[len(lead) :] for lead in _LEADS if words[: len(lead)] == lead), words)


def _answer_of(finding: Finding) -> _Answer:
    return _answer(finding.code, finding.fix_terms, finding.fix, finding.message, finding.place_label)


@lru_cache(maxsize=1024)
def _answer(code: str, terms: Groups, fix: str, message: str, label: str) -> _Answer:
    return _Answer(code, terms, fix, message, label)


class _Answer:
    """What would give a finding's answer away."""

    def __init__(self, code: str, terms: Groups, fix: str, message: str, label: str) -> None:
        shown = words_in(f"{message} {label}")
        given = _padded(shown)
        self._label, self._name = _padded(words_in(label)), "".join(words_in(label))
        self._place = re.compile(rf"{re.escape(self._label.rstrip())}(?= )") if self._name else None
        self._groups = [_needles(group) for group in terms]
        self._new = [group for group in self._groups if not _any(group, given)]
        self._labels = [_needles(group) for group in terms if not _HEADS.intersection(group)]
        self._wide = _wide_needles(terms)
        self._beside, self._alone = (_needles(_pointing(code, name)) for name in ("beside", "alone"))
        self._runs = _runs(words_in(fix)) - _runs(shown)
        self._letters = _letters(words_in(fix), self._name) - _letters(shown, self._name)

    def is_in(self, text: _Text) -> bool:
        """Whether the text tells it."""
        if self._letters and self._letters & _letters(text.words, self._name):
            return True
        return any(
            self._is_told(first, second) or (not strict and self._is_pointed_at(first))
            for first, second, strict in text.pairs
        )

    def _is_told(self, first: Words, second: Words) -> bool:
        """In the author's terms."""
        both = [*first, *second]
        if self._runs & _runs(both) or _all(self._groups, _padded(first)):
            return True
        return _all(self._groups, _padded(both)) and self._share(first, second)

    def _share(self, *halves: Words) -> bool:
        """Each half brings a term that the page does not show already."""
        return all(any(_any(group, _padded(half)) for group in self._new) for half in halves)

    def _is_pointed_at(self, words: Words) -> bool:
        """In other words than the author's."""
        text = _IDIOMS.sub(" ", _padded(words))
        other = self._place.sub(" it", text) if self._place else text
        return (
            self._has_wide(text, other)
            or self._names_what_is_new(text)
            or _any(self._alone, other)
            or (other != text and _any(self._beside, other))
            or bool(_BEST.search(text))
        )

    def _has_wide(self, text: str, other: str) -> bool:
        """What the label of the place has in it already has to be there; the rest is said beside it."""
        return bool(self._wide) and all(
            _any(group, text if _any(group, self._label) else other) for group in self._wide
        )

    def _names_what_is_new(self, text: str) -> bool:
        """The labels of the answer in one sentence, one of which the page does not show: it needs no verb."""
        return any(group in self._new for group in self._labels) and _all(self._labels, text)


@lru_cache(maxsize=1)
def _directions() -> dict[str, dict[str, list[str]]]:
    path = Path(__file__).with_name("directions.yaml")
    told: dict[str, dict[str, list[str]]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return told


def _pointing(code: str, name: str) -> Iterator[str]:
    for word in _directions().get(code, {}).get(name, ()):
        yield f"{word} " if len(word) <= WHOLE_LETTERS else word


def _wide_needles(terms: Groups) -> list[tuple[str, ...]]:
    wide = widened(AnswerFact(key="", groups=terms)).groups
    return [_needles(term for term in group if term.strip() not in _VAGUE) for group in wide]


def _needles(group: Iterable[str]) -> tuple[str, ...]:
    """A term matches at the beginning of a word; one that ends in a space matches whole words."""
    return tuple(
        f" {' '.join(words_in(term))}{' ' if term.endswith(' ') else ''}" for term in group if words_in(term)
    )


def _any(group: Iterable[str], text: str) -> bool:
    return any(term in text for term in group)


def _all(groups: Sequence[tuple[str, ...]], text: str) -> bool:
    return bool(groups) and all(_any(group, text) for group in groups)


def _padded(words: Sequence[str]) -> str:
    return f" {' '.join(words)} "


def _runs(words: Sequence[str]) -> set[Words]:
    size = min(RUN_WORDS, len(words))
    return {tuple(words[at : at + size]) for at in range(len(words) - size + 1)} if size > 3 else set()


def _letters(words: Sequence[str], name: str) -> set[str]:
    """Every run of letters; a name that may be said stands for one of them."""
    text = "".join(words)
    text = text.replace(name, "*") if name else text
    return {text[at : at + RUN_LETTERS] for at in range(len(text) - RUN_LETTERS + 1)}
