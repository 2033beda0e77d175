"""The run beside an attempt's grade: begun, looked at, stopped. A fragment with scripts, else by its page."""

from __future__ import annotations

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from coach.forms import KeyForm
from coach.trials.panel import problem_text, trial_panel
from coach.trials.records import stop_run
from coach.trials.running import begin_trial
from exercises.access import attempt_for
from exercises.models import Submission
from lessons.access import learner_of


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def trial(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    submission = attempt_for(learner_of(request), slug, number)
    problem = ""
    if request.method == "POST":
        form = KeyForm(request.POST)
        problem = begin_trial(submission, form.cleaned_data["key"] if form.is_valid() else uuid.uuid4())
    return _shown(request, submission, problem)


@require_POST
def trial_stop(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    submission = attempt_for(learner_of(request), slug, number)
    stop_run(submission)
    return _shown(request, submission)


def _shown(request: HttpRequest, submission: Submission, problem: str = "") -> HttpResponse:
    if request.headers.get("HX-Request"):
        return render(request, "coach/trial.html", trial_panel(submission, problem=problem))
    if problem_text(problem):
        messages.warning(request, problem_text(problem))
    return redirect(f"{submission.get_absolute_url()}#trial")
