"""Limits per minute: requests, tokens. A rate is a resource that refills all the time, a token bucket.

A bucket holds up to `burst` units and gains `per_minute` / 60 of them each second; a task takes its units
when it starts. Who waits, waits in the order of its rank, and nobody behind may take what it waits for: a
large call is not starved by small ones. This module has no clock: whoever asks says what time it is.
Units: seconds; what is counted is up to the graph. (Anthropic, API reference, Rate limits: "token bucket".)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from coach.engine.errors import GraphError

ROUNDING = 1e-6
"""Units that are only the rounding of sums."""

TICK_SECONDS = 1e-9
"""What refills in less than that counts as there: no clock could wait for it."""


@dataclass(frozen=True, slots=True)
class Rate:
    """So many units `per_minute`; at most `burst` of them at once (default: those of a minute)."""

    per_minute: float
    burst: float | None = None

    def __post_init__(self) -> None:
        for units in (self.per_minute, self.most):
            if not (math.isfinite(units) and units > 0):
                raise GraphError(f"A rate and its burst are above 0, not {units!r}")

    @property
    def most(self) -> float:
        """The units of a full bucket."""
        return self.per_minute if self.burst is None else self.burst

    @property
    def per_second(self) -> float:
        """How fast it refills."""
        return self.per_minute / 60


Limits = Mapping[str, "int | Rate"]
"""By the resource's name: how many tasks may hold it at once, or how fast its units may be taken."""


class Bucket:
    """What is left of one rate. Full at first; below zero for what was taken without asking."""

    __slots__ = ("_at", "_rate", "_units")

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._units = rate.most
        self._at = -math.inf

    def level(self, now: float) -> float:
        """Units in it."""
        if now > self._at:
            gained = (now - self._at) * self._rate.per_second
            self._units, self._at = min(self._rate.most, self._units + gained), now
        return self._units

    def take(self, units: float, now: float) -> None:
        """Take them, or give them back where negative."""
        self._units = min(self._rate.most, self.level(now) - units)

    def has(self, units: float, now: float) -> bool:
        """Whether so many are there."""
        return self.level(now) >= units - ROUNDING - TICK_SECONDS * self._rate.per_second

    def full_enough_at(self, units: float, now: float) -> float:
        """When so many will be there, if nobody takes any."""
        return now + max(0.0, units - self.level(now)) / self._rate.per_second


Rank = tuple[bool, float, bytes]
"""Who goes first: the least."""

Entry = tuple[Rank, int]

Draws = Sequence[tuple[int, float]]
"""What a task takes: (place of the rate, units)."""


class Waiters:
    """The buckets of one run, and who waits for them. `draws`: what a task takes if it starts at a moment,
    always of the same rates. `ranks`: by task; the least goes first."""

    __slots__ = ("_buckets", "_draws", "_queues", "_ranks", "_taken", "_waiting")

    def __init__(
        self, rates: Sequence[Rate], draws: Callable[[int, float], Draws], ranks: Sequence[Rank]
    ) -> None:
        self._buckets = [Bucket(rate) for rate in rates]
        self._queues: list[list[Entry]] = [[] for _ in rates]
        self._draws = draws
        self._ranks = ranks
        self._taken: dict[int, dict[int, float]] = {}
        self._waiting: set[int] = set()

    def take(self, i: int, now: float) -> None:
        """Take the units of task `i`, whether they are there or not."""
        self._taken[i] = dict(self._draws(i, now))
        for r, units in self._taken[i].items():
            self._buckets[r].take(units, now)

    def give(self, i: int, now: float) -> None:
        """Give the units of task `i` back."""
        self.settle(i, [(r, 0.0) for r in self._taken.get(i, ())], now)

    def settle(self, i: int, draws: Draws, now: float) -> None:
        """Task `i`, which took its units, takes so many instead: give the rest back, or take more."""
        taken = self._taken.setdefault(i, {})
        for r, units in draws:
            self._buckets[r].take(units - taken.get(r, 0.0), now)
            taken[r] = units

    def may_take(self, i: int, now: float) -> bool:
        """Whether all its units are there, and nobody who goes first waits for any of them."""
        return all(
            self._buckets[r].has(units, now) and not self._is_behind(r, i) for r, units in self._draws(i, now)
        )

    def wait(self, i: int, now: float) -> None:
        """Queue up at all the rates it takes from."""
        self._waiting.add(i)
        for r, _ in self._draws(i, now):
            heappush(self._queues[r], (self._ranks[i], i))

    def leave(self, i: int) -> None:
        """It waits no more."""
        self._waiting.discard(i)

    def due(self, now: float) -> int:
        """The first by rank that may take its units now, -1 for none."""
        return min((head for head in self._heads() if self.may_take(head[1], now)), default=(None, -1))[1]

    def next_at(self, now: float) -> float | None:
        """When to ask again: the next moment at which somebody can have its units. None if nobody waits."""
        moments = (
            max(self._buckets[r].full_enough_at(units, now) for r, units in self._draws(i, now))
            for _, i in self._heads()
            if not any(self._is_behind(r, i) for r, _ in self._draws(i, now))
        )
        return min(moments, default=None)

    def _heads(self) -> list[Entry]:
        """Who is first at some rate."""
        return [head for queue in self._queues if (head := self._head(queue)) is not None]

    def _head(self, queue: list[Entry]) -> Entry | None:
        while queue and queue[0][1] not in self._waiting:
            heappop(queue)
        return queue[0] if queue else None

    def _is_behind(self, r: int, i: int) -> bool:
        head = self._head(self._queues[r])
        return head is not None and head < (self._ranks[i], i)
