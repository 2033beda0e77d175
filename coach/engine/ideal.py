"""The earliest schedule that a graph allows when nothing but its needs holds it back: critical path and
slack."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from coach.engine.task import Task, default_needed

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
        self.opened: dict[str, float] = {}
        self._open_slack: dict[str, float] = {}
        self._begun: dict[str, str | None] = {}
        """What let a streaming join start, where it then waited for others."""
        self.dropped: set[str] = set()
        for name in order:
            self._place(tasks[name])
        self.seconds = max((self.ready[name] for name in order), default=0.0)

    @property
    def busy_seconds(self) -> float:
        return math.fsum(t.duration.typical for t in self.tasks.values() if t.name not in self.dropped)

    def _place(self, task: Task) -> None:
        decider = task.condition.decider if task.condition else None
        gate = decider if not task.speculative else None
        start, end, cause = self._stream(task, gate) if task.join == "stream" else self._all(task, gate)
        self.opened[task.name] = self._opening(task, start, end)
        self._set(task.name, start, end, cause)
        if decider is not None:
            self._await_decider(task.name, self.ready[decider], decider in self.dropped)

    def _await_decider(self, name: str, at: float, moot: bool) -> None:  # noqa: FBT001
        """Its result counts, or it is dropped, no sooner than `at`; its output may have begun before."""
        if not moot and self.needed[name]:
            self.ready[name] = max(self.end[name], at)
        else:
            self.dropped.add(name)
            self.opened[name] = min(at, self.opened[name])
            self.start[name] = self.end[name] = self.ready[name] = at

    def _set(self, name: str, start: float, end: float, cause: str | None) -> None:
        self.start[name], self.end[name], self.ready[name], self.cause[name] = start, end, end, cause

    def _opening(self, task: Task, start: float, end: float) -> float:
        """When its output begins: with its end, where it does not say."""
        first = task.first_output_seconds
        if task.join == "stream" and task.needs:
            portion = task.duration.typical / len(task.needs)
            first = portion if first is None else min(first, portion)
        return end if first is None else min(end, start + first)

    def _gate(self, task: Task, decider: str | None) -> tuple[float, str | None]:
        """When it may start but for its needs, and which task sets that."""
        gates = [(self.opened[leader], leader) for leader in task.after_output]
        if decider is not None:
            gates.append((self.ready[decider], decider))
        return max(gates, default=(0.0, None))

    def _all(self, task: Task, decider: str | None) -> tuple[float, float, str | None]:
        start, cause = self._gate(task, decider)
        last = max(task.needs, key=self.ready.__getitem__, default=None)
        if last is not None and self.ready[last] >= start:
            start, cause = self.ready[last], last
        return start, start + task.duration.typical, cause

    def _stream(self, task: Task, decider: str | None) -> tuple[float, float, str | None]:
        opened, gate = self._gate(task, decider)
        arrivals = self.arrivals(task)
        if not arrivals:
            start, cause = max(((self.ready[n], n) for n in task.needs), default=(opened, gate))
            start, cause = (start, cause) if start >= opened else (opened, gate)
            return start, start + (0.0 if task.needs else task.duration.typical), cause
        portion = task.duration.typical / len(task.needs)
        start, first = (
            (arrivals[0], self._arriving(task, arrivals[0])) if arrivals[0] >= opened else (opened, gate)
        )
        busy, cause = start, first
        for at in arrivals:
            if at > busy:
                busy, cause = at, self._waited(task.name, first, self._arriving(task, at))
            busy += portion
        last = max(task.needs, key=self.ready.__getitem__)
        if self.ready[last] > busy:
            busy, cause = self.ready[last], self._waited(task.name, first, last)
        return start, busy, cause

    def _waited(self, name: str, first: str | None, cause: str) -> str:
        self._begun[name] = first
        return cause

    def arrivals(self, task: Task) -> list[float]:
        return sorted(self.ready[need] for need in task.needs if need not in self.dropped)

    def _arriving(self, task: Task, at: float) -> str:
        return next(n for n in task.needs if n not in self.dropped and self.ready[n] == at)

    def path(self) -> tuple[str, ...]:
        """From the last end back over what each one started after, as `trace.critical_chain` does."""
        chain: dict[str, None] = {}
        last = max(self.order, key=self.ready.__getitem__, default=None)
        at_end = True
        while last is not None:
            condition = self.tasks[last].condition
            if at_end and (last in self.dropped or self.ready[last] > self.end[last]):
                last = condition.decider if condition else None
                continue
            chain[last] = None
            waited = at_end and last in self._begun
            cause = self.cause[last] if at_end else self._begun.get(last, self.cause[last])
            # One that let it go on by its output was let go on by nothing that came later.
            at_end = waited or cause is None or self.start[last] >= self.ready[cause]
            last = cause
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
        for leader in task.after_output:
            self._pull_leader(leader, begin - self.opened[leader], latest)

    def _pull_leader(self, name: str, slack: float, latest: dict[str, float]) -> None:
        """Its output may begin `slack` seconds later; a streaming join's begins with its first arrivals."""
        latest[name] = min(latest[name], self.ready[name] + slack)
        self._open_slack[name] = min(self._open_slack.get(name, slack), slack)

    def _pull_stream(self, task: Task, latest: dict[str, float]) -> float:
        """An arrival may be late as long as the portions from it on still fit."""
        portion = task.duration.typical / len(task.needs)
        arriving = sorted((n for n in task.needs if n not in self.dropped), key=self.ready.__getitem__)
        for place, need in enumerate(arriving):
            left = portion * (len(arriving) - place)
            latest[need] = min(latest[need], latest[task.name] - left)
        opening = self._open_slack.get(task.name, math.inf)
        for need in task.needs:
            latest[need] = min(latest[need], latest[task.name], self.ready[need] + opening)
        return latest[task.name] - portion * len(arriving)
