"""`{% lesson_figure name %}`: an interactive figure where it stands in a lesson."""

from __future__ import annotations

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from lessons.figures import FIGURES

register = template.Library()


@register.simple_tag
def lesson_figure(name: str) -> SafeString:
    """The figure before its guess; nothing where a published revision names one that is gone."""
    figure = FIGURES.get(name)
    return (
        render_to_string("components/figure.html", {"figure": figure.render({})}) if figure else SafeString()
    )
