"""Units of limited resources where some of them are rates: who waits, waits by rank, for both kinds alike."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush

from coach.engine.plan import Plan
from coach.engine.rates import Entry, Waiters
from coach.engine.units import READY, Units


class RatedUnits(Units):
    """A task that has all but units of rates waits at all the rates it takes from, and nobody of a later rank
    takes of those before it. One that lacks a unit which others hold waits for that, and stands in nobody's
    way."""

    __slots__ = ("_aside", "_now", "_waiters")

    def __init__(self, plan: Plan, state: list[int]) -> None:
        super().__init__(plan, state)
        self._now = 0.0
        self._aside: list[tuple[int, Entry]] = []
        self._waiters = Waiters(tuple(plan.rates.values()), plan.draws, plan.rank)

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

    def take_again(self, i: int) -> bool:
        """Take once more what `i` holds and took, if all of it is free and nobody waits for it."""
        if not self._waiters.may_take(i, self._now) or not super().take_again(i):
            return False
        self._waiters.take(i, self._now)
        return True

    def put_back(self, i: int) -> list[int]:
        """It has not started after all."""
        self.refund(i)
        return super().put_back(i)

    def admit(self, fresh: Iterable[int], released: Iterable[int]) -> list[int]:
        """Start what is ready and fits, by rank; the rest waits for what it lacks."""
        starts: list[int] = []
        for i in fresh:
            if self.state[i] != READY:
                continue
            if self._plan.holds[i]:
                heappush(self._queues[self._plan.holds[i][0]], (self._plan.rank[i], i))
            elif self._plan.draws[i]:
                self._waiters.wait(i)
            else:
                self._start(i, starts, {})
        while (entry := self._next()) is not None:
            self._consider(entry, starts)
        self._put_back_aside()
        return sorted(starts, key=self._is_speculative)

    def count_started(self, i: int) -> list[int]:
        """It wants no unit any more."""
        self._waiters.leave(i)
        return super().count_started(i)

    def _next(self) -> tuple[Entry, int] | None:
        """The first by rank that may have become able to start, and the resource it waits for, -1 for
        rates."""
        heads = [(queue[0], r) for r, queue in enumerate(self._queues) if self._free[r] and self._has_head(r)]
        due = self._waiters.due(self._now)
        if due >= 0:
            heads.append(((self._plan.rank[due], due), -1))
        return min(heads, default=None)

    def _has_head(self, r: int) -> bool:
        queue = self._queues[r]
        while queue and self.state[queue[0][1]] != READY:
            heappop(queue)
        return bool(queue)

    def _consider(self, head: tuple[Entry, int], starts: list[int]) -> None:
        entry, queued = head
        i = entry[1]
        if queued >= 0:
            heappop(self._queues[queued])
        else:
            self._waiters.leave(i)
        lacking = self._lacking(i)
        if lacking >= 0 and lacking == queued:
            self._aside.append((queued, entry))
        elif lacking >= 0:
            heappush(self._queues[lacking], entry)
        elif self._waiters.may_take(i, self._now):
            self._waiters.take(i, self._now)
            self._start(i, starts, {})
            self._put_back_aside()
        else:
            self._waiters.wait(i)

    def _put_back_aside(self) -> None:
        """Streaming joins that left a last unit to others ask again."""
        for r, entry in self._aside:
            heappush(self._queues[r], entry)
        self._aside.clear()
