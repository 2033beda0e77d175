"""Who is asking. A visitor becomes a guest at the first POST that has something to keep, never at a GET."""

from __future__ import annotations

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.http import HttpRequest

from lessons.models import User

GUEST_BACKEND = "django.contrib.auth.backends.ModelBackend"


def learner_of(request: HttpRequest) -> User | None:
    """The signed-in person or guest of this request; None for a visitor who has kept nothing yet."""
    user = request.user
    return user if isinstance(user, User) else None


def learner_for_writing(request: HttpRequest) -> User:
    """The learner whose rows a POST may write; a visitor becomes a guest with a session of their own."""
    return learner_of(request) or _begin_guest(request)


def _begin_guest(request: HttpRequest) -> User:
    """Sign a new guest in.

    Not `django.contrib.auth.login`: it also rotates the CSRF token, and the other forms of the page that the
    visitor is working in would then be refused. A real sign-in does rotate it.
    """
    guest = User.objects.create_guest()
    request.session.cycle_key()
    request.session[SESSION_KEY] = str(guest.pk)
    request.session[BACKEND_SESSION_KEY] = GUEST_BACKEND
    request.session[HASH_SESSION_KEY] = guest.get_session_auth_hash()
    request.user = guest
    return guest
