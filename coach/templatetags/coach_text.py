"""The coach's sentences on a page, from the same code that renders them for a socket."""

from __future__ import annotations

from django import template
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from coach.rendering import marker_html, sentence_html
from coach.replies.parts import Sentence
from lessons.figures.text import seconds_text, usd_text

register = template.Library()


@register.simple_tag
def coach_sentence(sentence: Sentence) -> SafeString:
    return sentence_html(sentence)


@register.simple_tag
def coach_marker(marker: int) -> SafeString:
    return marker_html(marker)


@register.filter
def coach_seconds(seconds: float) -> str:
    return seconds_text(seconds)


@register.filter
def coach_usd(usd: float) -> str:
    return usd_text(usd)


@register.filter
def coach_percent(share: float) -> str:
    return _("%(percent)s %%") % {"percent": round(share * 100)}
