"""From guest to somebody: nothing is lost on the way, and nobody gets anybody else's."""

from __future__ import annotations

import pytest
from django.core.cache import cache
from django.db.models.signals import pre_save
from django.test import Client
from django.urls import reverse

from lessons.models import SectionProgress, User
from tests.lessons.factories import PASSWORD, make_instructor, make_member, make_published_lesson

pytestmark = pytest.mark.django_db

NEW = {"email": "New@Example.org", "password1": PASSWORD, "password2": PASSWORD}


@pytest.fixture(autouse=True)
def _no_limits_from_other_tests():
    cache.clear()


def work(client: Client, lesson=None, choice: str = "0"):
    lesson = lesson or make_published_lesson()
    data = {"anchor": "first", "choice": choice}
    client.post(reverse("lessons:answer", args=[lesson.course.slug, lesson.slug]), data)
    return lesson


def log_in(client: Client, user: User, **data: str):
    return client.post("/accounts/login/", {"login": user.email, "password": PASSWORD, **data})


def test_signup_turns_the_guest_into_the_account(client: Client):
    work(client)
    guest, key = User.objects.get(), client.session.session_key
    assert client.post("/accounts/signup/", NEW).status_code == 302
    person = User.objects.get()
    assert (person.pk, person.email, person.is_guest) == (guest.pk, "new@example.org", False)
    assert person.check_password(PASSWORD)
    assert SectionProgress.objects.get().learner == person
    assert client.session.session_key != key
    assert "new@example.org" in client.get("/me/").content.decode()


def test_signup_kills_the_guests_old_session(client: Client):
    work(client)
    thief = Client()
    thief.cookies["sessionid"] = client.cookies["sessionid"].value
    client.post("/accounts/signup/", NEW)
    assert "Nothing is kept yet" in thief.get("/me/").content.decode()


def test_signup_of_a_visitor_makes_an_account(client: Client):
    client.post("/accounts/signup/", NEW)
    person = User.objects.get()
    assert (person.is_guest, person.email) == (False, "new@example.org")


def test_signup_with_a_taken_address_is_told_at_the_field(client: Client):
    taken = make_member()
    work(client)
    response = client.post("/accounts/signup/", {**NEW, "email": taken.email})
    assert response.status_code == 200
    assert 'id="id_email_error"' in response.content.decode()
    assert User.objects.filter(is_guest=True).count() == 1


@pytest.mark.parametrize("email", ["", "no address", "a\x00b@example.org", "x" * 400 + "@example.org"])
def test_signup_with_what_is_no_address_is_told_at_the_field(client: Client, email: str):
    response = client.post("/accounts/signup/", {**NEW, "email": email})
    assert response.status_code == 200
    assert 'id="id_email_error"' in response.content.decode()


def test_login_gives_the_guests_work_to_the_account(client: Client):
    person = make_member()
    work(client)
    assert log_in(client, person).status_code == 302
    assert SectionProgress.objects.get().learner == person
    assert not User.objects.filter(is_guest=True).exists()
    assert client.session["_auth_user_id"] == str(person.pk)


def test_login_ends_the_planted_session(client: Client):
    work(client)
    planted = client.cookies["sessionid"].value
    log_in(client, make_member())
    assert client.cookies["sessionid"].value != planted
    thief = Client()
    thief.cookies["sessionid"] = planted
    assert "Nothing is kept yet" in thief.get("/me/").content.decode()


def test_login_takes_the_work_of_its_own_session_only(client: Client):
    person, stranger = make_member(), Client()
    work(stranger)
    log_in(client, person)
    assert SectionProgress.objects.get().learner.is_guest


def test_login_refused_leaves_the_guest_as_it_was(client: Client):
    person = make_member()
    work(client)
    log_in(client, person, password="wrong password entirely")
    assert SectionProgress.objects.get().learner.is_guest
    assert "You are a guest" in client.get("/me/").content.decode()


def test_login_from_one_account_to_another_moves_nothing(client: Client):
    first, second = make_member(), make_member()
    log_in(client, first)
    work(client)
    client.post("/accounts/logout/")
    log_in(client, second)
    assert SectionProgress.objects.get().learner == first


def test_guest_reaches_the_doors_and_is_told_what_happens(client: Client):
    work(client)
    assert "will be added to your account" in client.get("/accounts/login/").content.decode()
    assert "stays where it is" in client.get("/accounts/signup/").content.decode()


def test_member_is_sent_away_from_the_doors(client: Client):
    client.force_login(make_member())
    assert client.get("/accounts/login/").status_code == 302
    assert client.get("/accounts/signup/").status_code == 302


def test_logout_warns_a_guest_and_asks_first(client: Client):
    work(client)
    page = client.get("/accounts/logout/").content.decode()
    assert "kept only in this browser" in page
    assert "You are a guest" in client.get("/me/").content.decode()
    client.post("/accounts/logout/")
    assert "Nothing is kept yet" in client.get("/me/").content.decode()


@pytest.mark.parametrize("name", ["password/change", "password/set", "email", "reauthenticate"])
def test_pages_of_an_account_send_a_guest_to_signing_up(client: Client, name: str):
    work(client)
    for response in (
        client.get(f"/accounts/{name}/"),
        client.post(f"/accounts/{name}/", {"email": "a@b.org"}),
    ):
        assert response["Location"] == "/accounts/signup/"


def test_password_change_works_for_a_member(client: Client):
    person = make_member()
    log_in(client, person)
    data = {"oldpassword": PASSWORD, "password1": "another quiet river", "password2": "another quiet river"}
    assert client.post("/accounts/password/change/", data).status_code == 302
    person.refresh_from_db()
    assert person.check_password("another quiet river")


def test_password_reset_sends_a_link_that_works(client: Client, mailoutbox):
    person = make_member()
    client.post("/accounts/password/reset/", {"email": person.email})
    link = next(word for word in mailoutbox[0].body.split() if "/password/reset/key/" in word)
    form = client.get(link, follow=True)
    data = {"password1": "another quiet river", "password2": "another quiet river"}
    assert client.post(form.redirect_chain[-1][0], data).status_code == 302
    person.refresh_from_db()
    assert person.check_password("another quiet river")


def test_admin_login_is_everybodys_door(client: Client):
    assert client.get("/admin/", follow=True).redirect_chain[-1][0] == "/accounts/login/?next=/admin/"
    instructor = make_instructor()
    work(client)
    assert log_in(client, instructor, next="/admin/")["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200
    assert SectionProgress.objects.get().learner == instructor


def test_admin_is_closed_to_members(client: Client):
    client.force_login(make_member())
    assert client.get("/admin/", follow=True).status_code == 403


def test_guest_has_no_address_and_no_password():
    guest = User.objects.create_guest()
    assert (guest.email, guest.has_usable_password()) == (None, False)
    User.objects.create_guest()
    assert User.objects.filter(email=None).count() == 2


def test_signup_sent_twice_at_once_is_told_at_the_field(client: Client):
    def overtake(instance, **kwargs):
        if instance.email == "new@example.org":
            User.objects.bulk_create([User(email="new@example.org")])

    pre_save.connect(overtake, sender=User)
    try:
        response = client.post("/accounts/signup/", NEW)
    finally:
        pre_save.disconnect(overtake, sender=User)
    assert response.status_code == 200
    assert 'id="id_email_error"' in response.content.decode()
