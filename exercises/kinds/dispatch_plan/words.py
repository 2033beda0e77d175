"""How the kind's values are said to people."""

from __future__ import annotations

from django.utils.translation import gettext as _


def dollars(usd: float) -> str:
    """A small sum with three significant digits."""
    return f"${usd:.2f}" if abs(usd) >= 1 else f"${usd:.3g}" if abs(usd) >= 1e-4 else f"${usd:.5f}"


def tier_words(tier: str) -> str:
    """A tier by its size."""
    return {"small": _("Small model"), "medium": _("Medium model"), "large": _("Large model")}[tier]


def join_words(join: str) -> str:
    """How the fan-in begins."""
    return {
        "all": _("Begin when all results are in"),
        "stream": _("Begin with the first result, go on as the others come in"),
    }[join]


def handover_words(handover: str) -> str:
    """What is handed to the fan-in."""
    return {"verbatim": _("Results as they are"), "summarised": _("A digest of each result")}[handover]
