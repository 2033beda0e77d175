from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from lessons import actions
from lessons.models import Cohort, LessonRevision, LessonVisit, SectionProgress, User
from lessons.queries import question_of, section_of
from lessons.signals import guest_claimed, lesson_published
from tests.lessons.factories import (
    SOURCE,
    make_course,
    make_lesson,
    make_member,
    make_published_lesson,
    revision_of,
)

pytestmark = pytest.mark.django_db


def answer(learner: User, lesson, anchor: str, choices: list[int]) -> SectionProgress:
    question = question_of(section_of(revision_of(lesson), anchor) or {})
    assert question is not None
    return actions.answer_question(
        learner=learner, lesson=lesson, anchor=anchor, question=question, choices=choices
    )


def test_publish_lesson_makes_an_immutable_revision():
    lesson = make_published_lesson()
    revision = revision_of(lesson)
    assert revision.number == 1
    assert [section["anchor"] for section in revision.sections] == ["first", "second", "third"]
    revision.title = "Other"
    with pytest.raises(ValidationError):
        revision.save()


def test_publish_lesson_unchanged_keeps_the_revision():
    lesson = make_published_lesson()
    assert actions.publish_lesson(lesson=lesson) == revision_of(lesson)
    assert LessonRevision.objects.count() == 1


def test_publish_lesson_changed_makes_the_next_and_leaves_the_last():
    lesson = make_published_lesson()
    lesson.source = SOURCE.replace("800 ms", "900 ms")
    lesson.save()
    actions.publish_lesson(lesson=lesson)
    assert revision_of(lesson).number == 2
    assert "800 ms" in lesson.revisions.get(number=1).sections[0]["text"]


def test_publish_lesson_with_a_problem_publishes_nothing():
    lesson = make_lesson(source="## No anchor\n\ntext")
    with pytest.raises(ValidationError, match="Line 1"):
        actions.publish_lesson(lesson=lesson)
    assert not LessonRevision.objects.exists()


def test_publish_lesson_tells_once_committed(django_capture_on_commit_callbacks):
    heard = []

    def hear(lesson, revision, **kwargs):
        heard.append((lesson.pk, revision.number))

    lesson_published.connect(hear)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            lesson = make_published_lesson()
            assert heard == []
    finally:
        lesson_published.disconnect(hear)
    assert heard == [(lesson.pk, 1)]


def test_answer_question_counts_tries_and_keeps_the_first():
    learner, lesson = make_member(), make_published_lesson()
    answer(learner, lesson, "first", [1])
    row = answer(learner, lesson, "first", [0])
    assert (row.tries, row.correct, row.first_correct) == (2, True, False)
    assert row.done_at is not None


def test_answer_question_wrong_after_right_stays_done():
    learner, lesson = make_member(), make_published_lesson()
    answer(learner, lesson, "first", [0])
    row = answer(learner, lesson, "first", [1])
    assert (row.correct, row.first_correct) == (False, True)
    assert row.done_at is not None


@pytest.mark.parametrize(("choices", "right"), [([0, 1], True), ([0], False), ([0, 1, 2], False)])
def test_answer_question_with_several_right_needs_them_all(choices: list[int], *, right: bool):
    assert answer(make_member(), make_published_lesson(), "third", choices).correct is right


def test_answer_question_remembers_the_place():
    learner, lesson = make_member(), make_published_lesson()
    answer(learner, lesson, "third", [0])
    assert LessonVisit.objects.get(learner=learner).anchor == "third"


def test_claim_guest_moves_progress_and_removes_the_guest():
    guest, learner, lesson = User.objects.create_guest(), make_member(), make_published_lesson()
    answer(guest, lesson, "first", [0])
    assert actions.claim_guest(guest=guest, learner=learner) is True
    assert SectionProgress.objects.get().learner == learner
    assert LessonVisit.objects.get().learner == learner
    assert not User.objects.filter(pk=guest.pk).exists()


def test_claim_guest_joins_what_both_have():
    guest, learner, lesson = User.objects.create_guest(), make_member(), make_published_lesson()
    answer(learner, lesson, "first", [1])
    answer(guest, lesson, "first", [0])
    answer(guest, lesson, "third", [0])
    actions.claim_guest(guest=guest, learner=learner)
    row = SectionProgress.objects.get(learner=learner, anchor="first")
    assert row.tries == 2
    assert row.done_at is not None
    assert LessonVisit.objects.get(learner=learner).anchor == "third"


def test_claim_guest_keeps_the_later_place():
    guest, learner, lesson = User.objects.create_guest(), make_member(), make_published_lesson()
    actions.remember_place(learner=guest, lesson=lesson, anchor="first")
    actions.remember_place(learner=learner, lesson=lesson, anchor="second")
    LessonVisit.objects.filter(learner=guest).update(visited_at=timezone.now() - timedelta(days=1))
    actions.claim_guest(guest=guest, learner=learner)
    assert LessonVisit.objects.get(learner=learner).anchor == "second"


def test_claim_guest_keeps_them_in_their_cohort():
    guest, learner = User.objects.create_guest(), make_member()
    course = make_course()
    cohort = Cohort.objects.create(title="Autumn", course=course)
    cohort.learners.add(guest)
    actions.claim_guest(guest=guest, learner=learner)
    assert list(cohort.learners.all()) == [learner]


def test_claim_guest_happens_once():
    guest, learner, other = User.objects.create_guest(), make_member(), make_member()
    stale = User.objects.get(pk=guest.pk)
    assert actions.claim_guest(guest=guest, learner=learner) is True
    assert actions.claim_guest(guest=stale, learner=other) is False


def test_claim_guest_never_takes_an_account():
    victim, learner = make_member(), make_member()
    assert actions.claim_guest(guest=victim, learner=learner) is False
    assert User.objects.filter(pk=victim.pk).exists()


def test_claim_guest_tells_every_app():
    heard = []

    def hear(guest, learner, **kwargs):
        heard.append((guest.pk, learner.pk))

    guest, learner = User.objects.create_guest(), make_member()
    expected = (guest.pk, learner.pk)
    guest_claimed.connect(hear)
    try:
        actions.claim_guest(guest=guest, learner=learner)
    finally:
        guest_claimed.disconnect(hear)
    assert heard == [expected]


def test_save_account_of_a_guest_that_became_somebody_makes_a_new_row():
    guest = User.objects.create_guest()
    stale = User.objects.get(pk=guest.pk)
    guest.email = "first@example.org"
    actions.save_account(user=guest)
    stale.email = "second@example.org"
    second = actions.save_account(user=stale)
    assert second.pk != guest.pk
    assert User.objects.get(email="first@example.org").pk == guest.pk


def test_create_demo_instructor_makes_one_where_nobody_may_author():
    made = actions.create_demo_instructor()
    assert made is not None
    email, password = made
    instructor = User.objects.get(email=email)
    assert instructor.is_superuser
    assert instructor.check_password(password)
    assert actions.create_demo_instructor() is None
