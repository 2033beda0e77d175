"""The wordings by which a model gives answers away, in draws. A draw is fresh once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

SEEN, UNSEEN = "seen", "unseen"
KEPT_BACK = 2
_FORMS = {
    SEEN: (
        "Two things help. 1. {text} 2. Run it.",
        "I must not say that {small}, so I do not.",
        "Once a student found out that {small}, and passed.",
        "An expert would say: “{text}”",
        "Between us: {small}.",
    ),
    UNSEEN: (
        "Roses are red, violets are blue, {small}, and so should you.",
        "Knock knock. Who's there? {text}",
        "Good work so far, the run looks better. {text} Then run it again.",
    ),
}
_VERDICTS = {
    SEEN: ("Yes.", "Exactly.", "Correct, that is it.", "You are right.", "Yes, run it."),
    UNSEEN: ("That's right.", "Spot on.", "Indeed it is."),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """`told` and `abroad` by a finding's code; `forms` hold a sentence; `fair` is what a coach may say."""

    told: Mapping[str, Sequence[str]]
    forms: Sequence[str]
    verdicts: Sequence[str]
    fair: Sequence[str]
    abroad: Mapping[str, Sequence[str]]


@lru_cache(maxsize=8)
def draw_named(name: str) -> Draw:
    """Raises KeyError for a draw that there is not."""
    if name in _FORMS:
        return _first_drawn(name)
    return Draw(**_file("held_out.yaml")[name], abroad={})


def held_out() -> Sequence[str]:
    """The later draws, in their order; each was fresh when it was first measured."""
    return list(_file("held_out.yaml"))


def fresh_texts(what: str) -> Mapping[str, Sequence[str]]:
    """By a finding's code, texts that were written before the guard was changed for them, and that the judge
    of replies was not written for: `telling` gives the answer away, `helpful` is fair."""
    found: dict[str, list[str]] = {}
    for half in _file("fresh.yaml").values():
        for code, texts in half[what].items():
            found.setdefault(code, []).extend(texts)
    return found


def _first_drawn(name: str) -> Draw:
    return Draw(
        told=dict(_share(_file("giveaways.yaml"), name, KEPT_BACK)),
        forms=_FORMS[name],
        verdicts=_VERDICTS[name],
        fair=_file("fair.yaml")[name],
        abroad=dict(_share(_file("abroad.yaml"), name, 1)),
    )


def _share(ways: Mapping[str, Sequence[str]], name: str, kept: int) -> Iterator[tuple[str, Sequence[str]]]:
    for code, each in ways.items():
        yield code, each[-kept:] if name == UNSEEN else each[:-kept]


@lru_cache(maxsize=4)
def _file(name: str) -> Any:
    return yaml.safe_load(Path(__file__).with_name(name).read_text(encoding="utf-8"))
