from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from lessons.models import AuthoredAnswer, Cohort, Lesson, LessonRevision, User
from tests.lessons.factories import (
    PASSWORD,
    SOURCE,
    make_course,
    make_instructor,
    make_lesson,
    make_member,
    make_published_lesson,
    revision_of,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def instructor(client: Client) -> Client:
    client.force_login(make_instructor())
    return client


def form_of(lesson: Lesson, **changes: object) -> dict[str, object]:
    names = ("title", "slug", "position", "summary", "minutes", "source", "coach_opening", "coach_questions")
    return {**{name: getattr(lesson, name) for name in names}, "course": lesson.course.pk, **changes}


def change(lesson: Lesson) -> str:
    return reverse("admin:lessons_lesson_change", args=[lesson.pk])


def test_lesson_is_added_and_published_in_one_go(instructor: Client):
    data = {
        "course": make_course().pk,
        "title": "New",
        "slug": "new",
        "position": 1,
        "minutes": 5,
        "source": SOURCE,
    }
    response = instructor.post(reverse("admin:lessons_lesson_add"), {**data, "_publish": "1"})
    assert response.status_code == 302
    assert revision_of("new").number == 1


def test_lesson_changed_is_published_when_asked(instructor: Client, client: Client):
    lesson = make_published_lesson()
    source = SOURCE.replace("800 ms", "900 ms").replace("\n", "\r\n")
    instructor.post(change(lesson), form_of(lesson, source=source))
    lesson.refresh_from_db()
    assert revision_of(lesson).number == 1
    assert "\r" not in lesson.source
    instructor.post(change(lesson), form_of(lesson, _publish="1"))
    assert "900 ms" in Client().get(lesson.get_absolute_url()).content.decode()


def test_lesson_with_a_problem_is_told_with_its_line_and_what_was_typed_stays(instructor: Client):
    lesson = make_lesson()
    response = instructor.post(change(lesson), form_of(lesson, source="## No anchor\n\nmy words"))
    page = response.content.decode()
    assert "Line 1: The section needs an anchor" in page
    assert "my words" in page
    lesson.refresh_from_db()
    assert lesson.source == SOURCE


def test_lesson_question_for_the_coach_needs_a_section(instructor: Client):
    lesson = make_lesson()
    response = instructor.post(change(lesson), form_of(lesson, coach_questions="Why? {#nowhere}"))
    assert "Line 1: a suggested question ends with a section" in response.content.decode()


@pytest.mark.parametrize("source", ["\x00", "x" * 100_001])
def test_lesson_with_text_no_database_takes_is_told_at_the_field(instructor: Client, source: str):
    lesson = make_lesson()
    response = instructor.post(change(lesson), form_of(lesson, source=source))
    assert response.status_code == 200
    assert "errorlist" in response.content.decode()


def test_lessons_are_published_from_the_list(instructor: Client):
    lesson = make_lesson()
    data = {"action": "publish", "_selected_action": [lesson.pk]}
    instructor.post(reverse("admin:lessons_lesson_changelist"), data)
    lesson.refresh_from_db()
    assert lesson.published is not None


def test_revision_is_read_only(instructor: Client):
    revision = revision_of(make_published_lesson())
    path = reverse("admin:lessons_lessonrevision_change", args=[revision.pk])
    assert instructor.get(path).status_code == 200
    assert instructor.post(path, {"title": "Other"}).status_code == 403
    assert instructor.get(reverse("admin:lessons_lessonrevision_add")).status_code == 403
    assert instructor.post(path.replace("change", "delete"), {"post": "yes"}).status_code == 403
    assert LessonRevision.objects.get().title == revision.title


@pytest.mark.parametrize("model", ["user", "course", "lesson", "lessonrevision"])
def test_lists_and_forms_open(instructor: Client, model: str):
    make_published_lesson()
    assert instructor.get(reverse(f"admin:lessons_{model}_changelist")).status_code == 200
    assert (
        instructor.get(reverse("admin:lessons_lesson_change", args=[Lesson.objects.get().pk])).status_code
        == 200
    )


def test_person_is_added_with_an_address(instructor: Client):
    path = reverse("admin:lessons_user_add")
    data = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    assert instructor.post(path, data).status_code == 200
    assert instructor.post(path, {**data, "email": "Some@Example.org"}).status_code == 302
    assert User.objects.filter(email="some@example.org").exists()


def test_person_without_address_is_refused_and_guest_keeps_none(instructor: Client):
    guest = User.objects.create_guest()
    path = reverse("admin:lessons_user_change", args=[guest.pk])
    assert instructor.post(path, {"email": "a@example.org", "is_active": "on"}).status_code == 302
    guest.refresh_from_db()
    assert guest.email is None
    member = User.objects.get(is_staff=True)
    path = reverse("admin:lessons_user_change", args=[member.pk])
    assert instructor.post(path, {"email": "", "is_active": "on"}).status_code == 200


def answer_form(lesson: Lesson, **changes: object) -> dict[str, object]:
    given = {
        "question": "Why?",
        "also": "how come\r\nwhat for",
        "answer": "Because it waits.",
        "then": "And yours?",
    }
    return {**given, "course": lesson.course.pk, "passage": f"{lesson.slug}#first", "against": "", **changes}


def test_answer_is_authored(instructor: Client):
    lesson = make_published_lesson()
    response = instructor.post(reverse("admin:lessons_authoredanswer_add"), answer_form(lesson))
    assert response.status_code == 302
    assert AuthoredAnswer.objects.get().also == "how come\nwhat for"
    assert instructor.get(reverse("admin:lessons_authoredanswer_changelist")).status_code == 200


@pytest.mark.parametrize("field", ["passage", "against"])
def test_answer_must_point_at_a_section_that_learners_can_open(instructor: Client, field: str):
    lesson = make_published_lesson()
    data = answer_form(lesson, **{field: f"{lesson.slug}#nowhere"})
    response = instructor.post(reverse("admin:lessons_authoredanswer_add"), data)
    assert "No published lesson has this section" in response.content.decode()
    assert not AuthoredAnswer.objects.exists()


def cohort_form(**changes: object) -> dict[str, object]:
    given = {
        "title": "Autumn",
        "starts_at_0": "2026-11-01",
        "starts_at_1": "09:00:00",
        "ends_at_0": "",
        "ends_at_1": "",
    }
    return {**given, **changes}


def test_cohort_is_made_with_its_learners_and_listed_with_their_number(instructor: Client):
    members = [make_member(), make_member()]
    data = cohort_form(course=make_course().pk, learners=[member.pk for member in members])
    assert instructor.post(reverse("admin:lessons_cohort_add"), data).status_code == 302
    cohort = Cohort.objects.get()
    assert set(cohort.learners.all()) == set(members)
    page = instructor.get(reverse("admin:lessons_cohort_changelist"), {"q": str(members[0])})
    assert '<td class="field-learner_count">2</td>' in page.content.decode()


def test_cohort_that_ends_before_it_starts_is_told_so(instructor: Client):
    data = cohort_form(course=make_course().pk, ends_at_0="2026-10-01", ends_at_1="09:00:00")
    response = instructor.post(reverse("admin:lessons_cohort_add"), data)
    assert "A cohort ends after it starts." in response.content.decode()
    assert not Cohort.objects.exists()
