"""What the pages read: each in one or two queries, whatever the number of lessons."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery

from lessons.models import Course, GlossaryTerm, Lesson, LessonRevision, LessonVisit, SectionProgress, User


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonCard:
    """A lesson in a list, with how far the learner is in it."""

    lesson: Lesson
    revision: LessonRevision
    done: int
    sections: int
    tries: int
    last_anchor: str

    @property
    def address(self) -> str:
        at = f"#{self.last_anchor}" if self.last_anchor else ""
        return self.lesson.get_absolute_url() + at

    @property
    def begun(self) -> bool:
        return bool(self.done or self.last_anchor)

    @property
    def finished(self) -> bool:
        return self.done >= self.sections > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CourseCard:
    course: Course
    lessons: tuple[LessonCard, ...]

    @property
    def next_lesson(self) -> LessonCard | None:
        """Where “Start” leads: the first lesson that is not finished; the first one when all are."""
        return next((card for card in self.lessons if not card.finished), next(iter(self.lessons), None))


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonPage:
    lesson: Lesson
    revision: LessonRevision
    progress: Mapping[str, SectionProgress]
    last_anchor: str


def course_cards_for(learner: User | None) -> tuple[CourseCard, ...]:
    """Every course with a published lesson, in order, with the learner's progress."""
    progress = _progress_of(learner)
    cards: dict[Course, list[LessonCard]] = {}
    for lesson in _published(learner).order_by("course__position", "course__pk", "position", "pk"):
        if lesson.published is not None:
            cards.setdefault(lesson.course, []).append(
                _card(lesson, lesson.published, progress.get(lesson.pk, ()))
            )
    return tuple(CourseCard(course=course, lessons=tuple(found)) for course, found in cards.items())


def lesson_page_for(learner: User | None, *, course: str, lesson: str) -> LessonPage | None:
    """A published lesson with the learner's progress and what follows it (`next_slug`, `next_title`)."""
    found = _published(learner).annotate(**_following()).filter(course__slug=course, slug=lesson).first()
    if found is None or found.published is None:
        return None
    progress = SectionProgress.objects.filter(learner=learner, lesson=found) if learner else ()
    return LessonPage(
        lesson=found,
        revision=found.published,
        progress={row.anchor: row for row in progress},
        last_anchor=_last_anchor(found),
    )


def sections_of(lesson_slug: str) -> list[dict[str, Any]]:
    """The published sections of a lesson, for those who look passages up; empty if there are none."""
    revision = LessonRevision.objects.filter(
        pk__in=Lesson.objects.filter(slug=lesson_slug).values("published")
    ).first()
    return list(revision.sections) if revision else []


def passage_exists(passage: str) -> bool:
    """Whether `lesson-slug#anchor` names a section of a published lesson."""
    slug, _mark, anchor = passage.partition("#")
    return any(section["anchor"] == anchor for section in sections_of(slug))


def glossary_for(course: Course) -> list[GlossaryTerm]:
    return list(GlossaryTerm.objects.filter(course=course))


def section_of(revision: LessonRevision, anchor: str) -> dict[str, Any] | None:
    return next((section for section in revision.sections if section["anchor"] == anchor), None)


def question_of(section: Mapping[str, Any]) -> dict[str, Any] | None:
    return next((block for block in section["blocks"] if block["kind"] == "question"), None)


def progress_rows_for(learner: User) -> list[dict[str, Any]]:
    """All that the lessons keep of a learner, JSON-safe."""
    rows = SectionProgress.objects.filter(learner=learner).order_by("lesson__position", "pk")
    return [
        {
            "lesson": row["lesson__slug"],
            "section": row["anchor"],
            "done_at": row["done_at"] and row["done_at"].isoformat(),
            "question": row["question"],
            "choices": row["choices"],
            "correct": row["correct"],
            "first_correct": row["first_correct"],
            "tries": row["tries"],
        }
        for row in rows.values(
            "lesson__slug", "anchor", "done_at", "question", "choices", "correct", "first_correct", "tries"
        )
    ]


def visit_rows_for(learner: User) -> list[dict[str, Any]]:
    rows = LessonVisit.objects.filter(learner=learner).select_related("lesson").order_by("pk")
    return [
        {"lesson": row.lesson.slug, "section": row.anchor, "visited_at": row.visited_at.isoformat()}
        for row in rows
    ]


def _published(learner: User | None) -> QuerySet[Lesson]:
    lessons = Lesson.objects.filter(published__isnull=False).select_related("course", "published")
    lessons = lessons.defer("source", "published__source")
    if learner is None:
        return lessons
    visit = LessonVisit.objects.filter(learner=learner, lesson=OuterRef("pk"))
    return lessons.annotate(last_anchor=Subquery(visit.values("anchor")[:1]))


def _following() -> dict[str, Subquery]:
    after = Lesson.objects.filter(
        course=OuterRef("course"), published__isnull=False, position__gt=OuterRef("position")
    ).order_by("position", "pk")
    return {
        "next_slug": Subquery(after.values("slug")[:1]),
        "next_title": Subquery(after.values("published__title")[:1]),
    }


def _last_anchor(lesson: Lesson) -> str:
    return getattr(lesson, "last_anchor", None) or ""


def _progress_of(learner: User | None) -> dict[int, list[SectionProgress]]:
    progress: dict[int, list[SectionProgress]] = {}
    if learner is not None:
        for row in SectionProgress.objects.filter(learner=learner):
            progress.setdefault(row.lesson_id, []).append(row)
    return progress


def _card(lesson: Lesson, revision: LessonRevision, progress: Collection[SectionProgress]) -> LessonCard:
    anchors = {section["anchor"] for section in revision.sections}
    return LessonCard(
        lesson=lesson,
        revision=revision,
        done=len(anchors.intersection(row.anchor for row in progress if row.done_at)),
        sections=len(anchors),
        tries=sum(row.tries for row in progress),
        last_anchor=_last_anchor(lesson) if _last_anchor(lesson) in anchors else "",
    )


def lesson_being_written(*, course: str, lesson: str) -> Lesson | None:
    """A lesson as its author has it, published or not: only `access.lesson_for_preview` hands it out."""
    return Lesson.objects.select_related("course").filter(course__slug=course, slug=lesson).first()
