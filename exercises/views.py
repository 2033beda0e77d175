"""An exercise's page and its attempts: requests in, pages and fragments out."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from exercises import access, actions, queries
from exercises.forms import ComparisonForm, HandIn, Workbench, hand_in_of, handed_in, workbench_of
from exercises.models import Exercise, Submission
from exercises.results import Comparison, Result
from lessons.access import learner_for_writing, learner_of
from lessons.models import User

OK, UNPROCESSABLE = 200, 422
_WHOLE_FORM = {None, "exercise-form", "exercise-results"}
"""The targets of the form's own buttons: their answer is the form as it is now."""


@require_safe
def exercise(request: HttpRequest, slug: str) -> HttpResponse:
    learner = learner_of(request)
    found = access.exercise_for(learner, slug)
    attempts = queries.attempts_for(learner, found)
    return render(request, "exercises/exercise.html", _page(found, workbench_of(found), attempts))


@require_POST
def draft_save(request: HttpRequest, slug: str) -> HttpResponse:
    """Keep what is typed. htmx asks for the status line; without it the button leads back to the page."""
    found = access.exercise_for(learner_of(request), slug)
    hand_in = hand_in_of(found, request.POST)
    if not hand_in.is_empty:
        _keep(request, found, hand_in, hand_in.made_from)
    if request.headers.get("HX-Request"):
        context = {"exercise": found, "saved": not hand_in.is_empty, "newcomer": hand_in.is_newcomer}
        return render(request, "exercises/draft-kept.html", context)
    return redirect(found)


@require_POST
def draft_discard(request: HttpRequest, slug: str) -> HttpResponse:
    found = access.exercise_for(learner_of(request), slug)
    learner = learner_of(request)
    if learner is not None:
        actions.discard_draft(learner=learner, exercise=found)
    messages.success(request, _("The workbench is as found again. Your attempts are still listed below."))
    return redirect(found)


@require_POST
def submission_create(request: HttpRequest, slug: str) -> HttpResponse:
    """What was typed is stored first, then the answer, then its grade: whatever stops, nothing is lost."""
    found = access.exercise_for(learner_of(request), slug)
    hand_in = hand_in_of(found, request.POST)
    if hand_in.is_empty:
        return _refused(request, found, hand_in)
    learner = _keep(request, found, hand_in, hand_in.made_from)
    if hand_in.command:
        return _commanded(request, found, hand_in)
    if not hand_in.is_valid():
        return _refused(request, found, hand_in)
    actions.hand_in(
        learner=learner,
        revision=hand_in.revision,
        answer=hand_in.answer_data,
        prediction=hand_in.prediction,
        client_key=hand_in.client_key,
    )
    return _handed_in(request, found, hand_in)


@require_safe
def attempt(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    submission = access.attempt_for(learner_of(request), slug, number)
    context = {
        "exercise": submission.exercise,
        "revision": submission.revision,
        "result": Result(submission),
        "workbench": handed_in(submission),
    }
    return render(request, "exercises/attempt.html", context)


@require_POST
def attempt_resume(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Put an attempt back on the workbench."""
    submission = access.attempt_for(learner_of(request), slug, number)
    _keep(request, submission.exercise, handed_in(submission), str(submission.revision.number))
    return redirect(submission.exercise)


@require_safe
def compare(request: HttpRequest, slug: str) -> HttpResponse:
    learner = learner_of(request)
    found = access.exercise_for(learner, slug)
    attempts = queries.attempts_for(learner, found)
    form = ComparisonForm(request.GET or None, attempts=attempts)
    context: dict[str, Any] = {"exercise": found, "revision": found.published, "form": form}
    if form.is_valid():
        first, second = form.chosen()
        context["comparison"] = Comparison(Result(first), Result(second))
    status = UNPROCESSABLE if form.is_bound and form.errors else OK
    return render(request, "exercises/compare.html", context, status=status)


def _page(exercise: Exercise, workbench: Workbench, attempts: list[Submission]) -> dict[str, Any]:
    return {
        "exercise": exercise,
        "revision": workbench.revision,
        "workbench": workbench,
        "result": Result(attempts[0]) if attempts else None,
        "attempts": attempts,
        "comparison_form": ComparisonForm(attempts=attempts) if len(attempts) > 1 else None,
    }


def _keep(request: HttpRequest, exercise: Exercise, workbench: Workbench, made_from: str) -> User:
    if isinstance(workbench, HandIn):
        workbench.is_newcomer = learner_of(request) is None
    learner = learner_for_writing(request)
    actions.save_draft(learner=learner, exercise=exercise, form=workbench.form, revision_number=made_from)
    return learner


def _refused(request: HttpRequest, exercise: Exercise, hand_in: HandIn) -> HttpResponse:
    """The form again, as typed, with what is wrong with it."""
    if request.headers.get("HX-Request"):
        return _form(request, exercise, hand_in, hand_in, status=UNPROCESSABLE)
    page = _page(exercise, hand_in, queries.attempts_for(learner_of(request), exercise))
    return render(request, "exercises/exercise.html", page, status=UNPROCESSABLE)


def _commanded(request: HttpRequest, exercise: Exercise, hand_in: HandIn) -> HttpResponse:
    """The form as one of its own buttons changed it, kept."""
    workbench = hand_in.commanded()
    _keep(request, exercise, workbench, hand_in.made_from)
    if request.headers.get("HX-Request"):
        return _form(request, exercise, hand_in, workbench)
    return redirect(f"{exercise.get_absolute_url()}#exercise-workbench")


def _form(
    request: HttpRequest, exercise: Exercise, hand_in: HandIn, workbench: Workbench, *, status: int = OK
) -> HttpResponse:
    context = {
        "exercise": exercise,
        "revision": workbench.revision,
        "workbench": workbench,
        "newcomer": hand_in.is_newcomer,
    }
    response = render(request, "exercises/form-again.html", context, status=status)
    if hand_in.command and request.headers.get("HX-Target") not in _WHOLE_FORM:
        return response  # who asks for one part of the workbench takes that, and may be typing in another
    response["HX-Retarget"] = "#exercise-form"
    response["HX-Reswap"] = "outerHTML" if status == OK else "outerHTML show:#exercise-form:top"
    return response


def _handed_in(request: HttpRequest, exercise: Exercise, hand_in: HandIn) -> HttpResponse:
    if not request.headers.get("HX-Request"):
        return redirect(f"{exercise.get_absolute_url()}#exercise-results")
    attempts = queries.attempts_for(learner_of(request), exercise)
    # The next run is another submission: a fresh key, and the form again only where it showed complaints.
    context = _page(exercise, hand_in.again(), attempts) | {
        "form_had_errors": hand_in.had_errors,
        "newcomer": hand_in.is_newcomer,
    }
    return render(request, "exercises/handed-in.html", context)
