"""`{% exercise_card slug %}`: an exercise on a lesson's page; `{% exercise_results as rows %}`: all."""

from __future__ import annotations

from typing import Any

from django import template

from exercises.queries import ExerciseResult, result_for, results_for
from lessons.access import learner_of

register = template.Library()


@register.inclusion_tag("exercises/exercise-card.html", takes_context=True)
def exercise_card(context: dict[str, Any], slug: str) -> dict[str, Any]:
    request = context.get("request")
    return {"result": result_for(learner_of(request) if request else None, slug)}


@register.simple_tag(takes_context=True)
def exercise_results(context: dict[str, Any]) -> list[ExerciseResult]:
    """Every published exercise with the learner's best result, for the page about the learner."""
    request = context.get("request")
    return results_for(learner_of(request) if request else None)
