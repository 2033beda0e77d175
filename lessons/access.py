"""Who is asking, and what they may open.

A visitor becomes a guest at the first POST that has something to keep, never at a GET.
"""

from __future__ import annotations

from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.http import Http404, HttpRequest

from lessons import queries
from lessons.models import Lesson, User

GUEST_BACKEND = "django.contrib.auth.backends.ModelBackend"


def learner_of(request: HttpRequest) -> User | None:
    """The signed-in person or guest of this request; None for a visitor who has kept nothing yet."""
    user = request.user
    return user if isinstance(user, User) else None


def guest_of(request: HttpRequest) -> User | None:
    """The guest of this request, also where `accounts.guests_may_enter` stood them aside."""
    user = getattr(request, "guest_entering", None) or learner_of(request)
    return user if user is not None and user.is_guest else None


def learner_for_writing(request: HttpRequest) -> User:
    """The learner whose rows a POST may write; a visitor becomes a guest with a session of their own."""
    return learner_of(request) or _begin_guest(request)


def lesson_page_for(learner: User | None, *, course: str, lesson: str) -> queries.LessonPage:
    """A published lesson as this learner has it; 404 when there is none."""
    page = queries.lesson_page_for(learner, course=course, lesson=lesson)
    if page is None:
        raise Http404
    return page


def lesson_for_preview(learner: User | None, *, course: str, lesson: str) -> Lesson:
    """A lesson as its author has it, for instructors only; 404 for everybody else."""
    found = queries.lesson_being_written(course=course, lesson=lesson) if can_author(learner) else None
    if found is None:
        raise Http404
    return found


def can_author(learner: User | None) -> bool:
    return (
        learner is not None
        and learner.is_active
        and learner.is_staff
        and learner.has_perm("lessons.view_lesson")
    )


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
