"""The lesson passages that a reply stands on: BM25 over the published paragraphs, indexed anew on change."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import bm25s
import numpy as np

from coach import queries
from coach.material import Link, Passage, Section
from coach.replies.bank import Bank, Term
from coach.replies.terms import asked_terms, terms_of

# It sets itself to DEBUG at import and reports every index.
logging.getLogger("bm25s").setLevel(logging.WARNING)

CHECK_SECONDS = 5.0
"""How long an index is trusted without asking whether another process has published something."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage with its BM25 score, and how much of the question it covers: the score as a share of what a
    passage made of nothing but the question's words would get, words that no lesson has included. `terms`
    counts the question's words."""

    passage: Passage
    score: float
    coverage: float
    terms: int


class Index:
    """All published passages. `find` is a few hundred microseconds; building is some ten milliseconds."""

    def __init__(self, lessons: Sequence[dict[str, Any]]) -> None:
        self.sections = {section.place: section for lesson in lessons for section in _sections_of(lesson)}
        self.passages = [passage for section in self.sections.values() for passage in section.passages]
        questions = {q["place"]: q["text"] for lesson in lessons for q in _questions_of(lesson)}
        corpus = [
            # The heading and the question authors expect count as the paragraph's own words.
            terms_of(f"{passage.text} {passage.title} {passage.title} {questions.get(passage.place, '')}")
            for passage in self.passages
        ]
        self._documents = [frozenset(document) for document in corpus]
        self.frequencies = Counter(term for document in self._documents for term in document)
        self.vocabulary = frozenset(self.frequencies)
        total = len(self.passages) or 1
        self.weights = {term: math.log(1 + total / count) for term, count in self.frequencies.items()}
        self._lesson_of = np.array([passage.lesson for passage in self.passages])
        self._place_of = np.array([passage.place for passage in self.passages])
        self.bank = Bank()
        self.glossary: tuple[Term, ...] = ()
        self._bm25 = None
        if self.vocabulary:
            self._bm25 = bm25s.BM25(k1=1.2, b=0.6)
            self._bm25.index(corpus, show_progress=False)

    def find(self, query: str, *, limit: int = 3, near: str = "", lesson: str = "") -> list[Hit]:
        """The best passages for a question, best first. `near`, `lesson`: what is open weighs more."""
        asked = self.asked(query)
        terms = sorted(asked & self.vocabulary)
        if not terms or self._bm25 is None:
            return []
        scores = self._bm25.get_scores(terms) * self._weights(near, lesson)
        best = np.argsort(-scores, kind="stable")[: limit * 3]
        hits = [self._hit(int(i), float(scores[i]), asked) for i in best if scores[i] > 0]
        return hits[:limit]

    def asked(self, question: str) -> set[str]:
        """The content words of a question, in the lessons' own language where there is a known other name."""
        return asked_terms(question)

    def _weights(self, near: str, lesson: str) -> Any:
        near_ones = np.where(self._place_of == near, 1.35, 1.0)
        return np.maximum(near_ones, np.where(self._lesson_of == lesson, 1.2, 1.0))

    def _hit(self, i: int, score: float, asked: set[str]) -> Hit:
        return Hit(self.passages[i], score, score / self._ideal(asked), len(asked))

    def _ideal(self, asked: set[str]) -> float:
        total = len(self.passages)
        counts = (self.frequencies.get(term, 0) for term in asked)
        return sum(math.log(1 + (total - count + 0.5) / (count + 0.5)) for count in counts) or 1.0

    def at(self, place: str) -> Section | None:
        """The section that `lesson-slug#anchor` names."""
        return self.sections.get(place)

    def of_lesson(self, slug: str) -> list[Section]:
        return [section for section in self.sections.values() if section.lesson == slug]


def _questions_of(lesson: dict[str, Any]) -> Iterable[dict[str, str]]:
    for row in lesson["questions"]:
        if row.get("anchor"):
            yield {"place": f"{lesson['slug']}#{row['anchor']}", "text": row["question"]}


def _sections_of(lesson: dict[str, Any]) -> Iterable[Section]:
    position = 0
    for section in lesson["sections"]:
        place = f"{lesson['slug']}#{section['anchor']}"
        url = f"{lesson['url']}#{section['anchor']}"
        passages = []
        for text, stressed in (each for each in section["paragraphs"] if len(each[0].split()) >= 8):
            passages.append(
                Passage(
                    lesson=lesson["slug"],
                    lesson_title=lesson["title"],
                    anchor=section["anchor"],
                    title=section["title"],
                    text=text,
                    url=url,
                    position=position,
                    stressed=stressed,
                )
            )
            position += 1
        link = Link(f"{lesson['title']}: {section['title']}", url)
        yield Section(
            place=place,
            lesson=lesson["slug"],
            title=section["title"],
            link=link,
            passages=tuple(passages),
            question=section.get("question", ""),
        )


_lock = threading.Lock()
_index: Index | None = None
_key: tuple[object, ...] = ()
_checked_at = 0.0


def index() -> Index:
    """The index of what is published now. Asks the database every few seconds at most; call in a thread."""
    global _index, _key, _checked_at  # noqa: PLW0603 - one index a process
    with _lock:
        if _index is not None and time.monotonic() - _checked_at < CHECK_SECONDS:
            return _index
        key = queries.published_key()
        if _index is None or key != _key:
            _index, _key = _built(), key
        _checked_at = time.monotonic()
        return _index


def _built() -> Index:
    index = Index(queries.published_lessons())
    terms = [row for row in queries.glossary_terms() if row["passage"] in index.sections]
    index.glossary = tuple(
        Term(term=row["term"], definition=row["definition"], place=row["passage"]) for row in terms
    )
    index.bank = Bank(
        [row for row in queries.authored_answers() if row["passage"] in index.sections],
        terms,
        vocabulary=index.vocabulary,
        sections={
            place: " ".join([section.title, *(each.text for each in section.passages)])
            for place, section in index.sections.items()
        },
    )
    return index


def recheck() -> None:
    """Ask the database at the next question whether something has changed."""
    global _checked_at  # noqa: PLW0603 - one index a process
    with _lock:
        _checked_at = -math.inf


def forget() -> None:
    """Something was published: look again at the next question."""
    global _checked_at, _index
    with _lock:
        _index, _checked_at = None, 0.0
