"""What may run now. The one place that decides it, for real runs and simulated ones alike.

A `Schedule` is the state of one run of a `Plan`: a state machine without clock or I/O. A driver starts what
`begin`, `finish` and the others return, and reports each end by `finish` or `fail`, a beginning of output
that somebody waits for by `open_output`, and by `leave_out` that a join has waited long enough. No step looks
at more than the neighbours of the task that ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from coach.engine.graph import Task
from coach.engine.plan import Plan, plan_of
from coach.engine.settling import OPEN, Settling
from coach.engine.units import DONE, DROPPED, ENDED, FAILED, READY, RUNNING, WAITING

__all__ = [
    "DONE",
    "DROPPED",
    "ENDED",
    "FAILED",
    "READY",
    "RUNNING",
    "WAITING",
    "Plan",
    "Schedule",
    "plan_of",
]


class Schedule(Settling):
    """One run. After each step, the driver also looks at

    `lost`: running tasks that nobody needs any more: stop them; `woken`: running streaming joins for which
    something arrived or was dropped: tell them; `gone`: tasks that were settled without an end of their own:
    note when; and clears the lists. `draining`: running tasks whose result is not wanted: report their ends
    like any other. `fatal`: the task whose failure ends the run, -1 for none.

    `needed[i]` must be right when the decider of `i` is reported as finished. `left` counts unsettled tasks.
    """

    __slots__ = ()

    def begin(self) -> list[int]:
        """The tasks to start first."""
        if self._plan.simple:
            return self._plan.roots[:]
        for i in self._plan.roots:
            self._check_ready(i)
        return self._go_on()

    def finish(self, i: int) -> list[int]:
        """Task `i` has ended. Returns the tasks to start now, those that matter most first."""
        if self._plan.simple:
            self.left -= 1
            pending = self.pending
            ready = []
            for s in self._plan.successors[i]:
                count = pending[s] = pending[s] - 1
                if not count:
                    ready.append(s)
            return ready
        return self._end(i)

    def fail(self, i: int) -> list[int]:
        """Task `i` has ended without a result. Returns the tasks to start now."""
        if self._plan.simple:
            self.fatal = i
            return []
        if self.state[i] == RUNNING:
            self._failing.add(i)
        return self._end(i)

    def _end(self, i: int) -> list[int]:
        if i in self.draining:
            self.draining.discard(i)
            self._want_no_more(i)
        elif self.state[i] != RUNNING:
            return []
        else:
            self.state[i] = ENDED
        if i not in self._failing:
            self.units.hear(i)
        self.units.release(i)
        if self._plan.opens[i]:
            self._open(i)
        if self.state[i] == ENDED and not self._undecided(i):
            self._count(i)
        return self._go_on()

    def is_ahead(self, i: int) -> bool:
        """Whether it is speculative and its decider has not ended yet."""
        return self._plan.tasks[i].speculative and self._undecided(i)

    def put_off(self, i: int) -> list[int]:
        """A task that was to start ahead waits for its decider after all. Returns the tasks to start
        instead."""
        self.state[i] = WAITING
        self.pending[i] += 1
        self._put_off.add(i)
        self.units.put_back(i)
        return self._go_on()

    def take_again(self, i: int) -> bool:
        """Take once more what `i` holds, for a second attempt, if all of it is free."""
        return self.units.take_again(i)

    def give_again(self, i: int) -> list[int]:
        """Give back what the second attempt held. Returns the tasks to start now."""
        self.units.release(i)
        return self._go_on()

    def tick(self, now: float) -> None:
        """Where the graph limits rates, the driver says what time it is before each step."""
        if self._plan.rates:
            self.units.tick(now)

    def come_again(self) -> float | None:
        """When `wake` will have something to start, if nothing happens before; None for never."""
        return self.units.come_again() if self._plan.rates else None

    def wake(self) -> list[int]:
        """Time has passed. Returns the tasks to start now."""
        return self._go_on()

    def charge(self, i: int) -> None:
        """An attempt at `i` is repeated: what it takes of rates it takes again."""
        if self._plan.rates:
            self.units.charge(i)

    def refund(self, i: int) -> list[int]:
        """`i` has not made use of what it took of rates. Returns the tasks to start now."""
        if not self._plan.rates:
            return []
        self.units.refund(i)
        return self._go_on()

    def settle(self, i: int, units: Mapping[str, float]) -> list[int]:
        """`i` has told what it takes of rates, by their names. Returns the tasks to start now."""
        if not self._plan.rates:
            return []
        self.units.settle(i, units)
        return self._go_on()

    def open_output(self, i: int) -> list[int]:
        """The output of task `i` has begun. Returns the tasks to start now; none at the second time."""
        if self._plan.simple or not self._plan.is_heard(i) or self.state[i] != RUNNING:
            return []
        self.units.hear(i)
        self._open(i)
        return self._go_on()

    def leave_out(self, j: int) -> list[int]:
        """The join `j` has waited long enough. Returns the tasks to start now."""
        if self.state[j] in OPEN and self.unresolved[j]:
            policy = self._plan.policies[j]
            self._go_on_without(j, policy, late=True)
            self._advance(j, policy)
        return self._go_on()

    def add(self, tasks: Iterable[Task], order: Iterable[str], needed: Sequence[bool]) -> list[int]:
        """Extend the plan and this run of it by tasks that have been checked; `order`: their names, each
        after those that it waits for. A need that is settled counts at once. Returns the tasks to start."""
        base = self._plan.extend(tasks, order, self.is_settled)
        self._make_room(base, needed)
        for i in range(base, self._plan.size):
            self._catch_up(i, base)
        return self._go_on()

    def is_done(self, i: int) -> bool:
        """Whether its result counts."""
        return self.state[i] == DONE

    def has_failed(self, i: int) -> bool:
        """Whether it is settled and has no result because it, or what it needs, failed."""
        return self.state[i] == FAILED

    def is_settled(self, i: int) -> bool:
        """Whether nothing about it can change any more."""
        return self.state[i] >= DONE
