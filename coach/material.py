"""What a provider writes from: passages of the lessons, and what changed since the attempt before."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from exercises.kinds.base import Finding

_SENTENCE_END = re.compile(r"(?<=[.!?…])[”\"')\]]*\s+(?=[“\"(\[]?[A-Z0-9À-Þ])")


@dataclass(frozen=True, slots=True)
class Link:
    """A heading of a lesson that a sentence stands on."""

    label: str
    url: str

    def to_dict(self) -> dict[str, str]:
        return {"label": self.label, "url": self.url}


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A paragraph of a published lesson and the heading it stands under."""

    lesson: str
    lesson_title: str
    anchor: str
    title: str
    text: str
    url: str
    position: int
    stressed: bool = False

    @property
    def place(self) -> str:
        return f"{self.lesson}#{self.anchor}"

    @property
    def link(self) -> Link:
        return Link(f"{self.lesson_title}: {self.title}", self.url)

    @property
    def sentences(self) -> tuple[str, ...]:
        return _sentences_of_passage(self.text)


@lru_cache(maxsize=2048)
def _sentences_of_passage(text: str) -> tuple[str, ...]:
    return tuple(sentences_of(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section of a published lesson: its paragraphs, and the question that its author asks there."""

    place: str
    lesson: str
    title: str
    link: Link
    passages: tuple[Passage, ...]
    question: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """From the attempt before to this one. `before_number` is 0 for a first attempt."""

    before_number: int = 0
    mended: tuple[Finding, ...] = ()
    fresh: tuple[Finding, ...] = ()
    staying: tuple[Finding, ...] = ()
    better: tuple[tuple[str, float, float, str], ...] = ()
    """Measures that got better: label, before, now, unit."""


def sentences_of(text: str) -> list[str]:
    return [part.strip() for part in _SENTENCE_END.split(" ".join(text.split())) if part.strip()]
