"""`{% exercise_card slug %}`: an exercise on a lesson's page, with how far the learner is with it."""

from __future__ import annotations

from typing import Any

from django import template

from exercises.queries import result_for
from lessons.access import learner_of

register = template.Library()


@register.inclusion_tag("exercises/exercise-card.html", takes_context=True)
def exercise_card(context: dict[str, Any], slug: str) -> dict[str, Any]:
    request = context.get("request")
    return {"result": result_for(learner_of(request) if request else None, slug)}
