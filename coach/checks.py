"""What Django's own check says about the model's settings."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, register

from coach.providers.installation import problems


@register()
def check_model(**kwargs: Any) -> list[CheckMessage]:
    """One error for each thing that is wrong with where and how a model is to be asked."""
    return [Error(problem.message, hint=problem.hint, id=f"coach.{problem.code}") for problem in problems()]
