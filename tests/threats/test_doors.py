"""Every address, by everybody: what is owned is there for its owner only (T10); only a POST with a token
writes (T25); the policy and the other headers stand on every answer, errors included (T5, T6).

The list is made from the URLconf: an address without a line here fails.
"""

from __future__ import annotations

from typing import Any

from django.core.cache import cache
from django.urls import reverse
from pytest_django import Settings

from coach.settings import CONTENT_SECURITY_POLICY
from tests.threats.world import VISITORS, World, admin_addresses, contents, names_of_addresses

OPEN = (200, 200, 200, 200, 200)
POST_ONLY = (405, 405, 405, 405, 405)
OWNED = (200, 404, 404, 404, 404)
SIGNED_IN = (200, 200, 200, 200, 404)
DOOR = (302, 302, 200, 302, 200)
MEMBERS = (200, 200, 302, 200, 302)
NOBODY_YET = (302, 302, 302, 302, 302)

GET = {
    "lessons:home": OPEN,
    "lessons:lesson": OPEN,
    "lessons:answer": POST_ONLY,
    "lessons:done": POST_ONLY,
    "lessons:place": POST_ONLY,
    "lessons:preview": (404, 404, 404, 200, 404),
    "lessons:figure": OPEN,
    "lessons:me": OPEN,
    "lessons:export": SIGNED_IN,
    "lessons:delete": SIGNED_IN,
    "lessons:log_in": DOOR,
    "lessons:sign_up": DOOR,
    "lessons:reset_password": OPEN,
    "lessons:change_password": MEMBERS,
    "lessons:set_password": NOBODY_YET,
    "lessons:change_email": MEMBERS,
    "lessons:reauthenticate": MEMBERS,
    "lessons:admin_sign_in": (403, 403, 302, 302, 302),
    "exercises:exercise": OPEN,
    "exercises:draft": POST_ONLY,
    "exercises:start-over": POST_ONLY,
    "exercises:submit": POST_ONLY,
    "exercises:attempt": OWNED,
    "exercises:resume": POST_ONLY,
    "exercises:compare": OPEN,
    "coach:ask": POST_ONLY,
    "coach:turn": OWNED,
    "coach:stop": POST_ONLY,
    "coach:again": POST_ONLY,
    "coach:made": OWNED,
    "coach:trial": (302, 404, 404, 404, 404),
    "coach:trial-stop": POST_ONLY,
    "coach:conversation": OPEN,
    "account_login": DOOR,
    "account_logout": (200, 200, 200, 200, 302),
    "account_inactive": OPEN,
    "account_signup": DOOR,
    "account_reauthenticate": MEMBERS,
    "account_email": MEMBERS,
    "account_email_verification_sent": OPEN,
    "account_change_password": MEMBERS,
    "account_set_password": NOBODY_YET,
    "account_reset_password": OPEN,
    "account_confirm_login_code": NOBODY_YET,
    "account_confirm_email": OPEN,
    "account_reset_password_from_key_done": OPEN,
    "account_reset_password_from_key": OPEN,
    "account_reset_password_done": OPEN,
    "health": OPEN,
}
OWNED_POSTS = ("exercises:resume", "coach:stop", "coach:again", "coach:trial", "coach:trial-stop")


def address(world: World, name: str) -> str:
    return reverse(name, kwargs=world.arguments(name))


def test_every_address_has_a_line():
    assert set(names_of_addresses()) == set(GET)


def test_get_answers_each_as_it_should_and_writes_nothing(world: World):
    browsers = {who: world.browser(who) for who in VISITORS}
    before = contents()
    for name, expected in GET.items():
        answers = {who: browsers[who].get(address(world, name)) for who in VISITORS}
        assert tuple(answer.status_code for answer in answers.values()) == expected, name
        for who, answer in answers.items():
            assert_guarded(answer, f"{who} {name}")
        assert contents() == before, name


def test_post_to_what_is_owned_finds_nothing_for_others(world: World):
    browsers = {who: world.browser(who) for who in VISITORS}
    before = contents()
    for who in VISITORS[1:]:
        for name in OWNED_POSTS:
            assert browsers[who].post(address(world, name)).status_code == 404, (who, name)
    assert contents() == before
    for name in OWNED_POSTS:
        assert browsers["owner"].post(address(world, name)).status_code < 400, name


def test_writing_without_a_token_is_refused(world: World):
    browsers = {who: world.browser(who, checks=True) for who in VISITORS}
    before = contents()
    for name in GET:
        for who, browser in browsers.items():
            for method in ("post", "put", "patch", "delete"):
                cache.clear()
                answer = getattr(browser, method)(address(world, name))
                assert answer.status_code in {403, 405}, (name, who, method)
                assert_guarded(answer, f"{who} {method} {name}")
    assert contents() == before


def assert_guarded(response: Any, where: str) -> None:
    headers = response.headers
    policy = headers.get("Content-Security-Policy", "")
    stated = dict(part.strip().split(" ", 1) for part in policy.split(";") if part.strip())
    assert stated == {
        name: " ".join(values) for name, values in CONTENT_SECURITY_POLICY["DIRECTIVES"].items()
    }, where
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff", where
    assert headers["Referrer-Policy"] == "same-origin", where
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin", where
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin", where
    assert headers["X-Frame-Options"] == "DENY", where


def test_headers_stand_on_errors(world: World, settings: Settings):
    browser = world.browser("owner")
    assert_guarded(browser.get("/nowhere/"), "404")
    assert_guarded(browser.get("/", headers={"host": "evil.example"}), "400")
    settings.ROOT_URLCONF = "tests.threats.broken_urls"
    broken = browser.get("/broken/")
    assert broken.status_code == 500
    assert b"canary" not in broken.content
    assert_guarded(broken, "500")


def test_headers_stand_on_the_admin_and_it_is_closed_to_others(world: World):
    teacher = world.browser("instructor")
    for path in admin_addresses():
        response = teacher.get(path)
        assert response.status_code in {200, 403}, path
        assert_guarded(response, path)
        for who in ("owner", "guest", "visitor"):
            assert world.browser(who).get(path).status_code in {302, 403}, (who, path)
