"""The earliest schedule that a graph allows when nothing but its needs holds it back: critical path and
slack."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from coach.engine.task import Task, default_needed, waits_for

ROUNDING = 1e-9
"""Seconds that are only the rounding of sums."""


class Ideal:
    """The earliest schedule without limits at typical durations, by one forward pass over `order`
    (topological).

    `ready` is when a task's result can be taken: its end, or later where its decider ends later.
    """

    def __init__(
        self, tasks: Mapping[str, Task], order: Sequence[str], needed: Mapping[str, bool] | None = None
    ) -> None:
        self.tasks = tasks
        self.order = order
        self.needed = {task.name: default_needed(task, needed) for task in tasks.values()}
        self.start: dict[str, float] = {}
        self.end: dict[str, float] = {}
        self.ready: dict[str, float] = {}
        self.cause: dict[str, str | None] = {}
        self.dropped: set[str] = set()
        for name in order:
            self._place(tasks[name])
        self.seconds = max((self.ready[name] for name in order), default=0.0)

    @property
    def busy_seconds(self) -> float:
        return math.fsum(t.duration.typical for t in self.tasks.values() if t.name not in self.dropped)

    def _place(self, task: Task) -> None:
        decider = task.condition.decider if task.condition else None
        if decider is not None and (decider in self.dropped or not self.needed[task.name]):
            self.dropped.add(task.name)
            self._set(task.name, self.ready[decider], self.ready[decider], decider)
            return
        gates = task.needs
        if decider is not None and not task.speculative:
            gates = waits_for(task)
        start, end, cause = self._stream(task, decider) if task.join == "stream" else self._all(task, gates)
        self._set(task.name, start, end, cause)
        if decider is not None:
            self.ready[task.name] = max(end, self.ready[decider])

    def _set(self, name: str, start: float, end: float, cause: str | None) -> None:
        self.start[name], self.end[name], self.ready[name], self.cause[name] = start, end, end, cause

    def _all(self, task: Task, gates: Sequence[str]) -> tuple[float, float, str | None]:
        cause = max(gates, key=self.ready.__getitem__, default=None)
        start = self.ready[cause] if cause is not None else 0.0
        return start, start + task.duration.typical, cause

    def _stream(self, task: Task, decider: str | None) -> tuple[float, float, str | None]:
        gate = decider if decider is not None and not task.speculative else None
        opened = self.ready[gate] if gate is not None else 0.0
        arrivals = self.arrivals(task)
        if not arrivals:
            start, cause = max(((self.ready[n], n) for n in task.needs), default=(opened, gate))
            start, cause = (start, cause) if start >= opened else (opened, gate)
            return start, start + (0.0 if task.needs else task.duration.typical), cause
        portion = task.duration.typical / len(task.needs)
        start, cause = (
            (arrivals[0], self._arriving(task, arrivals[0])) if arrivals[0] >= opened else (opened, gate)
        )
        busy = start
        for at in arrivals:
            if at > busy:
                busy, cause = at, self._arriving(task, at)
            busy += portion
        last = max(task.needs, key=self.ready.__getitem__)
        return (start, busy, cause) if self.ready[last] <= busy else (start, self.ready[last], last)

    def arrivals(self, task: Task) -> list[float]:
        return sorted(self.ready[need] for need in task.needs if need not in self.dropped)

    def _arriving(self, task: Task, at: float) -> str:
        return next(n for n in task.needs if n not in self.dropped and self.ready[n] == at)

    def path(self) -> tuple[str, ...]:
        chain: list[str] = []
        last = max(self.order, key=self.ready.__getitem__, default=None)
        while last is not None:
            task = self.tasks[last]
            if last in self.dropped or self.ready[last] > self.end[last]:
                last = task.condition.decider if task.condition else None
                continue
            chain.append(last)
            last = self.cause[last]
        return tuple(reversed(chain))

    def slack(self) -> dict[str, float]:
        latest = dict.fromkeys(self.order, self.seconds)
        for name in reversed(self.order):
            self._pull(self.tasks[name], latest)
        left = {name: latest[name] - self.ready[name] for name in self.tasks}
        return {name: seconds if seconds > ROUNDING else 0.0 for name, seconds in left.items()}

    def _pull(self, task: Task, latest: dict[str, float]) -> None:
        """Everything that `task` waits for must be ready early enough for it."""
        decider = task.condition.decider if task.condition else None
        if decider is not None:
            latest[decider] = min(latest[decider], latest[task.name])
        if task.name in self.dropped:
            return
        begin = latest[task.name] - task.duration.typical
        if task.join == "stream" and task.needs:
            begin = self._pull_stream(task, latest)
        else:
            for need in task.needs:
                latest[need] = min(latest[need], begin)
        if decider is not None and not task.speculative:
            latest[decider] = min(latest[decider], begin)

    def _pull_stream(self, task: Task, latest: dict[str, float]) -> float:
        """An arrival may be late as long as the portions from it on still fit."""
        portion = task.duration.typical / len(task.needs)
        arriving = sorted((n for n in task.needs if n not in self.dropped), key=self.ready.__getitem__)
        for place, need in enumerate(arriving):
            left = portion * (len(arriving) - place)
            latest[need] = min(latest[need], latest[task.name] - left)
        for need in task.needs:
            latest[need] = min(latest[need], latest[task.name])
        return latest[task.name] - portion * len(arriving)
