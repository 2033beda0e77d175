"""Numbers of a grade as people read them, and links to the passages it stands on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django import template
from django.template import loader
from django.template.context import Context
from django.urls import NoReverseMatch, reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from exercises.kinds.base import Severity
from exercises.models import Exercise

if TYPE_CHECKING:
    from exercises.forms import Workbench

register = template.Library()


@register.filter
def quantity(value: float, unit: str) -> str:
    """`1.42|quantity:"s"` is “1.42 s”; units are those of a Measure."""
    if unit == "s":
        return _("%(number)s s") % {"number": _rounded(value)} if value >= 1 else _milliseconds(value)
    if unit == "usd":
        return f"${_rounded(value)}"
    if unit == "ratio":
        return _("%(number)s %%") % {"number": number_format(round(value * 100, 1), use_l10n=True)}
    if unit == "tokens":
        return _("%(number)s tokens") % {"number": _whole(value)}
    return _whole(value) if float(value).is_integer() else _rounded(value)


@register.filter
def marks(score: float) -> str:
    """A score from 0 to 1 as marks of 100."""
    return str(round(score * 100))


@register.filter
def severity_name(severity: Severity) -> str:
    names = {
        "wrong": _("Wrong answer"),
        "slow": _("Costs time"),
        "costly": _("Costs money"),
        "risk": _("Risk"),
    }
    return names[severity]


@register.simple_tag
def passage_url(passage: str, exercise: Exercise) -> str:
    """The address of `lesson-slug#anchor` in the exercise's course; empty when it names none."""
    lesson, _hash, anchor = passage.partition("#")
    if not lesson or not anchor:
        return ""
    try:
        return f"{reverse('lessons:lesson', args=[exercise.lesson.course.slug, lesson])}#{anchor}"
    except NoReverseMatch:
        return ""


@register.simple_tag(takes_context=True)
def workbench_fields(context: Context, workbench: Workbench) -> str:
    """The kind's own fields, rendered with its own context on top of the page's."""
    fields = loader.get_template(workbench.kind.workbench_template)
    flat = {**{key: value for part in context.dicts for key, value in part.items()}, **workbench.context}
    return fields.render(flat, context.get("request"))


def _milliseconds(value: float) -> str:
    return _("%(number)s ms") % {"number": _whole(value * 1000)}


def _whole(value: float) -> str:
    return number_format(round(value), use_l10n=True, force_grouping=True)


def _rounded(value: float) -> str:
    """Three significant digits, two decimals at most from 1 on."""
    digits = 2 if abs(value) >= 1 or not value else _decimals(abs(value))
    return number_format(round(value, digits), decimal_pos=digits, use_l10n=True, force_grouping=True)


def _decimals(value: float) -> int:
    digits = 3
    while value < 0.1 and digits < 8:
        value, digits = value * 10, digits + 1
    return digits
