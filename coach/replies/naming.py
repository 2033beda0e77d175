"""Which finding a learner speaks of without its number: by the words of its place, or of its kind."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache

from coach.replies.terms import folded_terms
from exercises.kinds.base import Finding

_NAMED_FROM = 0.45
# A kind ("fan-in-waits") names less surely than a place.
_KIND = 0.8
_END, _BOTH = 0.85, 0.1
# Words that stand in many kinds and name none of them.
_COMMON = frozenset("after before against large lost missing missed mislabelled not no on to too".split())  # noqa: SIM905


def finding_named(terms: Collection[str], findings: Sequence[Finding]) -> Finding | None:
    """The finding whose place or kind has most of its words among `terms`; of equals the gravest."""
    rated = [(max(_place(finding, terms), _KIND * _kind(finding, terms)), finding) for finding in findings]
    best = max((rate for rate, _ in rated), default=0.0)
    if best < _NAMED_FROM:
        return None
    return next(finding for rate, finding in rated if rate == best)


def _place(finding: Finding, terms: Collection[str]) -> float:
    """How much of a place is named; an arrow has two ends, and both count more than one."""
    ends = [_share(end, terms) for end in _ends(finding.place_label)]
    return max(ends, default=0.0) if len(ends) == 1 else _END * max(ends) + _BOTH * sum(ends)


def _kind(finding: Finding, terms: Collection[str]) -> float:
    return _share(_words_of_kind(finding.code), terms)


def _share(words: frozenset[str], terms: Collection[str]) -> float:
    return len(words.intersection(terms)) / len(words) if words else 0.0


@lru_cache(maxsize=512)
def _ends(label: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(folded_terms(end)) for end in label.split("→"))


@lru_cache(maxsize=64)
def _words_of_kind(code: str) -> frozenset[str]:
    words = " ".join(word for word in code.split("-") if word not in _COMMON)
    return frozenset(folded_terms(words))
