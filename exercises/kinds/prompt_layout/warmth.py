"""The times and the minutes that a learner may choose between: good ones and plausible bad ones."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from exercises.kinds.prompt_layout.answer import MAX_KEEPALIVE_MINUTES, MIN_KEEPALIVE_MINUTES
from exercises.kinds.prompt_layout.design import suited_minutes, wake_time
from exercises.kinds.prompt_layout.spec import LayoutSpec, clock, seconds_of

_AROUND_OPENING = (-120, -90, -60, -30, -15, -10, -5, -2, 0, 5, 15, 30)
_AROUND_LUNCH = (-30, -15, -5, -2, 0, 15)
_DAY = 24 * 60
_IDLE_MINUTES = (2, 4, 8, 15, 30, 45, 60, 90)
"""Besides nine tenths of every lifetime."""

Choices = list[tuple[str, str]]


def prewarm_choices(spec: LayoutSpec, typed: str) -> Choices:
    """None, and times around opening and the end of lunch. What was typed otherwise stays to be seen."""
    opens, back = (seconds_of(spec.traffic.opens_at), seconds_of(spec.traffic.lunch_until))
    wake = seconds_of(wake_time(spec))
    minutes = {*_shifted(opens, _AROUND_OPENING), *_shifted(back, _AROUND_LUNCH), int(wake // 60)}
    times = [clock(60.0 * minute) for minute in sorted(minutes)]
    return _with_typed([("", _("No warm-up")), *((time, time) for time in times)], typed)


def _shifted(at_seconds: float, shifts: tuple[int, ...]) -> Iterator[int]:
    minute = int(at_seconds // 60)
    yield from (minute + shift for shift in shifts if 0 <= minute + shift < _DAY)


def keepalive_choices(spec: LayoutSpec, typed: str) -> Choices:
    """None, and idle minutes on both sides of every lifetime. What was typed otherwise stays to be seen."""
    suited = {suited_minutes(spec, ttl) for ttl in spec.rules.ttls}
    minutes = sorted(
        m for m in {*_IDLE_MINUTES, *suited} if MIN_KEEPALIVE_MINUTES <= m <= MAX_KEEPALIVE_MINUTES
    )
    words = ((m, ngettext("after %(count)s idle minute", "after %(count)s idle minutes", m)) for m in minutes)
    return _with_typed(
        [("", _("No keep-alive")), *((str(m), said % {"count": m}) for m, said in words)], typed
    )


def _with_typed(choices: Choices, typed: str) -> Choices:
    known = any(typed == value for value, _words in choices)
    return choices if known else [*choices, (typed, typed)]
