"""Units of limited resources where some of them are rates: who waits, waits by rank, for both kinds alike."""

from __future__ import annotations

from collections.abc import Mapping

from coach.engine.expected import Caches, Expected
from coach.engine.plan import Plan
from coach.engine.rates import Waiters
from coach.engine.units import NOTHING, Units

TIME = -2
"""In place of the queue to wait in: it lacks nothing but units of rates."""


class RatedUnits(Units):
    """A task that has all but units of rates waits at all the rates it takes from, and nobody of a later rank
    takes of those before it. One that lacks a unit which others hold waits for that, and stands in nobody's
    way."""

    __slots__ = ("_expected", "_now", "_waiters")

    def __init__(self, plan: Plan, state: list[int], caches: Caches | None = None) -> None:
        super().__init__(plan, state)
        self._now = 0.0
        self._expected = Expected(plan, caches)
        self._waiters = Waiters(tuple(plan.rates.values()), self._expected.draws, self._ranks)

    def tick(self, now: float) -> None:
        """What time it is, on the driver's clock."""
        self._now = now

    def come_again(self) -> float | None:
        """When there will be something to start, if nothing happens before."""
        return self._waiters.next_at(self._now)

    def charge(self, i: int) -> None:
        """An attempt is repeated: it takes its units again and does not wait for them; those after it do."""
        self._waiters.take(i, self._now)

    def refund(self, i: int) -> None:
        """It has not made use of what it took."""
        self._waiters.give(i, self._now)

    def settle(self, i: int, units: Mapping[str, float]) -> None:
        """It has told what it takes."""
        self._waiters.settle(i, self._plan.placed(units), self._now)

    def hear(self, i: int) -> None:
        """Its output has begun: what it wrote to a cache, others can read."""
        self._expected.hear(i, self._now)

    def take_again(self, i: int) -> bool:
        """Take once more what `i` holds and took, if all of it is free and nobody waits for it."""
        if not self._waiters.may_take(i, self._now) or not super().take_again(i):
            return False
        self._waiters.take(i, self._now)
        return True

    def put_back(self, i: int) -> None:
        """It has not started after all."""
        self.refund(i)
        super().put_back(i)

    def give_up(self, i: int) -> None:
        """It will not start any more."""
        self._waiters.leave(i)
        super().give_up(i)

    def _is_limited(self, i: int) -> bool:
        return super()._is_limited(i) or bool(self._plan.draws[i])

    def _offer(self, i: int) -> None:
        if self._plan.holds[i]:
            super()._offer(i)
        else:
            self._waiters.wait(i, self._now)

    def _next(self) -> int:
        """The first in rank over both kinds."""
        due, first = self._waiters.due(self._now), self._first()
        if due >= 0 and (first is None or (self._ranks[due], due) < first):
            return due
        return super()._next()

    def _lacking(self, i: int) -> int:
        lacking = super()._lacking(i)
        if lacking == NOTHING and not self._waiters.may_take(i, self._now):
            return TIME
        return lacking

    def _wait(self, i: int, q: int) -> None:
        if q == TIME:
            self._waiters.wait(i, self._now)
        else:
            self._waiters.leave(i)
            super()._wait(i, q)

    def _start(self, i: int, starts: list[int]) -> None:
        self._waiters.leave(i)
        self._waiters.take(i, self._now)
        self._expected.begin(i, self._now)
        super()._start(i, starts)
