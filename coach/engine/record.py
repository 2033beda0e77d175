"""Times noted while a graph runs, in flat lists by index; spans and a trace are made from them afterwards.

Both drivers fill one of these, so a real run and a simulated one are told in the same words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from coach.engine import trace
from coach.engine.schedule import DONE, DROPPED, FAILED, Plan, Schedule
from coach.engine.trace import Span, Trace, critical_chain

NEVER = -1.0


class Loss(NamedTuple):
    """An attempt that was beaten: at which task, from when to when, and what it told of itself."""

    i: int
    start: float
    end: float
    facts: Mapping[str, Any]


class Record:
    """What happened to each task of one run.

    `starts`, `ends`: seconds on the driver's clock, `NEVER` where it did not; `zero` is the start of the
    run on that clock. `causes[i]`: the task whose end let `i` go on, -1 for none; `begun[j]`: the one that
    let the streaming join `j` start, where it then waited for others. `firsts`: seconds from the start of
    the run to the first piece of output. `facts`: fields of the span that a call gave.
    `status`: where it is not done or dropped. `losses`: attempts that were beaten by another one. `moments`:
    when it was settled, where it never started.
    """

    __slots__ = (
        "begun",
        "causes",
        "ends",
        "facts",
        "firsts",
        "losses",
        "moments",
        "plan",
        "schedule",
        "starts",
        "status",
        "zero",
    )

    def __init__(self, plan: Plan, schedule: Schedule) -> None:
        self.plan = plan
        self.schedule = schedule
        self.zero = 0.0
        self.starts = [NEVER] * plan.size
        self.ends = [NEVER] * plan.size
        self.causes = [-1] * plan.size
        self.begun: dict[int, int] = {}
        self.firsts: dict[int, float] = {}
        self.facts: dict[int, dict[str, Any]] = {}
        self.status: dict[int, str] = {}
        self.losses: list[Loss] = []
        self.moments: dict[int, float] = {}

    def make_room(self, count: int) -> None:
        """So many tasks have been added."""
        self.starts += [NEVER] * count
        self.ends += [NEVER] * count
        self.causes += [-1] * count

    def let_go_on(self, j: int, cause: int) -> None:
        """The streaming join `j` runs and waited for this."""
        self.begun.setdefault(j, self.causes[j])
        self.causes[j] = cause

    def remark(self, i: int, text: str) -> None:
        """Add a sentence to the note of its span."""
        facts = self.facts.setdefault(i, {})
        facts["note"] = f"{facts.get('note', self.plan.tasks[i].note)} {text}".strip()

    def lose(self, i: int, start: float, end: float, facts: Mapping[str, Any]) -> None:
        """An attempt at `i` was beaten by another one and stopped at `end`."""
        self.losses.append(Loss(i, start, end, facts))

    def note_gone(self, now: float) -> None:
        """Take over from the schedule what was settled without an end of its own."""
        schedule = self.schedule
        gone, schedule.gone = schedule.gone, []
        for i in gone:
            if schedule.state[i] == FAILED:
                if schedule.fatal >= 0 and schedule.failed_by[i] != i:
                    continue
                self.status[i] = trace.FAILED
            if self.starts[i] < 0.0:
                self.moments[i] = now

    def latest_need(self, j: int) -> int:
        """The need that the join `j` still waits for and that started last; -1 where none has."""
        state = self.schedule.state
        late = [n for n in self.plan.policies[j].needs if state[n] < DONE and self.starts[n] >= 0.0]
        return max(late, key=self.starts.__getitem__, default=-1)

    def is_dropped(self, i: int) -> bool:
        """Whether it turned out not to be needed."""
        return not self.plan.simple and self.schedule.state[i] == DROPPED

    def _fails_with_another(self, i: int) -> bool:
        return not self.plan.simple and self.schedule.failed_by.get(i, i) != i

    def has_run(self, i: int) -> bool:
        """Whether it took time or counted; what is dropped in the moment of its start did neither."""
        return self.starts[i] >= 0.0 and not (self.is_dropped(i) and self.ends[i] == self.starts[i])

    def start_of(self, i: int) -> float:
        """Its start; for what was settled before it started, when that was; `NEVER` for neither."""
        return self.starts[i] if self.starts[i] >= 0.0 else self.moments.get(i, NEVER)

    def _verdict(self, i: int) -> str:
        """How it joined, or why nobody waited for it, where that has to be told."""
        schedule, names = self.schedule, self.plan.names
        farewell, cause = schedule.farewells.get(i), schedule.failed_by.get(i, i)
        if schedule.state[i] == DROPPED and farewell is not None:
            if farewell.late:
                return f"Left out after {_told(self.plan.patience[farewell.join])}."
            return f"{names[farewell.join]} went on without it."
        if cause != i:
            return f"{names[cause]} failed."
        behind = schedule.absent.get(i)
        if behind and i in schedule.impatient:
            without = ", ".join(names[n] for n in self.plan.policies[i].needs if n in behind)
            return f"Left out after {_told(self.plan.patience[i])}: {without}."
        return ""

    def span(self, i: int, *, critical: bool = False) -> Span:
        """One task's span."""
        task, start, end, zero = self.plan.tasks[i], self.starts[i], self.ends[i], self.zero
        status, cost, simple = self.status.get(i, trace.DONE), task.cost_usd, self.plan.simple
        if not simple:
            if self.is_dropped(i):
                status = trace.DROPPED
            if start < 0.0 or status == trace.DROPPED or self._fails_with_another(i):
                start = self.start_of(i)
                end = max(start, end)
                cost = cost if end > start else 0.0
        span = Span(  # by place, for many are made
            task.name,
            start - zero,
            (end if end >= 0.0 else start) - zero,
            task.kind,
            status,
            task.label,
            critical,
            task.speculative,
            self.firsts.get(i),
            0,  # tokens read, written, fresh, output: a call tells them
            0,
            0,
            0,
            cost,
            task.needs,
            task.note,
        )
        if i in self.facts:
            span = span._replace(**self.facts[i])
        verdict = "" if simple else self._verdict(i)
        return span._replace(note=f"{span.note} {verdict}".strip()) if verdict else span

    def trace(self) -> Trace:
        """Spans of all that was started, and of what was dropped before it started."""
        dropped = frozenset(i for i, state in enumerate(self.schedule.state) if state == DROPPED)
        chain = critical_chain(self.starts, self.ends, self.causes, self.begun, dropped)
        begins = [self.start_of(i) for i in range(self.plan.size)] if self.moments else self.starts
        started = [i for i, begin in enumerate(begins) if begin >= 0.0]
        order = sorted(started, key=begins.__getitem__)
        spans = [self.span(i, critical=i in chain) for i in order]
        if self.losses:
            spans = sorted([*spans, *map(self._lost, self.losses)], key=lambda span: span.start)
        return Trace(tuple(spans))

    def _lost(self, loss: Loss) -> Span:
        """A span of its own for an attempt that was beaten."""
        task = self.plan.tasks[loss.i]
        span = Span(
            name=f"{task.name} (beaten)",
            start=loss.start - self.zero,
            end=loss.end - self.zero,
            kind=task.kind,
            status=trace.DROPPED,
            label=task.label and f"{task.label} (beaten)",
            cost_usd=task.cost_usd,
            needs=task.needs,
        )
        return span._replace(**loss.facts)


def _told(seconds: float) -> str:
    return f"{seconds * 1000:g} ms" if seconds < 1.0 else f"{seconds:g} s"
