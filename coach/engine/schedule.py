"""What may run now. The one place that decides it, for real runs and simulated ones alike.

A `Plan` is a graph compiled to flat lists of ints, once. A `Schedule` is the state of one run of it: a
state machine without clock or I/O. A driver starts what `begin` and `finish` return, and reports each end
by `finish`, and a beginning of output that somebody waits for by `open_output`. No step looks at more than
the neighbours of the task that ended.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import heappop, heappush

from coach.engine.graph import Task, TaskGraph, default_needed, waits_for

WAITING, READY, RUNNING, ENDED, DONE, DROPPED = range(6)
"""States of a task. ENDED: a speculative one that has run and whose decider has not ended yet."""


class Plan:
    """A graph as flat lists, by index in the order of `graph.tasks`. Never changes: any number of runs
    share it."""

    __slots__ = (
        "decider",
        "decides",
        "emitting",
        "gated",
        "hedged",
        "holds",
        "index",
        "joins_above",
        "limits",
        "names",
        "opens",
        "pending",
        "rank",
        "reserved",
        "roots",
        "simple",
        "size",
        "stream",
        "successors",
        "tasks",
        "unresolved",
        "works",
    )

    def __init__(self, graph: TaskGraph) -> None:
        self.tasks: tuple[Task, ...] = tuple(graph)
        self.names = tuple(graph.tasks)
        self.size = len(self.names)
        self.index = {name: i for i, name in enumerate(self.names)}
        self._link()
        self._hold(graph)
        self.hedged = [i for i, t in enumerate(self.tasks) if t.hedge]
        special = any(t.condition or t.join == "stream" or t.after_output for t in self.tasks)
        special = special or any(self.holds) or bool(self.hedged)
        self.simple = not special
        self.roots = [i for i, count in enumerate(self.pending) if not count and not self.unresolved[i]]
        self.rank = self._ranks(graph) if any(self.holds) else []
        self.emitting = [i for i in range(self.size) if self._streams_output(i)]
        self.reserved = self._reserves(graph)
        self.works = [
            t.call if _is_plain(t) and not kept else None
            for t, kept in zip(self.tasks, self.reserved, strict=True)
        ]

    def _streams_output(self, i: int) -> bool:
        return self.stream[i] or self.tasks[i].first_output_seconds is not None

    def _link(self) -> None:
        size, index = self.size, self.index
        self.successors: list[list[int]] = [[] for _ in range(size)]
        self.decides: list[list[int]] = [[] for _ in range(size)]
        self.opens: list[list[int]] = [[] for _ in range(size)]
        self.decider = [-1] * size
        self.gated = [False] * size
        self.stream = [t.join == "stream" and bool(t.needs) for t in self.tasks]
        for i, task in enumerate(self.tasks):
            for need in task.needs:
                self.successors[index[need]].append(i)
            for leader in task.after_output:
                self.opens[index[leader]].append(i)
            if task.condition is not None:
                self.decider[i] = index[task.condition.decider]
                self.decides[self.decider[i]].append(i)
                self.gated[i] = not task.speculative
        self.unresolved = [len(t.needs) if self.stream[i] else 0 for i, t in enumerate(self.tasks)]
        self.pending = [
            (0 if self.stream[i] else len(t.needs)) + self.gated[i] + len(t.after_output)
            for i, t in enumerate(self.tasks)
        ]

    def _hold(self, graph: TaskGraph) -> None:
        resources = {name: r for r, name in enumerate(graph.limits)}
        self.limits = [graph.limits[name] for name in resources]
        self.holds = [[resources[name] for name in t.uses if name in resources] for t in self.tasks]
        self.joins_above: list[list[int]] = [[] for _ in range(self.size)]
        for j in range(self.size):
            if self.stream[j] and self.holds[j]:
                for i in self._awaited_by(j):
                    if self.holds[i]:
                        self.joins_above[i].append(j)

    def _awaited_by(self, j: int) -> set[int]:
        """All that must settle before the last arrival of `j`: ancestors by needs and deciders."""
        seen: set[int] = set()
        stack = [self.index[name] for name in self.tasks[j].needs]
        while stack:
            i = stack.pop()
            if i not in seen:
                seen.add(i)
                stack.extend(self.index[name] for name in waits_for(self.tasks[i]))
        return seen

    def _reserves(self, graph: TaskGraph) -> list[float]:
        """How many seconds before the deadline each task has to be done, for the sake of those after it."""
        kept = [0.0] * self.size
        if any(task.reserve_seconds for task in self.tasks):
            for name in reversed(graph.order):
                task = graph.tasks[name]
                own = kept[self.index[name]] + task.reserve_seconds
                for need in waits_for(task):
                    if need not in task.after_output:
                        kept[self.index[need]] = max(kept[self.index[need]], own)
        return kept

    def _ranks(self, graph: TaskGraph) -> list[tuple[bool, float]]:
        """Who goes first where units are short: certain before speculative work, then the longest way to
        the end."""
        below = [0.0] * self.size
        for name in reversed(graph.order):
            i = self.index[name]
            below[i] += self.tasks[i].duration.typical
            for need in waits_for(self.tasks[i]):
                n = self.index[need]
                below[n] = max(below[n], below[i])
        return [(t.speculative, -below[i]) for i, t in enumerate(self.tasks)]


def _is_plain(task: Task) -> bool:
    """Whether its call can be awaited as it stands."""
    limited = task.timeout_seconds is not None or task.silence_seconds is not None
    return not (task.blocking or task.retries or limited or task.must_fit or task.hedge)


def plan_of(graph: TaskGraph) -> Plan:
    """The graph's plan, compiled at the first asking."""
    plan: Plan | None = graph._plan
    if plan is None:
        plan = graph._plan = Plan(graph)
    return plan


class Schedule:
    """One run. After each `begin` or `finish`, the driver also looks at

    `lost`: running tasks that nobody needs any more: stop them, and clear the list; `woken`: running
    streaming joins for which something arrived or was dropped: tell them, and clear the list.

    `needed[i]` must be right when the decider of `i` is reported as finished. `left` counts unsettled tasks.
    `received[j]`: what has arrived for the streaming join `j`, in order.
    """

    __slots__ = (
        "_free",
        "_fresh",
        "_opened",
        "_plan",
        "_put_off",
        "_queues",
        "_unstarted",
        "left",
        "lost",
        "needed",
        "pending",
        "received",
        "state",
        "unresolved",
        "woken",
    )

    def __init__(self, plan: Plan, needed: Sequence[bool] | None = None) -> None:
        self._plan = plan
        self.left = plan.size
        self.pending = plan.pending[:]
        self.lost: list[int] = []
        self.woken: list[int] = []
        self.needed: list[bool] = []
        self.state: list[int] = []
        if not plan.simple:
            self._prepare(plan, needed)

    def _prepare(self, plan: Plan, needed: Sequence[bool] | None) -> None:
        self.needed = list(needed) if needed is not None else [default_needed(task) for task in plan.tasks]
        self.state = [WAITING] * plan.size
        self.unresolved = plan.unresolved[:]
        self.received: list[list[int]] = [[] for _ in range(plan.size)] if any(plan.stream) else []
        self._free = plan.limits[:]
        self._queues: list[list[tuple[tuple[bool, float], int]]] = [[] for _ in plan.limits]
        self._fresh: list[int] = []
        self._put_off: set[int] = set()
        self._opened: set[int] = set()
        self._unstarted = [0] * plan.size
        for above in plan.joins_above:
            for j in above:
                self._unstarted[j] += 1

    def begin(self) -> list[int]:
        """The tasks to start first."""
        if self._plan.simple:
            return self._plan.roots[:]
        for i in self._plan.roots:
            self._make_ready(i)
        return self._admit(())

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
        return self._finish(i)

    def is_ahead(self, i: int) -> bool:
        """Whether it is speculative and its decider has not ended yet."""
        return self._plan.tasks[i].speculative and self._undecided(i)

    def put_off(self, i: int) -> list[int]:
        """A task that was to start ahead waits for its decider after all. Returns the tasks to start
        instead."""
        self.state[i] = WAITING
        self.pending[i] += 1
        self._put_off.add(i)
        for j in self._plan.joins_above[i]:
            self._unstarted[j] += 1
        return self._admit(self._release(i))

    def take_again(self, i: int) -> bool:
        """Take once more what `i` holds, for a second attempt, if all of it is free."""
        holds = self._plan.holds[i]
        if not all(self._free[r] for r in holds):
            return False
        for r in holds:
            self._free[r] -= 1
        return True

    def give_again(self, i: int) -> list[int]:
        """Give back what the second attempt held. Returns the tasks to start now."""
        return self._admit(self._release(i))

    def open_output(self, i: int) -> list[int]:
        """The output of task `i` has begun. Returns the tasks to start now; none at the second time."""
        if self._plan.simple or not self._plan.opens[i] or self.state[i] != RUNNING:
            return []
        self._open(i)
        return self._admit(())

    def _open(self, i: int) -> None:
        """Let go on who waits for the output of `i`, once."""
        if i not in self._opened:
            self._opened.add(i)
            for s in self._plan.opens[i]:
                self.pending[s] -= 1
                self._check_ready(s)

    def is_done(self, i: int) -> bool:
        """Whether its result counts."""
        return self.state[i] == DONE

    def _finish(self, i: int) -> list[int]:
        if self.state[i] != RUNNING:
            return []
        self.state[i] = ENDED
        released = self._release(i)
        if self._plan.opens[i]:
            self._open(i)
        if not self._undecided(i):
            released += self._settle(i)
        return self._admit(released)

    def _undecided(self, i: int) -> bool:
        """Whether it ran ahead of its decider."""
        decider = self._plan.decider[i]
        return decider >= 0 and self.state[decider] < DONE

    def _settle(self, first: int) -> list[int]:
        """The result of `first` counts from now on. Follows all that this decides; returns released
        resources."""
        state, plan = self.state, self._plan
        state[first] = DONE
        settled = [first]
        released: list[int] = []
        while settled:
            i = settled.pop()
            self.left -= 1
            present = state[i] == DONE
            if plan.opens[i]:
                self._open(i)
            for c in plan.decides[i]:
                self._decide(c, present and self.needed[c], settled, released)
            for s in plan.successors[i]:
                self._satisfy(s, i, present)
        return released

    def _decide(self, c: int, needed: bool, settled: list[int], released: list[int]) -> None:  # noqa: FBT001
        state = self.state
        if not needed:
            released += self._drop(c)
            settled.append(c)
        elif state[c] == ENDED:
            state[c] = DONE
            settled.append(c)
        elif self._plan.gated[c] or c in self._put_off:
            self.pending[c] -= 1
            self._check_ready(c)

    def _drop(self, c: int) -> list[int]:
        before, self.state[c] = self.state[c], DROPPED
        if before == RUNNING:
            self.lost.append(c)
            return self._release(c)
        if before in (WAITING, READY):
            return self._count_started(c)
        return []

    def _satisfy(self, s: int, need: int, present: bool) -> None:  # noqa: FBT001
        """One need of `s` is settled."""
        if not self._plan.stream[s]:
            self.pending[s] -= 1
        else:
            self.unresolved[s] -= 1
            if present:
                self.received[s].append(need)
            if self.state[s] == RUNNING:
                self.woken.append(s)
        self._check_ready(s)

    def _check_ready(self, s: int) -> None:
        if self.state[s] != WAITING or self.pending[s]:
            return
        if not self._plan.stream[s] or self.received[s] or not self.unresolved[s]:
            self._make_ready(s)

    def _make_ready(self, i: int) -> None:
        self.state[i] = READY
        self._fresh.append(i)

    def _release(self, i: int) -> list[int]:
        holds = self._plan.holds[i]
        for r in holds:
            self._free[r] += 1
        return holds[:]

    def _admit(self, released: Iterable[int]) -> list[int]:
        """Start what is ready and fits; queue the rest at a resource that it lacks."""
        fresh, self._fresh = self._fresh, []
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
        touched.update(dict.fromkeys(self._count_started(i)))

    def _count_started(self, i: int) -> list[int]:
        """Resources at which a streaming join may now take the last unit, because `i` no longer wants one."""
        freed: list[int] = []
        for j in self._plan.joins_above[i]:
            self._unstarted[j] -= 1
            if not self._unstarted[j]:
                freed += self._plan.holds[j]
        return freed

    def _drain(self, r: int, starts: list[int], touched: dict[int, None]) -> None:
        queue = self._queues[r]
        aside: list[tuple[tuple[bool, float], int]] = []
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
        spare = 1 if self._unstarted[i] else 0
        for r in self._plan.holds[i]:
            if self._free[r] <= spare:
                return r
        return -1
