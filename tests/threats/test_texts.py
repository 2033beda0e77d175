"""Any text in any field comes back as it was, or is refused at the field (T26); none of it, and no secret,
stands in a log or an error page (T22)."""

from __future__ import annotations

import logging
from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from django.urls import reverse
from django.utils.html import escape

from coach.models import Turn
from exercises.models import Draft
from lessons.models import Course
from tests.threats.texts import NAUGHTY, UNSTORABLE
from tests.threats.world import World

CANARY = "canary-e3b0c442-98fc"


def test_question_of_any_text_is_kept_as_typed_or_refused(world: World):
    browser = world.browser("owner")
    subject = f"exercise:{world.exercise.slug}"
    for text in NAUGHTY:
        Turn.objects.all().delete()
        given = {"subject": subject, "question": text, "key": uuid4()}
        response = browser.post(reverse("coach:ask"), given, headers={"HX-Request": "true"})
        if text.strip():
            assert response.status_code == 200, text
            # Forms send line ends as CR LF, and Django's fields make them LF; nothing else changes.
            assert Turn.objects.get().question in {text.strip(), text.strip().replace("\r\n", "\n")}
            assert escape(Turn.objects.get().question) in response.content.decode()
    for text in UNSTORABLE:
        given = {"subject": subject, "question": text.encode("utf-8", "surrogatepass"), "key": uuid4()}
        assert browser.post(reverse("coach:ask"), given).status_code in {302, 409, 422}


def test_draft_of_any_text_is_kept_as_typed(world: World):
    browser = world.browser("owner")
    path = reverse("exercises:draft", kwargs=world.arguments("exercises:draft"))
    for text in NAUGHTY:
        assert browser.post(path, {"prompt": text, "revision": "1"}).status_code in {204, 302}, text
        assert Draft.objects.get().form["prompt"] == [text]


def test_account_forms_take_any_text_or_refuse_it(world: World):
    for text in [*NAUGHTY[::5], *UNSTORABLE]:
        cache.clear()
        raw = text.encode("utf-8", "surrogatepass")
        for path, fields in (
            ("/accounts/signup/", ("email", "password1", "password2")),
            ("/accounts/login/", ("login", "password")),
            ("/accounts/password/reset/", ("email",)),
        ):
            response = world.browser("visitor").post(path, dict.fromkeys(fields, raw))
            assert response.status_code < 500, (path, text)


def test_admin_takes_any_text_or_refuses_it_and_shows_it_as_text(world: World):
    browser, course = world.browser("instructor"), Course.objects.get()
    path = f"/admin/lessons/course/{course.pk}/change/"
    for text in [*NAUGHTY[::4], *UNSTORABLE]:
        raw = text.encode("utf-8", "surrogatepass")
        fields: dict[str, Any] = {"slug": course.slug, "title": raw, "summary": raw, "outcomes": raw}
        response = browser.post(path, fields)
        assert response.status_code < 500, text
        page = browser.get("/admin/lessons/course/").content.decode()
        assert "<script>alert" not in page
        assert "<img src=x" not in page


def test_logs_and_answers_hold_no_secret_and_nothing_that_was_typed(
    world: World, caplog: pytest.LogCaptureFixture, settings: Any
):
    settings.SECRET_KEY = f"secret-{CANARY}"
    caplog.set_level(logging.DEBUG)
    browser = world.browser("owner")
    told = [
        browser.post(reverse("coach:ask"), {"subject": "lesson:nowhere", "question": CANARY, "key": uuid4()}),
        browser.post(
            reverse("exercises:submit", args=["slow-prompt"]), {"prompt": CANARY, "command": CANARY}
        ),
        browser.post("/accounts/login/", {"login": "owner@example.org", "password": CANARY}),
        browser.post("/accounts/signup/", {"email": "x", "password1": CANARY, "password2": CANARY}),
        browser.get("/nowhere/"),
        browser.get("/", headers={"host": "evil.example"}),
    ]
    settings.ROOT_URLCONF = "tests.threats.broken_urls"
    told.append(world.browser("visitor").get("/broken/"))
    assert "canary-in-an-error" in caplog.text
    assert CANARY not in caplog.text
    # What was typed may come back in the form that it was typed into, a password or a secret never.
    for answer in told:
        assert f"secret-{CANARY}" not in answer.content.decode()
    for answer in told[2:]:
        assert CANARY not in answer.content.decode()
