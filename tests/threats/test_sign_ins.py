"""A socket is worth what its sign-in is worth now (T8); a session found or planted is worth nothing (T9)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.test import Client

from coach.models import Turn
from coach.sockets import sockets
from coach.turns import Supervisor, attach, detach
from exercises.models import Draft
from lessons.models import User
from tests.coach.factories import make_exercise, make_lesson, sign_in
from tests.coach.talking import Page, in_thread
from tests.threats.world import PASSWORD

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def supervisor(transactional_db: None):
    yield await attach()
    await detach()


def sign_out(learner: User, session: str) -> None:
    Session.objects.filter(session_key=session).delete()


def change_password(learner: User, session: str) -> None:
    learner.set_password("another long enough password")
    learner.save()


def disable(learner: User, session: str) -> None:
    User.objects.filter(pk=learner.pk).update(is_active=False)


def sign_up(learner: User, session: str) -> None:
    """The guest becomes an account in the same browser: the old session ends with it."""
    client = Client()
    client.cookies["sessionid"] = session
    given = {"email": "new@example.org", "password1": PASSWORD, "password2": PASSWORD}
    assert client.post("/accounts/signup/", given).status_code == 302


def remove(learner: User, session: str) -> None:
    learner.delete()


@in_thread
def begin(*, guest: bool) -> tuple[User, str]:
    make_exercise(make_lesson())
    users = get_user_model().objects
    learner = users.create_guest() if guest else users.create_user("a@example.org", PASSWORD)
    return learner, sign_in(learner)


@pytest.mark.parametrize("end", [sign_out, change_password, disable, sign_up, remove])
@pytest.mark.parametrize("how", ["command", "listening"])
async def test_socket_ends_with_its_sign_in(
    supervisor: Supervisor, end: Callable[[User, str], None], how: str
):
    learner, session = await begin(guest=end is sign_up)
    page = await Page(session).open()
    await in_thread(end)(learner, session)
    if how == "command":
        await page.ask("What is slack?")
    else:
        await sockets.check_sign_ins(supervisor)
    assert await page.closed_with() == 4401
    assert await in_thread(Turn.objects.count)() == 0


async def test_socket_of_a_made_up_session_is_closed(supervisor: Supervisor):
    for key in ("", "x", "a" * 32, "../../etc/passwd", "0" * 5000):
        page = Page(key)
        await page.socket.connect()
        assert await page.closed_with() == 4401


def test_planted_session_is_dead_after_signing_in(client: Client):
    User.objects.create_user("victim@example.org", PASSWORD)
    attacker = Client()
    planted = sign_in(User.objects.create_guest())
    attacker.cookies["sessionid"] = client.cookies["sessionid"] = planted
    client.post("/accounts/login/", {"login": "victim@example.org", "password": PASSWORD})
    assert client.cookies["sessionid"].value != planted
    assert "victim@example.org" not in attacker.get("/me/").content.decode()
    assert attacker.get("/me/export/").status_code == 404


def test_guests_work_is_claimed_once_and_by_its_own_session_only():
    exercise = make_exercise(make_lesson())
    guest, other = User.objects.create_guest(), User.objects.create_guest()
    assert exercise.published is not None
    Draft.objects.create(
        learner=guest, exercise=exercise, revision=exercise.published, form={"note": ["mine"]}
    )
    first, second, thief = (User.objects.create_user(f"{n}@example.org", PASSWORD) for n in "abc")
    session = sign_in(guest)
    for learner, cookie in ((thief, sign_in(other)), (first, session), (second, session)):
        browser = Client()
        browser.cookies["sessionid"] = cookie
        browser.post("/accounts/login/", {"login": learner.email, "password": PASSWORD})
    assert list(Draft.objects.values_list("learner__email", flat=True)) == [first.email]
