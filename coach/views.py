"""The coach without a socket, the page of a conversation, how a reply was made; the site's error pages."""

from __future__ import annotations

import sys
import uuid
from typing import Any

from django.db import DatabaseError, connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.template import loader
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from coach.access import subject_for, turn_for
from coach.beginning import Begin, Begun, Refused, subject_of
from coach.forms import AskForm, KeyForm
from coach.frames import FrameRefused, Subject, parse_subject
from coach.journal import AWAY
from coach.making import making_of
from coach.models import Turn
from coach.panel import address_of, panel_for
from coach.queries import turn_with_events
from coach.rendering import notice_text, view_of
from coach.turns import begin_turn, stop_turn
from lessons.access import learner_for_writing, learner_of
from lessons.models import User

# So long a form waits for the reply to be whole; then the page shows what there is and says that more comes.
WAIT_SECONDS = 10.0


@never_cache
@require_safe
def conversation(request: HttpRequest, kind: str, slug: str) -> HttpResponse:
    subject, about = _subject_or_404(f"{kind}:{slug}")
    panel = panel_for(request, subject=subject, about=about, section="", alone=True)
    return render(request, "coach/conversation.html", panel)


def _subject_or_404(text: str) -> tuple[Subject, Any]:
    try:
        subject = parse_subject(text)
    except FrameRefused:
        raise Http404 from None
    about = subject_for(subject)
    if about is None:
        raise Http404(_("There is no such lesson or exercise."))
    return subject, about


@require_POST
def ask(request: HttpRequest) -> HttpResponse:
    form = AskForm(request.POST)
    subject, about = _subject_or_404(request.POST.get("subject", ""))
    if not form.is_valid():
        return _panel(request, subject, about, problem="question", status=422)
    learner = learner_for_writing(request)
    return _begun(request, subject, about, form.begin(learner))


@require_POST
def again(request: HttpRequest, turn: uuid.UUID) -> HttpResponse:
    learner = learner_of(request)
    found = turn_for(learner, turn)
    form = KeyForm(request.POST)
    key = form.cleaned_data["key"] if form.is_valid() else uuid.uuid4()
    subject, about = _subject_or_404(str(subject_of(found.conversation)))
    assert learner is not None  # noqa: S101 - turn_for found a turn of theirs
    return _begun(request, subject, about, Begin(key=key, again=turn, learner_id=learner.pk))


def _begun(request: HttpRequest, subject: Subject, about: Any, begin: Begin) -> HttpResponse:
    # With scripts the socket brings the rest; without them the page has to.
    wait = 0.0 if request.headers.get("HX-Request") else WAIT_SECONDS
    outcome = begin_turn(begin, wait_seconds=wait)
    if isinstance(outcome, Refused):
        return _panel(request, subject, about, problem=outcome.code, status=409)
    return _after(request, subject, about, outcome)


def _after(request: HttpRequest, subject: Subject, about: Any, outcome: Begun) -> HttpResponse:
    if request.headers.get("HX-Request"):
        return _panel(request, subject, about)
    return redirect(f"{address_of(subject)}#turn-{outcome.turn.uuid}")


def _panel(
    request: HttpRequest, subject: Subject, about: Any, *, problem: str = "", status: int = 200
) -> HttpResponse:
    section = request.POST.get("section", "")[:100]
    context = panel_for(request, subject=subject, about=about, section=section)
    context |= {
        "problem": notice_text(problem) if problem else "",
        "typed": request.POST.get("question", "") if problem else "",
    }
    if request.headers.get("HX-Request"):
        return render(request, "coach/panel.html", context, status=422 if problem else 200)
    return render(request, "coach/conversation.html", context | {"alone": True}, status=status)


@require_POST
def stop(request: HttpRequest, turn: uuid.UUID) -> HttpResponse:
    learner, found = _own_turn(request, turn)
    stop_turn(found, learner_id=learner.pk)
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204)
    return redirect(f"{address_of(subject_of(found.conversation))}#turn-{found.uuid}")


def _own_turn(request: HttpRequest, public_id: uuid.UUID) -> tuple[User, Turn]:
    learner = learner_of(request)
    found = turn_for(learner, public_id)
    assert learner is not None  # noqa: S101 - turn_for found a turn of theirs
    return learner, found


@never_cache
@require_safe
def turn(request: HttpRequest, turn: uuid.UUID) -> HttpResponse:
    _learner, found = _own_turn(request, turn)
    whole = turn_with_events(found.pk)
    assert whole is not None  # noqa: S101 - just found
    view = view_of(found, list(whole.events.all()))
    return render(
        request, "coach/turn_page.html", {"view": view, "address": address_of(subject_of(found.conversation))}
    )


@never_cache
@require_safe
def made(request: HttpRequest, turn: uuid.UUID) -> HttpResponse:
    _learner, found = _own_turn(request, turn)
    context = {
        "turn": found,
        "making": making_of(found),
        "address": address_of(subject_of(found.conversation)),
    }
    return render(request, "coach/made.html", context)


@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"status": "database unreachable"}, status=503)
    return JsonResponse({"status": "ok"})


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "400.html", status=400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "403.html", status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    if isinstance(sys.exc_info()[1], AWAY):
        return _store_away(request)
    # No request in the context: whatever failed may be what a context processor would ask for.
    return HttpResponse(loader.get_template("500.html").render({}), status=500)


def _store_away(request: HttpRequest) -> HttpResponse:
    """The store is locked, full or gone: no fault of what was sent, which may be sent again from here."""
    context: dict[str, Any] = {"action": request.path, "csrf_token": get_token(request)}
    # Only what carries a key of its own: sent twice it is still one.
    if request.method == "POST" and not {"key", "client_key"}.isdisjoint(request.POST):
        pairs = [(name, value) for name, values in request.POST.lists() for value in values]
        context["fields"] = [pair for pair in pairs if pair[0] != "csrfmiddlewaretoken"]
        context["question"] = request.POST.get("question", "")
    page = loader.get_template("503.html").render(context)
    return HttpResponse(page, status=503, headers={"Retry-After": "5"})


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    explanation = _(
        "This form was open too long or came from another site. Go back, reload and send it again."
    )
    return render(request, "403.html", {"explanation": explanation}, status=403)
