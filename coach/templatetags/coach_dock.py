"""`{% coach_dock lesson=… section=… %}`: the coach's column on a lesson's or an exercise's page."""

from __future__ import annotations

from typing import Any

from django import template

register = template.Library()


@register.inclusion_tag("coach/dock.html", takes_context=True)
def coach_dock(context: dict[str, Any], lesson: Any = None, exercise: Any = None, section: str = "") -> dict[str, Any]:
    return {"lesson": lesson, "exercise": exercise, "section": section, "request": context.get("request")}
