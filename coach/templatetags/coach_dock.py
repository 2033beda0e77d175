"""`{% coach_dock lesson=… section=… %}`: the coach's column on a lesson's or an exercise's page."""

from __future__ import annotations

from typing import Any

from django import template

from coach.frames import Subject
from coach.panel import panel_for

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


def _panel(context: dict[str, Any], lesson: Any, exercise: Any, section: str) -> dict[str, Any]:
    about = lesson if lesson is not None else exercise
    kind = "lesson" if lesson is not None else "exercise"
    subject = Subject.model_validate({"kind": kind, "slug": about.slug})
    request = context["request"]
    panel = panel_for(request, subject=subject, about=about, section=section)
    return {**panel, "request": request, "csrf_token": context.get("csrf_token", "")}
