"""What the coach puts into pages of lessons and exercises: its column, and the trial of an attempt."""

from __future__ import annotations

from typing import Any

from django import template

from coach.frames import Subject
from coach.panel import panel_for
from coach.trials.panel import trial_panel

register = template.Library()


@register.inclusion_tag("coach/dock.html", takes_context=True)
def coach_dock(
    context: dict[str, Any], lesson: Any = None, exercise: Any = None, section: str = ""
) -> dict[str, Any]:
    return _panel(context, lesson, exercise, section)


@register.inclusion_tag("coach/panel.html", takes_context=True)
def coach_panel(
    context: dict[str, Any], lesson: Any = None, exercise: Any = None, section: str = ""
) -> dict[str, Any]:
    """What stands in the column: for a visitor who became a guest while the page was open."""
    return _panel(context, lesson, exercise, section)


@register.inclusion_tag("coach/trial.html", takes_context=True)
def coach_trial(context: dict[str, Any], submission: Any) -> dict[str, Any]:
    """Beside the grade of an attempt: its prompt and the one as found, run with a model."""
    request = context["request"]
    return {**trial_panel(submission), "request": request, "csrf_token": context.get("csrf_token", "")}


def _panel(context: dict[str, Any], lesson: Any, exercise: Any, section: str) -> dict[str, Any]:
    about = lesson if lesson is not None else exercise
    kind = "lesson" if lesson is not None else "exercise"
    subject = Subject.model_validate({"kind": kind, "slug": about.slug})
    request = context["request"]
    panel = panel_for(request, subject=subject, about=about, section=section)
    return {**panel, "request": request, "csrf_token": context.get("csrf_token", "")}
