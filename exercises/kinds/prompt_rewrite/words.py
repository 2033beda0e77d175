"""How this kind's choices are called."""

from __future__ import annotations

from django.utils.translation import gettext as _


def tier_choices() -> list[tuple[str, str]]:
    """Tiers with their words, smallest first."""
    return [("small", _("Small")), ("medium", _("Medium")), ("large", _("Large"))]


def tier_words(tier: str) -> str:
    """A tier in words."""
    return dict(tier_choices())[tier]


def form_choices() -> list[tuple[str, str]]:
    """Forms of the answer."""
    return [("free", _("Free text")), ("structured", _("Structured output, enforced by the provider"))]


def switch_choices() -> list[tuple[str, str]]:
    """On and off."""
    return [("off", _("Off")), ("on", _("On"))]


def part_words(kind: str) -> str:
    """What a part of a prompt is called in a picture."""
    return {
        "background": _("background"),
        "task": _("task"),
        "rule": _("rules"),
        "schema": _("form and length"),
        "reasoning": _("how to think"),
        "data": _("input"),
    }.get(kind, _("the rest"))
