"""How this kind's choices are called."""

from __future__ import annotations

from django.utils.translation import gettext as _

from exercises.kinds.prompt_layout.spec import LayoutSpec

MOVES = ("move", "put", "shift", "place it", "reorder")
"""Words that tell somebody to move a block."""


def stability_choices() -> list[tuple[str, str]]:
    """Stabilities with their words, the most stable first."""
    return [
        ("fixed", _("Never changes")),
        ("shared", _("Same for all who work on one document")),
        ("session", _("Same within one conversation")),
        ("user", _("One text per person")),
        ("call", _("New on every call")),
    ]


def stability_words(name: str) -> str:
    """A stability in words."""
    return dict(stability_choices())[name]


def lifetime(ttl: str) -> str:
    """A lifetime in words."""
    return {"5m": _("5 minutes"), "1h": _("1 hour")}.get(ttl, ttl)


def names_of(spec: LayoutSpec, item: str) -> tuple[str, ...]:
    """What a sentence may call an item, in lower case."""
    labels = {spec.label_of(item).lower(), *(piece.label.lower() for piece in spec.pieces_of(item))}
    return tuple(sorted(labels))
