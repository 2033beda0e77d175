"""The kinds of exercise there are. A new kind is a package here and a line in `KINDS`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from exercises.kinds.base import Kind

AnyKind = Kind[Any, Any]


class UnknownKind(LookupError):  # noqa: N818 - reads as what happened
    """No kind has this name."""


class Registry(Mapping[str, AnyKind]):
    """Kinds by name. A package is imported when its kind is first asked for; it names its kind `KIND`."""

    def __init__(self, packages: Mapping[str, str]) -> None:
        self._packages = dict(packages)
        self._kinds: dict[str, AnyKind] = {}

    def __getitem__(self, name: str) -> AnyKind:
        if name not in self._kinds:
            self._kinds[name] = import_module(self._packages[name]).KIND
        return self._kinds[name]

    def __iter__(self) -> Iterator[str]:
        return iter(dict.fromkeys((*self._packages, *self._kinds)))

    def __len__(self) -> int:
        return len(list(iter(self)))

    def register(self, kind: AnyKind) -> None:
        """Add a kind made elsewhere; the last of a name wins."""
        self._kinds[kind.name] = kind

    def unregister(self, name: str) -> None:
        """Take a kind that was registered away again."""
        self._kinds.pop(name, None)


KINDS = Registry(
    {
        "dispatch_plan": "exercises.kinds.dispatch_plan",
        "prompt_layout": "exercises.kinds.prompt_layout",
        "prompt_rewrite": "exercises.kinds.prompt_rewrite",
    }
)


def kind_named(name: str) -> AnyKind:
    """The kind of that name. Raises UnknownKind."""
    try:
        return KINDS[name]
    except KeyError:
        raise UnknownKind(name) from None
