"""Numbers as people read them: one spelling of seconds, tokens, dollars and shares for all pictures."""

from __future__ import annotations

import math
import re
from functools import lru_cache

from django.utils.formats import number_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

# Control characters and lone surrogates cannot stand in XML, nor in UTF-8; learners may type them anyway.
_UNDRAWABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
# Widths of the interface face in em over English words; a little generous, so that text stays inside.
_EM_REGULAR = 0.54
_EM_BOLD = 0.58


def drawable(text: str) -> str:
    """The text on one line, with what cannot be drawn replaced by U+FFFD."""
    return " ".join(_UNDRAWABLE.sub("\ufffd", str(text)).split())


def text_width(text: str, *, size: float, bold: bool = False) -> float:
    """Estimated width in the units of `size`."""
    return len(text) * size * (_EM_BOLD if bold else _EM_REGULAR)


def fitted(text: str, *, width: float, size: float, bold: bool = False) -> str:
    """The text cut with an ellipsis to fit `width`; empty when not even two letters would."""
    room = int(width / (size * (_EM_BOLD if bold else _EM_REGULAR)))
    if len(text) <= room:
        return text
    return text[: room - 1].rstrip() + "…" if room >= 3 else ""


def wrapped(text: str, *, width: float, size: float, bold: bool = False) -> list[str]:
    """The text on one line, or on two when one is not enough and its words allow it; cut to fit."""
    if fitted(text, width=width, size=size, bold=bold) == text:
        return [text]
    words = text.split(" ")
    breaks = [
        n
        for n in range(1, min(len(words), 40))
        if text_width(" ".join(words[:n]), size=size, bold=bold) <= width
    ]
    if not breaks:
        return [fitted(text, width=width, size=size, bold=bold)]
    first, rest = " ".join(words[: breaks[-1]]), " ".join(words[breaks[-1] :])
    return [first, fitted(rest, width=width, size=size, bold=bold)]


def _number(value: float, decimals: int) -> str:
    return _formatted(round(value, decimals), decimals, get_language())


@lru_cache(maxsize=8192)
def _formatted(value: float, decimals: int, language: str | None) -> str:  # the language is part of the key
    return str(number_format(value, decimals, use_l10n=True, force_grouping=True))


def seconds_text(seconds: float) -> str:
    """Milliseconds below one second, else seconds with at most two decimals, above ten minutes minutes."""
    return _seconds_said(seconds, get_language())


@lru_cache(maxsize=8192)
def _seconds_said(seconds: float, language: str | None) -> str:  # a picture says the same few times often
    if not math.isfinite(seconds):
        return "∞"
    if abs(seconds) < 0.9995:
        return _("%(number)s\N{NO-BREAK SPACE}ms") % {"number": _number(seconds * 1000, 0)}
    if abs(seconds) >= 600:
        return _("%(number)s\N{NO-BREAK SPACE}min") % {"number": _number(seconds / 60, 0)}
    decimals = 0 if abs(seconds) >= 100 else _decimals_needed(seconds, most=2)
    return _("%(number)s\N{NO-BREAK SPACE}s") % {"number": _number(seconds, decimals)}


def _decimals_needed(value: float, *, most: int) -> int:
    """At least one decimal, so that 2 s reads as 2.0 s; two only where the second says something."""
    return next((n for n in range(1, most) if abs(round(value, n) - round(value, most)) < 10**-9), most)


def tokens_text(tokens: float) -> str:
    return _number(tokens, 0)


def usd_text(usd: float) -> str:
    """Dollars with as many decimals as the amount needs to show two significant digits."""
    if usd == 0 or not math.isfinite(usd):
        return "$0"
    decimals = 2 if abs(usd) >= 0.1 else min(8, 1 - math.floor(math.log10(abs(usd))))
    return f"${_number(usd, decimals)}"


def share_text(share: float) -> str:
    """Whole percent; a tenth near both ends, so that 100 % and 0 % are said only of all and of nothing."""
    percent = share * 100
    if 0 < percent < 1:
        return _("%(number)s %%") % {"number": _number(max(percent, 0.1), 1)}
    if 99 < percent < 100:
        return _("%(number)s %%") % {"number": _number(min(percent, 99.9), 1)}
    return _("%(number)s %%") % {"number": _number(percent, 0)}


def listed(parts: list[str]) -> str:
    """`a, b and c`."""
    if len(parts) < 2:
        return "".join(parts)
    return _("%(first)s and %(last)s") % {"first": ", ".join(parts[:-1]), "last": parts[-1]}
