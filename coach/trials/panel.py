"""What stands beside an attempt's grade: the button, the run while it goes on, what it measured."""

from __future__ import annotations

import uuid
from typing import Any

from django.utils.translation import gettext as _

from coach.allowance import renewal_text
from coach.models import TrialRun
from coach.providers.choosing import choose
from coach.trials.asking import SIDES
from coach.trials.records import LIMIT_SECONDS, newest_run
from coach.trials.report import report_of
from coach.trials.running import trial_of
from exercises.models import Submission


def trial_panel(submission: Submission, *, problem: str = "") -> dict[str, Any]:
    """`trial` None: there is nothing to run, and nothing is shown."""
    trial = trial_of(submission)
    if trial is None:
        return {"trial": None}
    run = newest_run(submission)
    return {
        "trial": trial,
        "submission": submission,
        "run": run,
        "report": report_of(trial, run.calls) if run and not run.is_running else None,
        "ending": ending_text(run),
        "has_model": choose() is not None,
        "calls": len(SIDES) * len(trial.cases),
        "most_seconds": round(LIMIT_SECONDS),
        "problem": problem_text(problem),
        "key": uuid.uuid4(),
    }


def ending_text(run: TrialRun | None) -> str:
    """Why a run has not measured everything, in a sentence; "" where it has, or goes on."""
    if run is None:
        return ""
    if run.state == TrialRun.State.LIMITED:
        return _limit_text(run.scope)
    return {
        TrialRun.State.STOPPED: _("You stopped this run. What follows is what it had measured."),
        TrialRun.State.LATE: _("The run took too long and was ended. What follows is what it had measured."),
        TrialRun.State.INTERRUPTED: _("This run was interrupted. Run it again."),
    }.get(TrialRun.State(run.state), "")


def _limit_text(scope: str) -> str:
    if scope == "off":
        return _("Calls of models are switched off at the moment, which ended this run.")
    return _(
        "The allowance for calls of models is used up, which ended this run; there is a new one %(when)s."
    ) % {"when": renewal_text()}


def problem_text(code: str) -> str:
    return {
        "restarting": _("The server is about to restart. Try again in a moment."),
        "other": _("A run of another attempt of yours is under way. Wait for its end, or stop it."),
    }.get(code, "")
