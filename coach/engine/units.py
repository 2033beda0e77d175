"""The units of limited resources in one run: who holds them, who is next."""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush

from coach.engine.plan import Plan
from coach.engine.rates import Entry

WAITING, READY, RUNNING, ENDED, DONE, DROPPED, FAILED = range(7)
"""States of a task. ENDED: a speculative one that has run and whose decider has not ended yet. From DONE on
it is settled."""


class Units:
    """Starts what is ready as far as there are units for it. `state` is the run's, by task."""

    __slots__ = ("_free", "_plan", "_queues", "_unstarted", "state")

    def __init__(self, plan: Plan, state: list[int]) -> None:
        self._plan = plan
        self.state = state
        self._free = plan.limits[:]
        self._queues: list[list[Entry]] = [[] for _ in plan.limits]
        self._unstarted = [0] * plan.size
        for j, awaited in plan.awaited.items():
            self._unstarted[j] = len(awaited)

    def extend(self, base: int) -> None:
        """The plan has grown by the tasks from `base` on."""
        for j in range(base, self._plan.size):
            awaited = self._plan.awaited.get(j, ())
            self._unstarted.append(sum(self.state[i] in (WAITING, READY) for i in awaited))

    def tick(self, now: float) -> None:
        """What time it is, on the driver's clock. Only rates want to know."""

    def come_again(self) -> float | None:
        """When there will be something to start, if nothing happens before; None for never."""
        return None

    def charge(self, i: int) -> None:
        """An attempt at `i` is repeated: what it takes of rates it takes again."""

    def refund(self, i: int) -> None:
        """`i` has not made use of what it took of rates."""

    def release(self, i: int) -> list[int]:
        """Give back what `i` holds; returns the resources."""
        holds = self._plan.holds[i]
        for r in holds:
            self._free[r] += 1
        return holds[:]

    def take_again(self, i: int) -> bool:
        """Take once more what `i` holds, if all of it is free."""
        holds = self._plan.holds[i]
        if not all(self._free[r] for r in holds):
            return False
        for r in holds:
            self._free[r] -= 1
        return True

    def put_back(self, i: int) -> list[int]:
        """It has not started after all."""
        for j in self._plan.joins_above[i]:
            self._unstarted[j] += 1
        return self.release(i)

    def count_started(self, i: int) -> list[int]:
        """Resources at which a streaming join may now take the last unit, because `i` no longer wants one."""
        freed: list[int] = []
        for j in self._plan.joins_above[i]:
            self._unstarted[j] -= 1
            if not self._unstarted[j]:
                freed += self._plan.holds[j]
        return freed

    def wait_no_more(self, j: int) -> list[int]:
        """The streaming join `j` waits for nothing any more; returns the resources where that may matter."""
        if not self._unstarted[j]:
            return []
        self._unstarted[j] = 0
        return self._plan.holds[j]

    def admit(self, fresh: Iterable[int], released: Iterable[int]) -> list[int]:
        """Start what is ready and fits; queue the rest at a resource that it lacks."""
        starts: list[int] = []
        touched = dict.fromkeys(released)
        for i in fresh:
            if self.state[i] != READY:
                continue
            holds = self._plan.holds[i]
            if holds:
                heappush(self._queues[holds[0]], (self._plan.rank[i], i))
                touched[holds[0]] = None
            else:
                self._start(i, starts, touched)
        while touched:
            r = next(iter(touched))
            del touched[r]
            self._drain(r, starts, touched)
        if len(starts) > 1:
            starts.sort(key=self._is_speculative)
        return starts

    def _is_speculative(self, i: int) -> bool:
        return self._plan.tasks[i].speculative

    def _start(self, i: int, starts: list[int], touched: dict[int, None]) -> None:
        self.state[i] = RUNNING
        for r in self._plan.holds[i]:
            self._free[r] -= 1
        starts.append(i)
        touched.update(dict.fromkeys(self.count_started(i)))

    def _drain(self, r: int, starts: list[int], touched: dict[int, None]) -> None:
        queue = self._queues[r]
        aside: list[Entry] = []
        while queue and self._free[r]:
            entry = heappop(queue)
            i = entry[1]
            if self.state[i] != READY:
                continue
            lacking = self._lacking(i)
            if lacking < 0:
                self._start(i, starts, touched)
            elif lacking == r:
                aside.append(entry)
            else:
                heappush(self._queues[lacking], entry)
        for entry in aside:
            heappush(queue, entry)

    def _lacking(self, i: int) -> int:
        """A resource that keeps `i` from starting, -1 for none.

        A streaming join does not take a last unit while a task that it waits for has yet to get one:
        otherwise both would wait for each other for ever.
        """
        spare = 1 if self._unstarted[i] > 0 else 0
        for r in self._plan.holds[i]:
            if self._free[r] <= spare:
                return r
        return -1
