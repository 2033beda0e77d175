"""What each of several changes brings, when each may be worth nothing without another.

Units: seconds, US dollars.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Generic, TypeVar

P = TypeVar("P")
S = TypeVar("S", bound=Hashable)

ROUNDING = 1e-9
"""Dollars that are only the rounding of sums."""

MOST_STEPS = 7
"""Up to so many changes are weighed in all orders; more in `SOME_ORDERS`."""

SOME_ORDERS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a plan takes: seconds and dollars, and both together in dollars at the value of a second."""

    seconds: float
    cost_usd: float
    burden_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change towards the best plan. `about`: the tasks or blocks concerned. What it saves in seconds and
    dollars, and what both are worth, is its part in what all changes bring: they add up; below zero it costs.
    """

    code: str
    about: tuple[str, ...]
    sentence: str
    saved_seconds: float
    saved_usd: float
    worth_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice(Generic[P]):
    """The best plan found, and the changes that lead to it, those worth most first."""

    plan: P
    before: Figures
    after: Figures
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class Step(Generic[S]):
    """A change that can be made to a state on its own, whatever else was made."""

    code: str
    about: tuple[str, ...]
    sentence: str
    make: Callable[[S], S]


def account_for(
    start: S, steps: Sequence[Step[S]], figures: Callable[[S], Figures | None]
) -> tuple[Change, ...]:
    """What each step brings: its part in what all of them bring, on average over the orders in which they
    can be made (its Shapley value), since one may be worth nothing without another. The parts add up.

    Steps can be made in any order. With few, a set of them counts for the best that can be made of it, so
    that none is blamed for what it costs while another is missing. `figures` gives None for a state that is
    refused: it counts like `start`.
    """
    memo: dict[frozenset[int], Figures] = {}

    def after(made: frozenset[int]) -> Figures:
        if made not in memo:
            state = start
            for number in sorted(made):
                state = steps[number].make(state)
            found = [figures(state) or after(frozenset())]
            if len(made) < len(steps) <= MOST_STEPS:
                found += (after(made - {number}) for number in made)
            memo[made] = min(found, key=lambda each: each.burden_usd)
        return memo[made]

    parts = [_Part() for _ in steps]
    for weight, made, number in _additions(len(steps)):
        parts[number].add(weight, after(made), after(made | {number}))
    changes = [part.change(step) for part, step in zip(parts, steps, strict=True)]
    return tuple(sorted(changes, key=lambda change: -change.worth_usd))


def _additions(size: int) -> Iterator[tuple[float, frozenset[int], int]]:
    """(weight, steps made before, the next step) over all orders of few steps, over some orders of many."""
    if size > MOST_STEPS:
        rng = random.Random(0)
        for _ in range(SOME_ORDERS):
            order = rng.sample(range(size), size)
            for place, number in enumerate(order):
                yield 1 / SOME_ORDERS, frozenset(order[:place]), number
        return
    for number in range(size):
        others = [each for each in range(size) if each != number]
        for count in range(size):
            weight = 1 / (size * comb(size - 1, count))
            for before in combinations(others, count):
                yield weight, frozenset(before), number


@dataclass(slots=True)
class _Part:
    """A step's part, as it is added up."""

    seconds: float = 0.0
    usd: float = 0.0
    worth: float = 0.0

    def add(self, weight: float, before: Figures, after: Figures) -> None:
        self.seconds += weight * (before.seconds - after.seconds)
        self.usd += weight * (before.cost_usd - after.cost_usd)
        self.worth += weight * (before.burden_usd - after.burden_usd)

    def change(self, step: Step[S]) -> Change:
        return Change(
            code=step.code,
            about=step.about,
            sentence=step.sentence,
            saved_seconds=self.seconds,
            saved_usd=self.usd,
            worth_usd=self.worth,
        )
