"""The units of limited resources in one run: who holds them, who is next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from heapq import heappop, heappush

from coach.engine.plan import Plan
from coach.engine.rates import Entry, Rank

WAITING, READY, RUNNING, ENDED, DONE, DROPPED, FAILED = range(7)
"""States of a task. ENDED: a speculative one that has run and whose decider has not ended yet. From DONE on
it is settled."""

NOTHING = -1
"""In place of the queue to wait in: it lacks nothing."""


class Units:
    """Starts what is ready as far as there are units for it, always the first in rank of those that can
    start. `state` is the run's, by task.

    What lacks a unit waits in a queue of the first resource that it lacks: the queue 2r of resource r, or
    2r + 1 where it leaves a last unit to others. When a unit comes back, the first of its queues are looked
    at and no others, in order of rank over all queues. Certain work that waits claims what it is going to
    hold: speculative work and second attempts take only what no claim is on.
    """

    __slots__ = (
        "_claiming",
        "_claims",
        "_free",
        "_heads",
        "_plan",
        "_queues",
        "_ranks",
        "_unstarted",
        "state",
    )

    def __init__(self, plan: Plan, state: list[int]) -> None:
        self._plan = plan
        self.state = state
        self._ranks = plan.rank[:]
        self._free = plan.limits[:]
        self._queues: list[list[Entry]] = [[] for _ in range(2 * len(plan.limits))]
        self._heads: list[tuple[Entry, int]] = []
        self._claims = [0] * len(plan.limits)
        self._claiming: set[int] = set()
        self._unstarted = [0] * plan.size
        for j, awaited in plan.awaited.items():
            self._unstarted[j] = len(awaited)

    def extend(self, base: int) -> None:
        """The plan has grown by the tasks from `base` on."""
        self._ranks += self._plan.rank[base:]
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

    def settle(self, i: int, units: Mapping[str, float]) -> None:
        """`i` has told what it takes of rates: it may be other than expected."""

    def hear(self, i: int) -> None:
        """The output of `i` has begun."""

    def release(self, i: int) -> None:
        """Give back what `i` holds."""
        for r in self._plan.holds[i]:
            self._free[r] += 1
            self._look_at(r)

    def take_again(self, i: int) -> bool:
        """Take once more what `i` holds, if all of it is free and no certain work waits for it."""
        holds = self._plan.holds[i]
        if not all(self._free[r] > self._claims[r] for r in holds):
            return False
        for r in holds:
            self._free[r] -= 1
        return True

    def put_back(self, i: int) -> None:
        """It has not started after all."""
        for j in self._plan.joins_above[i]:
            self._unstarted[j] += 1
            self._leave_to_others(j)
        self.release(i)

    def give_up(self, i: int) -> None:
        """`i` will not start any more."""
        self._leave_to_others(i)
        self._count_started(i)

    def confirm(self, i: int) -> None:
        """`i`, which has not ended, is known to be needed: it is certain work from now on."""
        if self._ranks and self._is_speculative(i):
            _, way, told = self._ranks[i]
            self._ranks[i] = (False, way, told)
            if self.state[i] == READY and self._is_limited(i):
                self._offer(i)

    def wait_no_more(self, j: int) -> None:
        """The streaming join `j` waits for nothing any more: it may take a last unit."""
        if self._unstarted[j]:
            self._unstarted[j] = 0
            if self.state[j] == READY:
                self._offer(j)

    def admit(self, fresh: Iterable[int]) -> list[int]:
        """Start what is ready and fits, the first in rank first; the rest waits for what it lacks."""
        starts: list[int] = []
        for i in fresh:
            if self.state[i] != READY:
                continue
            if self._is_limited(i):
                self._offer(i)
            else:
                self._start(i, starts)
        while (i := self._next()) >= 0:
            if self.state[i] == READY:
                self._consider(i, starts)
        if len(starts) > 1:
            starts.sort(key=self._plan.rank.__getitem__ if self._plan.rank else self._is_speculative)
        return starts

    def _is_limited(self, i: int) -> bool:
        return bool(self._plan.holds[i])

    def _is_speculative(self, i: int) -> bool:
        return self._plan.tasks[i].speculative

    def _offer(self, i: int) -> None:
        """It may be able to start: it waits for the first that it will hold, as long as nobody looks."""
        self._claim(i)
        entry, q = (self._ranks[i], i), 2 * self._plan.holds[i][0] + (self._unstarted[i] > 0)
        heappush(self._queues[q], entry)
        if self._queues[q][0] == entry:
            heappush(self._heads, (entry, q))

    def _look_at(self, r: int) -> None:
        """There may be more for those who wait for resource `r`."""
        self._show(2 * r)
        self._show(2 * r + 1)

    def _show(self, q: int) -> None:
        """Let the first of a queue be looked at."""
        queue = self._queues[q]
        while queue and self.state[queue[0][1]] != READY:
            heappop(queue)
        if queue:
            heappush(self._heads, (queue[0], q))

    def _first(self) -> Entry | None:
        """The first in rank of those to be looked at."""
        heads = self._heads
        while heads:
            entry, q = heads[0]
            if self._may_leave(q, entry):
                return entry
            heappop(heads)
        return None

    def _may_leave(self, q: int, entry: Entry) -> bool:
        """Whether there is something for the first of a queue, and it is still the first."""
        queue, (r, spare) = self._queues[q], divmod(q, 2)
        return bool(queue) and queue[0] == entry and self._left(r, entry[0]) > spare

    def _next(self) -> int:
        """The task that is the first in rank, taken out of the queue in which it waited; -1 for none."""
        if self._first() is None:
            return -1
        (_, i), q = heappop(self._heads)
        heappop(self._queues[q])
        self._show(q)
        return i

    def _consider(self, i: int, starts: list[int]) -> None:
        lacking = self._lacking(i)
        if lacking == NOTHING:
            self._start(i, starts)
        else:
            self._wait(i, lacking)

    def _lacking(self, i: int) -> int:
        """The queue of a resource that keeps `i` from starting, or `NOTHING`.

        A streaming join does not take a last unit while a task that it waits for has yet to get one:
        otherwise both would wait for each other for ever.
        """
        rank, spare = self._ranks[i], int(self._unstarted[i] > 0)
        for r in self._plan.holds[i]:
            if self._left(r, rank) <= spare:
                return 2 * r + spare
        return NOTHING

    def _left(self, r: int, rank: Rank) -> int:
        """Units of a resource that somebody of this rank may take."""
        speculative = rank[0]
        return self._free[r] - self._claims[r] if speculative else self._free[r]

    def _wait(self, i: int, q: int) -> None:
        heappush(self._queues[q], (self._ranks[i], i))

    def _start(self, i: int, starts: list[int]) -> None:
        self.state[i] = RUNNING
        self._disclaim(i)
        for r in self._plan.holds[i]:
            self._free[r] -= 1
        starts.append(i)
        self._count_started(i)

    def _count_started(self, i: int) -> None:
        """Streaming joins may now take the last unit, because `i` no longer wants one."""
        for j in self._plan.joins_above[i]:
            self._unstarted[j] -= 1
            if not self._unstarted[j] and self.state[j] == READY:
                self._offer(j)

    def _claim(self, i: int) -> None:
        """Nothing speculative shall take what `i` waits for. A join that leaves a last unit to others claims
        none: one of them may be speculative."""
        speculative = self._ranks[i][0]
        if not (speculative or self._unstarted[i] or i in self._claiming):
            self._claiming.add(i)
            for r in self._plan.holds[i]:
                self._claims[r] += 1

    def _disclaim(self, i: int) -> bool:
        """What `i` claimed is there for others, unless it takes it now. False if it claimed nothing."""
        if i not in self._claiming:
            return False
        self._claiming.remove(i)
        for r in self._plan.holds[i]:
            self._claims[r] -= 1
        return True

    def _leave_to_others(self, i: int) -> None:
        """It does not wait for units any more, or for a last one only when others have theirs."""
        if self._disclaim(i):
            for r in self._plan.holds[i]:
                self._look_at(r)
