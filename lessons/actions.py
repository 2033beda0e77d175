"""Everything that writes: publishing, progress, and the guest who becomes somebody."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from lessons.models import Lesson, LessonRevision, LessonVisit, SectionProgress, User
from lessons.sections import LessonText, read_lesson, read_questions
from lessons.signals import guest_claimed, lesson_published

# Counts up when the same source gives other HTML than before: publishing again is then a new revision.
RENDERING = 1


def check_lesson_text(*, source: str, coach_questions: str) -> tuple[LessonText, list[dict[str, str]]]:
    """The text and the suggested questions, read; ValidationError names each problem by its field."""
    text = read_lesson(source)
    wrong = {"source": [str(problem) for problem in text.problems]}
    text.problems.clear()
    questions = read_questions(coach_questions, text)
    wrong["coach_questions"] = [str(problem) for problem in text.problems]
    if any(wrong.values()):
        raise ValidationError({name: messages for name, messages in wrong.items() if messages})
    return text, questions


def lesson_digest(lesson: Lesson) -> str:
    """The fingerprint of all that a revision is made from."""
    parts = [RENDERING, lesson.title, lesson.summary, lesson.minutes, lesson.source]
    parts += [lesson.coach_opening, lesson.coach_questions]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True).encode()).hexdigest()


@transaction.atomic
def publish_lesson(*, lesson: Lesson) -> LessonRevision:
    """Make what the author has the next revision; an unchanged lesson keeps the one it has."""
    text, questions = check_lesson_text(source=lesson.source, coach_questions=lesson.coach_questions)
    digest = lesson_digest(lesson)
    locked = Lesson.objects.select_for_update(of=("self",)).select_related("published").get(pk=lesson.pk)
    if locked.published is not None and locked.published.digest == digest:
        return locked.published
    last = LessonRevision.objects.filter(lesson=lesson).aggregate(last=Max("number"))["last"] or 0
    revision = LessonRevision.objects.create(
        lesson=lesson,
        number=last + 1,
        title=lesson.title,
        summary=lesson.summary,
        minutes=lesson.minutes,
        source=lesson.source,
        sections=text.sections,
        coach_opening=lesson.coach_opening,
        coach_questions=questions,
        digest=digest,
    )
    Lesson.objects.filter(pk=lesson.pk).update(published=revision)
    lesson.published = revision
    transaction.on_commit(partial(lesson_published.send, sender=Lesson, lesson=lesson, revision=revision))
    return revision


@transaction.atomic
def answer_question(
    *, learner: User, lesson: Lesson, anchor: str, question: Mapping[str, Any], choices: Sequence[int]
) -> SectionProgress:
    """Keep a try. Right once is done for good; a later wrong try does not undo it."""
    right = {index for index, choice in enumerate(question["choices"]) if choice["correct"]}
    row = _section_progress(learner=learner, lesson=lesson, anchor=anchor)
    if row.question != question["id"]:
        row.tries, row.first_correct = 0, None
    row.question, row.choices, row.correct = question["id"], sorted(choices), set(choices) == right
    row.tries += 1
    row.answered_at = timezone.now()
    if row.first_correct is None:
        row.first_correct = row.correct
    if row.correct and row.done_at is None:
        row.done_at = row.answered_at
    row.save()
    remember_place(learner=learner, lesson=lesson, anchor=anchor)
    return row


@transaction.atomic
def finish_section(*, learner: User, lesson: Lesson, anchor: str) -> SectionProgress:
    """Mark a section as read."""
    row = _section_progress(learner=learner, lesson=lesson, anchor=anchor)
    if row.done_at is None:
        row.done_at = timezone.now()
        row.save(update_fields=["done_at"])
    remember_place(learner=learner, lesson=lesson, anchor=anchor)
    return row


def remember_place(*, learner: User, lesson: Lesson, anchor: str) -> None:
    """Where “continue where you were” leads."""
    place = {"anchor": anchor, "visited_at": timezone.now()}
    LessonVisit.objects.update_or_create(learner=learner, lesson=lesson, defaults=place)


@transaction.atomic
def claim_guest(*, guest: User, learner: User) -> bool:
    """Give a guest's work to the account they signed in to; False when there is nothing to give.

    The guest's row goes with it, so that a claim happens once and the guest's other sessions end.
    """
    locked = User.objects.select_for_update().filter(pk=guest.pk, is_guest=True).first()
    if locked is None or learner.is_guest or locked.pk == learner.pk:
        return False
    guest_claimed.send(sender=User, guest=locked, learner=learner)
    locked.delete()
    return True


@transaction.atomic
def save_account(*, user: User) -> User:
    """Store a sign-up in the guest's own row; in a new one if it is a guest's no longer."""
    if user.pk and not User.objects.select_for_update().filter(pk=user.pk, is_guest=True).exists():
        user = User(email=user.email, password=user.password)
    user.is_guest = False
    user.save()
    return user


def create_demo_instructor() -> tuple[str, str] | None:
    """Gives the e-mail and the password, shown nowhere again; nothing where somebody may author already."""
    if User.objects.filter(is_staff=True).exists():
        return None
    email, password = "instructor@example.org", secrets.token_urlsafe(12)
    User.objects.create_superuser(email, password)
    return email, password


def delete_account(*, learner: User) -> None:
    """Remove a person and all that is theirs."""
    learner.delete()


def move_progress(*, guest: User, learner: User) -> None:
    """Join a guest's progress to an account's: nothing is undone, tries add up, the later place stays."""
    theirs = {(row.lesson_id, row.anchor): row for row in SectionProgress.objects.filter(learner=learner)}
    for row in SectionProgress.objects.filter(learner=guest):
        own = theirs.get((row.lesson_id, row.anchor))
        if own is None:
            SectionProgress.objects.filter(pk=row.pk).update(learner=learner)
        else:
            _join(own, row)
    _move_visits(guest=guest, learner=learner)
    learner.cohorts.add(*guest.cohorts.all())


def _join(own: SectionProgress, other: SectionProgress) -> None:
    own.done_at = min(filter(None, (own.done_at, other.done_at)), default=None)
    if not own.question:
        own.question, own.choices, own.correct = other.question, other.choices, other.correct
        own.first_correct, own.answered_at = other.first_correct, other.answered_at
    own.tries = F("tries") + other.tries
    own.save()


def _move_visits(*, guest: User, learner: User) -> None:
    seen = {row.lesson_id: row.visited_at for row in LessonVisit.objects.filter(learner=learner)}
    for row in LessonVisit.objects.filter(learner=guest):
        if row.lesson_id in seen and seen[row.lesson_id] >= row.visited_at:
            continue
        LessonVisit.objects.filter(learner=learner, lesson=row.lesson_id).delete()
        LessonVisit.objects.filter(pk=row.pk).update(learner=learner)


def _section_progress(*, learner: User, lesson: Lesson, anchor: str) -> SectionProgress:
    row, _created = SectionProgress.objects.select_for_update().get_or_create(
        learner=learner, lesson=lesson, anchor=anchor
    )
    return row
