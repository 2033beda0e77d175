"""Authored answers and glossary terms, found by what a learner asks."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import bm25s
import numpy as np

from coach.replies.terms import folded_terms

SURE = 0.75
"""From here on the question is the one that was answered; it also outweighs what a rule read into it."""
LIKELY = 0.5
"""From here on the answer is about what was asked."""
_CANDIDATES = 48
_HERE, _SAME_LESSON, _SAME_CUES = 0.05, 0.02, 0.06
_CUES = re.compile(r"\b(?:why|when|how|where|which|not|never|what(?= is\b| are\b))\b|n't\b|whats|what's")
# A question of which more than this is about things that no lesson mentions is about something else.
_STRANGE_MAX = 0.45
# Words that no lesson has: they tell a little against any answer, and much against none.
_UNKNOWN = 4.0
_PLAIN = 0.5
_RARE_MAX = 4.5
_BESIDE, _AROUND = 0.5, 0.3
_OF_QUESTION = 0.6
_SUPPORT = 0.3
# One word in common is chance, unless that is most of what the other question says.
_EVIDENCE, _MOST_OF_A_WAY = 4.0, 0.5
# Words that any question may have; they say little about what it is about.
_PLAIN_WORDS = frozenset(
    folded_terms(
        "always better best worth slow fast long time problem really way first new same different number "
        "good idea help start run take come bit every never whole thing step call today while wrong right "
        "often actually together big keep find change user agent people"
    )
)

_SAME_CUE = {"n't": "not", "never": "not", "whats": "what", "what's": "what"}
_SIDES = frozenset("cost fast slow time latency qualit accuracy risk token big small".split())  # noqa: SIM905
_DEFINITION = re.compile(
    r"^(?:so |and |ok(?:ay)?,? )?"
    r"(?:what(?:'s| is| are| does| do)|whats|define|explain|meaning of|definition of)"
    r" (?:(?:a|an|the|by|exactly|meant by) )*(.+?)(?: mean| means| stand for| again)?$"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A question answered in advance. `place`: its passage; `against`: one that pulls the other way."""

    question: str
    answer: str
    place: str
    then: str
    against: str = ""
    terms: frozenset[str] = frozenset()
    around: frozenset[str] = frozenset()
    """The words of its section."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    term: str
    definition: str
    place: str


@dataclass(frozen=True, slots=True)
class Match:
    """An entry and how well it fits what was asked, from 0 to about 1. `exact`: in the words of one way."""

    entry: Entry
    score: float
    exact: bool


@dataclass(slots=True)
class _Way:
    terms: frozenset[str]
    cues: frozenset[str]
    entry: Entry = field(repr=False)


class Bank:
    """All that was written in advance. Finding something is a few hundred microseconds."""

    def __init__(
        self,
        answers: Iterable[Mapping[str, str]] = (),
        glossary: Iterable[Mapping[str, str]] = (),
        *,
        vocabulary: Collection[str] = (),
        sections: Mapping[str, str] | None = None,
    ) -> None:
        """`vocabulary`: the words of the lessons; `sections`: the text of each place."""
        self._ways: list[_Way] = []
        self._around = {place: frozenset(folded_terms(text)) for place, text in (sections or {}).items()}
        self.entries = [self._entry(row) for row in answers]
        self._terms = {
            frozenset(folded_terms(name)): term for term in map(_term, glossary) for name in _names(term)
        }
        counts = Counter(word for way in self._ways for word in way.terms)
        known = {*vocabulary, *counts, *(word for entry in self.entries for word in entry.terms)}
        total = len(self._ways)
        self._weights = {
            word: min(_RARE_MAX, math.log(1 + total / (counts[word] or 1)))
            * (_PLAIN if word in _PLAIN_WORDS else 1.0)
            for word in known
        }
        named = (word for name in self._terms for word in name)
        self._subjects = {*named, *(word for e in self.entries for word in folded_terms(e.question))}
        self._spellings = _spellings(known.union(*self._terms))
        self._bm25 = bm25s.BM25(k1=1.2, b=0.4) if counts else None
        if self._bm25 is not None:
            self._bm25.index([sorted(way.terms) for way in self._ways], show_progress=False)
        self._counted = frozenset(counts)

    def _entry(self, row: Mapping[str, str]) -> Entry:
        ways = [row["question"], *row["also"].splitlines()]
        terms = frozenset(word for text in (*ways, row["answer"]) for word in folded_terms(text))
        entry = Entry(
            question=row["question"],
            answer=row["answer"],
            place=row["passage"],
            then=row["then"],
            against=row["against"],
            terms=terms,
            around=self._around.get(row["passage"], frozenset()),
        )
        self._ways += [_Way(frozenset(folded_terms(way)), _cues(way), entry) for way in ways]
        return entry

    def match(
        self, question: str, *, here: str = "", lesson: str = "", support: Mapping[str, float] | None = None
    ) -> list[Match]:
        """The entries that answer a question, best first; what is open weighs a little more.

        `support`: how much of the question a passage of each place covers."""
        asked, cues = self._read(question), _cues(question)
        if self._strange(asked) > _STRANGE_MAX or (len(asked) == 1 and asked <= _PLAIN_WORDS):
            return []
        found: dict[str, Match] = {}
        for way in self._nearest(asked):
            score = self._overlap(asked, way)
            score += _SUPPORT * min(1.0, (support or {}).get(way.entry.place, 0.0))
            score += _HERE if way.entry.place == here else 0.0
            score += _SAME_CUES if way.cues == cues else 0.0
            score += _SAME_LESSON if way.entry.place.startswith(f"{lesson}#") else 0.0
            known = found.get(way.entry.question)
            if score >= LIKELY and (known is None or score > known.score):
                exact = way.terms == asked and way.cues == cues
                found[way.entry.question] = Match(way.entry, score, exact)
        return sorted(found.values(), key=lambda match: -match.score)

    def about(
        self, question: str, places: Collection[str], *, said: Collection[str] = (), like: str = ""
    ) -> Entry | None:
        """Of some sections' unsaid entries the one that has most of the question's words, or None.

        `like`: what was asked before; among equals the nearer to that."""
        asked, before = self._read(question), self._read(like)
        entries = [entry for place in places for entry in self.of(place, said=said)]
        least = 0.5 * self._weigh(asked)
        fits = [entry for entry in entries if self._weigh(asked & entry.terms) >= least > 0]
        near = {entry.question: self._weigh(before & entry.terms) for entry in fits}
        rate = self._weigh
        return max(fits, key=lambda entry: rate(asked & entry.terms) + near[entry.question], default=None)

    def is_plain(self, question: str) -> bool:
        """Whether it has one content word at most, and that one such as any question may have."""
        asked = self._read(question)
        return len(asked) < 2 and asked <= _PLAIN_WORDS

    def is_general(self, question: str) -> bool:
        """Whether it names nothing but a side of things: what about money, and the time?"""
        return self._read(question) <= _SIDES

    def of(self, place: str, *, said: Collection[str] = (), like: str = "") -> list[Entry]:
        """What was written about a section and not said yet; `like`: what is nearest to these words first."""
        entries = [entry for entry in self.entries if entry.place == place and entry.question not in said]
        asked = self._read(like)
        return sorted(entries, key=lambda entry: -self._weigh(asked & entry.terms))

    def defined(self, question: str) -> Term | None:
        """The glossary term that a question asks for and nothing else: "what is slack"."""
        text = question.casefold().replace("’", "'").strip(" ?!.…")
        found = _DEFINITION.match(text)
        name = found[1] if found else text
        return self._terms.get(frozenset(self._read(name)))

    def _nearest(self, asked: Collection[str]) -> Sequence[_Way]:
        terms = sorted(self._counted.intersection(asked))
        if not terms or self._bm25 is None:
            return []
        scores = self._bm25.get_scores(terms)
        best = np.argsort(-scores, kind="stable")[:_CANDIDATES]
        return [self._ways[int(i)] for i in best if scores[i] > 0]

    def _overlap(self, asked: set[str], way: _Way) -> float:
        """What question and way of asking have in common; the answer's and its section's words count less."""
        common = self._weigh(way.terms & asked)
        of_way = common / (self._weigh(way.terms) or 1.0)
        if of_way < _MOST_OF_A_WAY and not self._is_evidence(way.terms & asked, asked):
            return 0.0
        rest = asked - way.terms
        beside = _BESIDE * self._weigh(rest & way.entry.terms)
        around = _AROUND * self._weigh((rest - way.entry.terms) & way.entry.around)
        of_question = (common + beside + around) / (self._weigh(asked) or 1.0)
        return float(of_question**_OF_QUESTION * of_way ** (1 - _OF_QUESTION))

    def _is_evidence(self, common: frozenset[str], asked: set[str]) -> bool:
        """Two words, or one that the course is about and the question mostly consists of."""
        if len(common) > 1:
            return self._weigh(common) >= _EVIDENCE
        return common <= self._subjects and self._weigh(common) > 0.5 * self._weigh(asked)

    def _strange(self, asked: Collection[str]) -> float:
        known = [word for word in asked if word in self._weights]
        unknown = _RARE_MAX * (len(asked) - len(known))
        return unknown / (unknown + self._weigh(known) or 1.0)

    def _weigh(self, terms: Iterable[str]) -> float:
        return sum(self._weights.get(term, _UNKNOWN) for term in terms)

    def _read(self, question: str) -> set[str]:
        words = {self._spelt(word) for word in folded_terms(question)}
        # A number that no author wrote is the asker's own, and says nothing about what is asked.
        return {word for word in words if word in self._weights or not word[0].isdigit()}

    def _spelt(self, word: str) -> str:
        if word in self._weights or len(word) < 6 or word.isdigit():
            return word
        near = (self._spellings.get(each, "") for each in _damaged(word))
        return next((known for known in near if known[:1] == word[0]), word)


def _cues(text: str) -> frozenset[str]:
    """What kind of question it is: among equals it tells "when should I" from "when should I not"."""
    words = _CUES.findall(text.casefold().replace("’", "'"))
    return frozenset(_SAME_CUE.get(word, word) for word in words)


def _term(row: Mapping[str, str]) -> Term:
    return Term(term=row["term"], definition=row["definition"], place=row["passage"])


def _names(term: Term) -> list[str]:
    """The term, and the abbreviation that its definition gives: "Time to live, TTL, …"."""
    return [term.term, *re.findall(r", ([A-Z]{2,6}),", term.definition)]


def _damaged(word: str) -> list[str]:
    """A word, and what is left without one of its letters: words that meet there are one slip apart."""
    return [word, *(word[:i] + word[i + 1 :] for i in range(len(word)))]


def _spellings(words: Collection[str]) -> dict[str, str]:
    """To each known word from itself and its damaged forms; what could be two words leads nowhere."""
    found: dict[str, set[str]] = {}
    for word in words:
        if len(word) >= 4 and not word.isdigit():
            for damaged in _damaged(word):
                found.setdefault(damaged, set()).add(word)
    return {damaged: min(whole) for damaged, whole in found.items() if len(whole) == 1}
