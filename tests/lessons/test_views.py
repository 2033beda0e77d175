from __future__ import annotations

import json

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from django.urls import reverse

from lessons.access import lesson_page_for
from lessons.models import LessonVisit, SectionProgress, User
from tests.lessons.factories import PASSWORD, make_instructor, make_lesson, make_member, make_published_lesson

pytestmark = pytest.mark.django_db


def address(lesson, name: str = "lesson") -> str:
    return reverse(f"lessons:{name}", args=[lesson.course.slug, lesson.slug])


def answer(client: Client, lesson, anchor: str = "first", choice: object = "0", **extra):
    return client.post(address(lesson, "answer"), {"anchor": anchor, "choice": choice}, **extra)


def rows_of_everything() -> list[object]:
    models = (User, SectionProgress, LessonVisit, Session)
    return [list(model.objects.order_by("pk").values()) for model in models]


def test_home_shows_lessons_with_minutes_and_a_way_in(client: Client):
    lesson = make_published_lesson(minutes=25)
    page = client.get("/").content.decode()
    assert lesson.title in page
    assert "25 minutes" in page
    assert f'class="button" href="{lesson.get_absolute_url()}"' in page


def test_home_without_lessons_says_so(client: Client):
    make_lesson()
    assert "no published lesson" in client.get("/").content.decode()


def test_home_counts_two_queries_whatever_the_number_of_lessons(client: Client, django_assert_num_queries):
    first = make_published_lesson()
    for _number in range(5):
        make_published_lesson(course=first.course)
    with django_assert_num_queries(1):
        client.get("/")
    client.force_login(make_member())
    with django_assert_num_queries(4):  # session, person, lessons, progress
        client.get("/")


def test_lesson_counts_two_queries_and_two_of_the_coach(client: Client, django_assert_max_num_queries):
    lesson, learner = make_published_lesson(), make_member()
    with django_assert_max_num_queries(1):
        lesson_page_for(None, course=lesson.course.slug, lesson=lesson.slug)
    with django_assert_max_num_queries(2):
        lesson_page_for(learner, course=lesson.course.slug, lesson=lesson.slug)
    client.force_login(learner)
    with django_assert_max_num_queries(2 + 2 + 2):  # session and person, lesson and progress, the coach's
        client.get(address(lesson))


def test_lesson_shows_sections_outline_and_questions(client: Client):
    page = client.get(address(make_published_lesson())).content.decode()
    assert '<a href="#second">Second things</a>' in page
    assert '<section class="section" id="second"' in page
    assert 'type="radio" name="choice" id="question-first-question-0"' in page
    assert 'type="checkbox" name="choice" id="question-third-question-0"' in page


def test_lesson_does_not_give_the_answer_away_before_a_try(client: Client):
    assert "The sum." not in client.get(address(make_published_lesson())).content.decode()


def test_lesson_not_published_is_not_found(client: Client):
    assert client.get(address(make_lesson())).status_code == 404


def test_lesson_under_another_course_is_not_found(client: Client):
    lesson, other = make_published_lesson(), make_published_lesson()
    assert client.get(reverse("lessons:lesson", args=[other.course.slug, lesson.slug])).status_code == 404


def test_lesson_links_to_the_next(client: Client):
    first = make_published_lesson()
    second = make_published_lesson(course=first.course)
    assert f'<a href="{address(second)}">{second.title}</a>' in client.get(address(first)).content.decode()


def test_gets_leave_the_database_unchanged(client: Client):
    lesson = make_published_lesson()
    answer(client, lesson)
    paths = [
        "/",
        address(lesson),
        "/me/",
        "/me/export/",
        "/me/delete/",
        "/figures/parallel/",
        "/figures/none/",
    ]
    paths += [
        f"/accounts/{name}/" for name in ("login", "signup", "logout", "email", "inactive", "reauthenticate")
    ]
    paths += [
        f"/accounts/password/{name}/" for name in ("change", "set", "reset", "reset/done", "reset/key/done")
    ]
    paths += [address(lesson, "preview"), "/admin/login/", "/courses/none/none/", "/nothing/"]
    before = rows_of_everything()
    for visitor in (client, Client()):
        for path in paths:
            assert visitor.get(path).status_code < 500, path
    assert rows_of_everything() == before


def test_answer_of_a_visitor_begins_a_guest(client: Client):
    lesson = make_published_lesson()
    response = answer(client, lesson)
    assert response.status_code == 302
    assert response["Location"] == f"{address(lesson)}#first"
    guest = User.objects.get()
    assert guest.is_guest
    assert response.cookies["sessionid"]["max-age"] == 365 * 24 * 3600
    page = client.get(address(lesson)).content.decode()
    assert "The sum." in page
    assert '<li class="done"><a href="#first">' in page


def test_answer_twice_is_one_guest_with_two_tries(client: Client):
    lesson = make_published_lesson()
    answer(client, lesson, choice="1")
    answer(client, lesson, choice="0")
    assert User.objects.count() == 1
    assert SectionProgress.objects.get().tries == 2


def test_answer_wrong_says_why_and_keeps_the_answer_behind_a_click(client: Client):
    lesson = make_published_lesson()
    answer(client, lesson, choice="1")
    page = client.get(address(lesson)).content.decode()
    assert "That is the maximum." in page
    assert "Show the answer" in page
    assert "Try again" in page


def test_answer_with_htmx_gives_question_outline_and_status(client: Client):
    page = answer(client, make_published_lesson(), HTTP_HX_REQUEST="true").content.decode()
    assert page.startswith('<div class="question" id="question-first-question">')
    assert 'id="outline" aria-labelledby="outline-title" hx-swap-oob="outerHTML"' in page
    assert 'id="lesson-status" hx-swap-oob="innerHTML">Right.' in page
    assert "<html" not in page


@pytest.mark.parametrize("choice", ["", "9", "-1", "x", "\x00", "0" * 5000, ["0", "1"]])
def test_answer_that_is_none_of_the_choices_is_told_at_the_field(client: Client, choice: object):
    lesson = make_published_lesson()
    for extra in ({}, {"HTTP_HX_REQUEST": "true"}):
        response = answer(client, lesson, choice=choice, **extra)
        assert response.status_code == 422
        assert 'id="question-first-question-error"' in response.content.decode()
    assert not User.objects.exists()


@pytest.mark.parametrize("anchor", ["", "nowhere", "\x00", "second", "x" * 10_000])
def test_answer_to_what_asks_nothing_is_not_found(client: Client, anchor: str):
    assert answer(client, make_published_lesson(), anchor=anchor).status_code == 404
    assert not User.objects.exists()


def test_answer_too_large_is_refused(client: Client):
    lesson = make_published_lesson()
    data = {"anchor": "first", "choice": "0", "more": "x" * 300_000}
    body = "&".join(f"{name}={value}" for name, value in data.items())
    kind = "application/x-www-form-urlencoded"
    assert client.post(address(lesson, "answer"), body, content_type=kind).status_code in {400, 413}


def test_answer_without_token_is_refused():
    assert answer(Client(enforce_csrf_checks=True), make_published_lesson()).status_code == 403


def test_answer_of_a_new_guest_leaves_the_other_forms_of_the_page_usable():
    lesson, browser = make_published_lesson(), Client(enforce_csrf_checks=True)
    browser.get(address(lesson))
    token = browser.cookies["csrftoken"].value
    for anchor in ("first", "third"):
        data = {"anchor": anchor, "choice": "0", "csrfmiddlewaretoken": token}
        assert browser.post(address(lesson, "answer"), data).status_code == 302
    assert User.objects.count() == 1


@pytest.mark.parametrize("name", ["answer", "done", "place"])
def test_writing_addresses_refuse_get(client: Client, name: str):
    assert client.get(address(make_published_lesson(), name)).status_code == 405


def test_section_without_question_is_marked_as_read(client: Client):
    lesson = make_published_lesson()
    client.post(address(lesson, "done"), {"anchor": "second"})
    assert '<li class="done"><a href="#second">' in client.get(address(lesson)).content.decode()


def test_place_is_remembered_and_offered(client: Client):
    lesson = make_published_lesson()
    client.force_login(make_member())
    assert client.post(address(lesson, "place"), {"anchor": "third"}).status_code == 204
    assert "Continue where you were: Third things" in client.get(address(lesson)).content.decode()
    assert f'href="{address(lesson)}#third"' in client.get("/").content.decode()


def test_place_of_a_visitor_keeps_nothing(client: Client):
    client.post(address(make_published_lesson(), "place"), {"anchor": "third"})
    assert not User.objects.exists()


def test_preview_is_for_instructors(client: Client):
    lesson = make_lesson()
    for learner in (None, User.objects.create_guest(), make_member()):
        visitor = Client()
        if learner:
            visitor.force_login(learner)
        assert visitor.get(address(lesson, "preview")).status_code == 404
    client.force_login(make_instructor())
    page = client.get(address(lesson, "preview")).content.decode()
    assert "First things" in page
    assert "Preview" in page


def test_preview_says_what_is_wrong(client: Client):
    client.force_login(make_instructor())
    page = client.get(address(make_lesson(source="## No anchor\n\ntext"), "preview")).content.decode()
    assert "Line 1: The section needs an anchor" in page


def test_me_shows_only_my_progress(client: Client):
    lesson, other = make_published_lesson(), Client()
    answer(client, lesson, choice="0")
    assert "1 of 3" in client.get("/me/").content.decode()
    assert "0 of 3" in other.get("/me/").content.decode()


def test_export_has_what_is_kept(client: Client):
    lesson = make_published_lesson()
    answer(client, lesson, choice="1")
    data = json.loads(client.get("/me/export/").content)
    assert data["account"]["guest"] is True
    assert data["sections"][0]["lesson"] == lesson.slug
    assert data["sections"][0]["tries"] == 1
    assert data["lesson_places"][0]["section"] == "first"


def test_export_and_delete_of_nobody_are_not_found(client: Client):
    assert client.get("/me/export/").status_code == 404
    assert client.get("/me/delete/").status_code == 404


def test_delete_needs_password_and_yes(client: Client):
    learner = make_member()
    client.force_login(learner)
    for data in ({}, {"sure": "on"}, {"sure": "on", "password": "wrong"}, {"password": PASSWORD}):
        assert client.post("/me/delete/", data).status_code == 422
    assert User.objects.filter(pk=learner.pk).exists()
    response = client.post("/me/delete/", {"sure": "on", "password": PASSWORD})
    assert response["Location"] == "/"
    assert not User.objects.exists()
    assert "deleted" in client.get("/").content.decode()


def test_delete_of_a_guest_needs_a_yes(client: Client):
    answer(client, make_published_lesson())
    assert client.post("/me/delete/", {}).status_code == 422
    client.post("/me/delete/", {"sure": "on"})
    assert not User.objects.exists()
    assert not SectionProgress.objects.exists()


def test_page_of_a_cookie_no_session_can_have_is_a_visitors(client: Client):
    client.cookies["sessionid"] = '"\\000aaaaaaaaaaaa"'
    assert client.get("/me/").status_code == 200
