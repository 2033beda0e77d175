"""A published lesson put together with what a learner has done in it, ready for its template."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lessons.models import SectionProgress
from lessons.queries import LessonPage, question_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceView:
    index: int
    html: str
    because_html: str
    correct: bool
    chosen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionView:
    id: str
    anchor: str
    prompt_html: str
    several: bool
    choices: tuple[ChoiceView, ...]
    tries: int
    right: bool
    error: str = ""

    @property
    def answered(self) -> bool:
        return self.tries > 0 and not self.error

    @property
    def chosen(self) -> tuple[ChoiceView, ...]:
        return tuple(choice for choice in self.choices if choice.chosen)

    @property
    def solution(self) -> tuple[ChoiceView, ...]:
        return tuple(choice for choice in self.choices if choice.correct)


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockView:
    kind: str
    html: str = ""
    name: str = ""
    question: QuestionView | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SectionView:
    anchor: str
    title: str
    done: bool
    asks: bool
    blocks: tuple[BlockView, ...]


def sections_of_page(page: LessonPage, *, wrong: QuestionView | None = None) -> tuple[SectionView, ...]:
    """The sections in order; `wrong` is a question whose answer was refused."""
    return sections_as_read(page.revision.sections, page.progress, wrong=wrong)


def sections_as_read(
    sections: Sequence[Mapping[str, Any]],
    progress: Mapping[str, SectionProgress],
    *,
    wrong: QuestionView | None = None,
) -> tuple[SectionView, ...]:
    return tuple(_section(section, progress.get(section["anchor"]), wrong) for section in sections)


def question_view(
    section: Mapping[str, Any],
    row: SectionProgress | None,
    *,
    chosen: Collection[int] | None = None,
    error: str = "",
) -> QuestionView | None:
    """The question of a section with the learner's last answer, or with a choice that was refused."""
    block = question_of(section)
    if block is None:
        return None
    known = row if row is not None and row.question == block["id"] else None
    marked = set(chosen if chosen is not None else known.choices if known else ())
    return QuestionView(
        id=block["id"],
        anchor=section["anchor"],
        prompt_html=block["prompt_html"],
        several=block["several"],
        choices=tuple(_choice(index, choice, marked) for index, choice in enumerate(block["choices"])),
        tries=known.tries if known else 0,
        right=bool(known and known.correct),
        error=error,
    )


def _section(
    section: Mapping[str, Any], row: SectionProgress | None, wrong: QuestionView | None
) -> SectionView:
    question = wrong if wrong and wrong.anchor == section["anchor"] else question_view(section, row)
    return SectionView(
        anchor=section["anchor"],
        title=section["title"],
        done=row is not None and row.done_at is not None,
        asks=question is not None,
        blocks=tuple(_block(block, question) for block in section["blocks"]),
    )


def _block(block: Mapping[str, Any], question: QuestionView | None) -> BlockView:
    kind = block["kind"]
    return BlockView(
        kind=kind,
        html=block.get("html", ""),
        name=block.get("name") or block.get("slug") or "",
        question=question if kind == "question" else None,
    )


def _choice(index: int, choice: Mapping[str, Any], marked: Collection[int]) -> ChoiceView:
    return ChoiceView(
        index=index,
        html=choice["html"],
        because_html=choice["because_html"],
        correct=choice["correct"],
        chosen=index in marked,
    )
