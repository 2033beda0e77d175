"""Runs a graph on a virtual clock: one timeline, or a thousand jittered ones for their percentiles.

Driven by the same `Schedule` as real runs. Deterministic: the same graph and seed give the same figures.
Units: seconds, US dollars.
"""

from __future__ import annotations

import math
import random
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush

from coach.engine.graph import TaskGraph, default_needed
from coach.engine.percentiles import percentile
from coach.engine.record import Record
from coach.engine.schedule import RUNNING, Plan, Schedule, plan_of
from coach.engine.second_attempts import SecondAttempts
from coach.engine.trace import CANCELLED, Trace
from coach.engine.trace import FAILED as FAILED_SPAN

_OPENS, _ENDS, _LOSES_PATIENCE, _WAKES = _KINDS = range(4)
"""Kinds of events, in the order in which they come where they fall into the same moment: an output begins, a
task ends, a join loses patience, time has passed. What such an event brings for its own moment comes after
all of these, in a round of its own, as in a turn of an event loop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Distribution:
    """Seconds of many runs at the median, the 95th and the 99th percentile; means of cost and waste."""

    runs: int
    p50: float
    p95: float
    p99: float
    mean_seconds: float
    mean_cost_usd: float
    mean_wasted_seconds: float
    mean_wasted_usd: float
    first_output_p50: float
    first_output_p95: float


def simulate(
    graph: TaskGraph,
    *,
    needed: Mapping[str, bool] | None = None,
    durations: Mapping[str, float] | None = None,
    failing: Collection[str] = (),
) -> Trace:
    """One timeline. `needed` decides conditions (default: probability one half and more means needed);
    `durations` overrides the typical seconds of tasks; those in `failing` fail at their end, and where no
    join puts up with that, the timeline ends there and the others are cancelled."""
    plan = plan_of(graph)
    if failing and plan.simple:
        plan = Plan(graph, grows=True)
    given = durations or {}
    seconds = [given.get(task.name, task.duration.typical) for task in plan.tasks]
    schedule = Schedule(plan, [default_needed(task, needed) for task in plan.tasks])
    return Play(plan, schedule, seconds, failing=frozenset(plan.index[name] for name in failing)).trace()


def simulate_many(graph: TaskGraph, *, runs: int = 1000, seed: int = 0) -> Distribution:
    """Jittered runs: each draws every duration and decides every condition anew. `runs` at least 1."""
    plan = plan_of(graph)
    rng = random.Random(seed)
    draws = [(task.duration.typical, task.duration.spread) for task in plan.tasks]
    chances = [None if task.condition is None else task.condition.probability for task in plan.tasks]
    conditional = any(chance is not None for chance in chances)
    others = random.Random(seed + 1)  # of their own, so that hedging changes no other draw
    sums = _Sums(plan)
    for _ in range(runs):
        seconds = [
            typical if not spread else typical * math.exp(spread * rng.gauss(0.0, 1.0))
            for typical, spread in draws
        ]
        needed = [chance is None or rng.random() < chance for chance in chances] if conditional else None
        again = {i: plan.tasks[i].duration.sample(others) for i in plan.hedged}
        sums.add(Play(plan, Schedule(plan, needed), seconds, again))
    return sums.distribution()


class Play:
    """One run on a virtual clock. `record` tells what happened when, `seconds` how long it took until the
    last end that counts. Tasks in `failing` fail at their end."""

    __slots__ = (
        "_busy",
        "_failing",
        "_heap",
        "_now",
        "_order",
        "_round",
        "_second",
        "_used",
        "_wakes_at",
        "plan",
        "record",
        "schedule",
        "seconds",
        "wanted",
    )

    def __init__(
        self,
        plan: Plan,
        schedule: Schedule,
        wanted: Sequence[float],
        again: Mapping[int, float] | None = None,
        failing: frozenset[int] = frozenset(),
    ) -> None:
        self.plan = plan
        self.schedule = schedule
        self.wanted = wanted
        self.record = Record(plan, schedule)
        self.seconds = 0.0
        self._second = SecondAttempts(self.record, again or {}) if plan.hedged else None
        self._heap: list[tuple[float, int]] = []
        if plan.simple:
            self._run_simple()
        else:
            self._failing = failing
            self._busy = [0.0] * plan.size
            self._used = [0] * plan.size
            self._order: dict[int, int] = {}
            self._wakes_at = self._now = -1.0
            self._round = 0
            self._run()

    def _run_simple(self) -> None:
        heap, wanted, record = self._heap, self.wanted, self.record
        starts, ends, causes = record.starts, record.ends, record.causes
        finish = self.schedule.finish
        now = 0.0
        for i in self.schedule.begin():
            starts[i] = 0.0
            heappush(heap, (wanted[i], i))
        while heap:
            now, i = heappop(heap)
            ends[i] = now
            for s in finish(i):
                starts[s] = now
                causes[s] = i
                heappush(heap, (now + wanted[s], s))
        self.seconds = now

    def _run(self) -> None:
        schedule, heap = self.schedule, self._heap
        for j, seconds in self.plan.patience.items():
            self._plan_event(seconds, _LOSES_PATIENCE, j)
        self._start(schedule.begin(), 0.0, -1)
        self._arm(0.0)
        while heap and schedule.fatal < 0:
            self._now, event = now, _ = heappop(heap)
            what, place = divmod(event, self.plan.size)
            self._round, kind = divmod(what, len(_KINDS))
            schedule.tick(now)
            cause = self._play(kind, self.plan.turns[place], now)
            self._heed(now, cause)
            self._arm(now)
        if schedule.fatal >= 0:
            self._cancel_all(now)

    def _plan_event(self, at: float, kind: int, i: int) -> None:
        """What falls into the same moment comes by its kind and then by the place of the task."""
        later = self._round + 1 if at == self._now else 0
        heappush(self._heap, (at, (later * len(_KINDS) + kind) * self.plan.size + self.plan.places[i]))

    def _play(self, kind: int, i: int, now: float) -> int:
        """One event of task `i`. Returns the task that is the cause of what follows, -1 for none."""
        schedule = self.schedule
        if kind == _WAKES:
            self._start(schedule.wake(), now, -1)
            return -1
        if kind == _LOSES_PATIENCE:
            return self._lose_patience(i, now)
        if kind == _OPENS:
            self._start(schedule.open_output(i), now, i)
        elif schedule.state[i] == RUNNING or i in schedule.draining:
            if self._second is not None and self._second.is_due(i):
                self._double(self._second, i, now)
            else:
                self._end(i, now)
        return i

    def _arm(self, now: float) -> None:
        """An event of its own for when somebody can have what they wait for, unless there is one by then."""
        at = self.schedule.come_again()
        if at is not None and not now < self._wakes_at <= at:
            self._wakes_at = at
            self._plan_event(at, _WAKES, self.plan.turns[0])

    def _end(self, i: int, now: float) -> None:
        """A running task ends. What is drained takes no part in how long the whole took."""
        self.record.ends[i] = now
        if i not in self.schedule.draining:
            self.seconds = now
        self._end_race(i, now)
        if i in self._failing:
            self.record.status[i] = FAILED_SPAN
            self._start(self.schedule.fail(i), now, i)
        else:
            ready = self.schedule.finish(i)
            self._start(ready, now, i)
            if ready:
                self._order[ready[0]] -= self.plan.size  # its walker goes on with it, before all others

    def _lose_patience(self, j: int, now: float) -> int:
        """The join `j` has waited long enough. Returns what it waited for last."""
        cause = self.record.latest_need(j)
        self._start(self.schedule.leave_out(j), now, cause)
        return cause

    def _heed(self, now: float, cause: int) -> None:
        """What else the last step brought: joins for which something came, running tasks that are stopped."""
        schedule = self.schedule
        self._end_what_has_not_begun(0, now, cause)
        self.record.note_gone(now)
        if schedule.woken:
            woken, schedule.woken = schedule.woken, []
            for j in dict.fromkeys(woken):
                self._receive(j, now, cause)
        for lost in schedule.lost:
            self.record.ends[lost] = now
            self._end_race(lost, now)
            if schedule.fatal >= 0:
                self.record.status.setdefault(lost, CANCELLED)
        schedule.lost.clear()

    def _end_what_has_not_begun(self, place: int, now: float, cause: int) -> None:
        """Of what is to be drained, from this place in the list of what is gone; and what that brings."""
        gone = self.schedule.gone
        for i in gone[place:]:
            if i in self.schedule.draining and self._is_about_to_begin(i, now, cause):
                place = len(gone)
                self._end(i, now)
                self._end_what_has_not_begun(place, now, i)

    def _is_about_to_begin(self, i: int, now: float, cause: int) -> bool:
        """Whether it was started in this moment and has not begun: what `cause` brought came before. One
        that takes no time begins and ends before those begin that come after it."""
        starts, order = self.record.starts, self._order
        return starts[i] == now and not (cause >= 0 and starts[cause] == now and order[i] < order[cause])

    def _cancel_all(self, now: float) -> None:
        record = self.record
        for i in range(self.plan.size):
            if record.starts[i] >= 0.0 and record.ends[i] < 0.0:
                record.ends[i] = now
                record.status[i] = CANCELLED
                self._end_race(i, now)

    def _start(self, starting: Sequence[int], now: float, cause: int) -> None:
        for s in starting:
            self.record.starts[s] = now
            self.record.causes[s] = cause
            self._order[s] = len(self._order)
            if self.plan.stream[s]:
                self._busy[s] = now
                self._receive(s, now, cause)
            elif not self._is_slow(s):
                self._plan_event(now + self.wanted[s], _ENDS, s)
                if self.plan.is_heard(s) and (first := self._first_within(s)) is not None:
                    self._plan_event(now + first, _OPENS, s)

    def _is_slow(self, i: int) -> bool:
        """Whether it will have to be looked at before it ends: then that is the next event."""
        if self._second is None or not self.plan.tasks[i].hedge:
            return False
        at = self._second.look(i, self.wanted[i], self._first_within(i))
        if at is not None:
            self._plan_event(at, _ENDS, i)
        return at is not None

    def _double(self, second: SecondAttempts, i: int, now: float) -> None:
        """A slow task: begin it again if its resources allow it."""
        end, first = self.record.starts[i] + self.wanted[i], self._first_within(i)
        if self.schedule.take_again(i):
            end = second.double(i, now, self.wanted[i], first)
            first = second.first_output_of(i)
        self._plan_event(end, _ENDS, i)
        if self.plan.is_heard(i) and first is not None:
            self._plan_event(self.record.starts[i] + first, _OPENS, i)

    def _first_within(self, i: int) -> float | None:
        """Seconds to the first output of one that streams, at its end at the latest."""
        if self.plan.tasks[i].first_output_seconds is None:
            return None
        return min(self.wanted[i], self._own_first(i, 0.0))

    def _end_race(self, i: int, now: float) -> None:
        if self._second is not None and self._second.finish(i, now):
            self._start(self.schedule.give_again(i), now, i)

    def _receive(self, j: int, now: float, cause: int) -> None:
        """Portions for what has arrived; the end, once nothing more can come."""
        received = self.schedule.received[j]
        new = len(received) - self._used[j]
        if new and now > self._busy[j]:
            self._busy[j] = now
            self.record.let_go_on(j, cause)
        portion = self.wanted[j] / self.plan.tasks[j].portions
        for _ in range(new):
            self._busy[j] += portion
        if new and not self._used[j]:
            self.record.firsts[j] = self._first_of_stream(j, portion)
            if self.plan.opens[j]:
                self._plan_event(self.record.firsts[j], _OPENS, j)
        self._used[j] = len(received)
        if not self.schedule.unresolved[j]:
            if now > self._busy[j]:
                self._busy[j] = now
                self.record.let_go_on(j, cause)
            self._plan_event(self._busy[j], _ENDS, j)

    def _first_of_stream(self, j: int, portion: float) -> float:
        """With the end of the first portion, or earlier where the task says so."""
        return self.record.starts[j] + min(portion, self._own_first(j, portion))

    def _own_first(self, i: int, default: float) -> float:
        task = self.plan.tasks[i]
        if task.first_output_seconds is None:
            return default
        if self._second is not None and (first := self._second.first_output_of(i)) is not None:
            return first
        typical = task.duration.typical
        return task.first_output_seconds * (self.wanted[i] / typical if typical else 1.0)

    def first_output_of(self, i: int) -> float | None:
        """When the first piece of output of a started task was there; None where it does not stream."""
        if self.record.starts[i] < 0.0:
            return None
        if self.plan.stream[i]:
            return self.record.firsts.get(i)
        if self.plan.tasks[i].first_output_seconds is None:
            return None
        return min(self.record.ends[i], self.record.starts[i] + self._own_first(i, 0.0))

    def trace(self) -> Trace:
        """The run as spans."""
        for i in self.plan.emitting:
            first = self.first_output_of(i)
            if first is not None:
                self.record.firsts[i] = first
        return self.record.trace()


class _Sums:
    """Adds runs up."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.costs = [task.cost_usd for task in plan.tasks]
        self.seconds: list[float] = []
        self.firsts: list[float] = []
        self.cost = self.wasted_seconds = self.wasted_usd = 0.0

    def add(self, play: Play) -> None:
        self.seconds.append(play.seconds)
        self.firsts.append(self._first(play) if self.plan.emitting else play.seconds)
        if self.plan.simple:
            self.cost += sum(self.costs)
            return
        for loss in play.record.losses:
            self.cost += self.costs[loss.i]
            self.wasted_seconds += loss.end - loss.start
            self.wasted_usd += self.costs[loss.i]
        for i, cost in enumerate(self.costs):
            if play.record.has_run(i):
                self.cost += cost
                if play.record.is_dropped(i):
                    self.wasted_seconds += play.record.ends[i] - play.record.starts[i]
                    self.wasted_usd += cost

    def _first(self, play: Play) -> float:
        firsts = (play.first_output_of(i) for i in self.plan.emitting if not play.record.is_dropped(i))
        return min((first for first in firsts if first is not None), default=play.seconds)

    def distribution(self) -> Distribution:
        runs = len(self.seconds)
        seconds, firsts = sorted(self.seconds), sorted(self.firsts)
        return Distribution(
            runs=runs,
            p50=percentile(seconds, 0.50),
            p95=percentile(seconds, 0.95),
            p99=percentile(seconds, 0.99),
            mean_seconds=math.fsum(seconds) / runs,
            mean_cost_usd=self.cost / runs,
            mean_wasted_seconds=self.wasted_seconds / runs,
            mean_wasted_usd=self.wasted_usd / runs,
            first_output_p50=percentile(firsts, 0.50),
            first_output_p95=percentile(firsts, 0.95),
        )
