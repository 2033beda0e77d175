"""Speculation as it is practised: who may start ahead in this run, what came of it, what was learned.

A task starts ahead when all of this holds: it says so itself (`Task.speculative`), it is declared pure or
staged, its expected saving exceeds its expected waste by what is believed of it by now, and the hook of the
run lets it go. One switch, `Speculation.enabled`, turns all of it off. Units: seconds, US dollars.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from coach.engine.ahead import ahead_of, held_if_dear, only_ahead, only_free
from coach.engine.beliefs import Belief, counted_at, load_beliefs, outcomes_in, with_beliefs
from coach.engine.graph import Task, TaskGraph
from coach.engine.ports import Outcomes
from coach.engine.speculation import decide, judge
from coach.engine.trace import CANCELLED, DONE, Trace

SWITCHED_OFF = "Speculation is switched off for this run."


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What speculation brought and cost.

    `started` ahead of their deciders, of which `confirmed` were needed; `ahead_seconds`: work on those that
    was done before it was known that they are needed, so what can have been saved at most; `wasted_seconds`,
    `wasted_usd`: work on the others: not needed, failed, or never decided because the run was cut.
    """

    started: int = 0
    confirmed: int = 0
    ahead_seconds: float = 0.0
    wasted_seconds: float = 0.0
    wasted_usd: float = 0.0

    def __add__(self, other: Account) -> Account:
        return Account(
            started=self.started + other.started,
            confirmed=self.confirmed + other.confirmed,
            ahead_seconds=self.ahead_seconds + other.ahead_seconds,
            wasted_seconds=self.wasted_seconds + other.wasted_seconds,
            wasted_usd=self.wasted_usd + other.wasted_usd,
        )

    def __str__(self) -> str:
        return (
            f"{self.started} started ahead, {self.confirmed} of them needed: {self.ahead_seconds:.3f} s of "
            f"work done early, {self.wasted_seconds:.3f} s and ${self.wasted_usd:.5f} wasted"
        )


def account_of(graph: Iterable[Task], trace: Trace) -> Account:
    """The account of one run, however it ended: what nobody came to decide was for nothing."""
    tasks = {task.name: task for task in graph}
    ahead = (task for task in tasks.values() if task.speculative and task.name in trace)
    return sum((_account(tasks, trace, task) for task in ahead), Account())


def _account(tasks: Mapping[str, Task], trace: Trace, task: Task) -> Account:
    assert task.condition is not None  # noqa: S101  # a speculative task has one
    span, known_at = trace[task.name], counted_at(tasks, trace, task.condition.decider)
    has_run = span.status == DONE or span.end > span.start
    if not has_run or span.start >= known_at:
        return Account()
    if span.status in (DONE, CANCELLED) and math.isfinite(known_at):
        return Account(started=1, confirmed=1, ahead_seconds=min(span.end, known_at) - span.start)
    return Account(started=1, wasted_seconds=span.seconds, wasted_usd=span.cost_usd)


@dataclass(slots=True, kw_only=True)
class Speculation:
    """How runs speculate: a policy for `runner.run` and `growing`, which may share one.

    `value_of_second_usd` weighs time against money; where nobody says it, only those start ahead that cost
    nothing. `outcomes` keeps what is learned, for each `context` apart. `enabled=False` turns all of it off.
    `account` adds up what came of it, `beliefs` is what was believed at the last run. `unlearned`: why the
    outcomes of a run could not be kept, last time that happened; no run fails for that.
    """

    value_of_second_usd: float | None = None
    outcomes: Outcomes | None = None
    context: str = ""
    enabled: bool = True
    account: Account = field(default_factory=Account)
    beliefs: Mapping[str, Belief] = field(default_factory=dict)
    unlearned: Exception | None = None

    async def plan(self, graph: TaskGraph) -> TaskGraph:
        """The graph as it is to be run: who starts ahead, by what is believed now, with the reason as
        note."""
        if not self.enabled:
            return without_speculation(graph)
        self.beliefs = {}
        if self.outcomes is not None:
            self.beliefs = await load_beliefs(graph, self.outcomes, self.context)
        if self.value_of_second_usd is None:
            return only_free(with_beliefs(graph, self.beliefs))
        return worthwhile(graph, self.value_of_second_usd, self.beliefs)

    def weigh(self, task: Task, decided_seconds: float) -> Task:
        """A speculative task as it is to be added to a run, so long before it is known whether it is needed.
        It hides the shorter of that and its own duration: the rest of the run is not looked at, so an
        addition costs the same in a large one."""
        assert task.condition is not None  # noqa: S101  # a speculative task has one
        if not self.enabled:
            return replace(task, speculative=False, note=SWITCHED_OFF)
        if self.value_of_second_usd is None:
            return held_if_dear(task)
        hidden = min(decided_seconds, task.duration.typical)
        verdict = decide(task.condition.probability, hidden, task.cost_usd, self.value_of_second_usd)
        return replace(task, speculative=verdict.worth_it, note=verdict.reason)

    async def learn(self, tasks: Iterable[Task], trace: Trace) -> None:
        """Take note of what came of these tasks, as far as it was decided."""
        tasks = tuple(tasks)
        self.account += account_of(tasks, trace)
        found = outcomes_in(tasks, trace)
        if self.outcomes is not None and found:
            try:
                await self.outcomes.add(self.context, found)
            except Exception as error:  # the store's own, whatever it is
                self.unlearned = error


def without_speculation(graph: TaskGraph) -> TaskGraph:
    """The same graph in which everything waits for its decider."""
    return only_ahead(graph, (), dict.fromkeys(ahead_of(graph), SWITCHED_OFF))


def worthwhile(
    graph: TaskGraph, value_of_second_usd: float, beliefs: Mapping[str, Belief] | None = None
) -> TaskGraph:
    """The graph in which only those start ahead that are worth it, by their believed probabilities.

    Each is judged while the others that are still in it start ahead; what is not worth it is taken out, the
    least worthy first, until all that remain are.
    """
    believed = beliefs or {}
    current = with_beliefs(graph, believed) if believed else graph
    notes: dict[str, str] = {}
    while names := ahead_of(current):
        verdicts = {name: judge(current, name, value_of_second_usd) for name in names}
        for name, verdict in verdicts.items():
            said = f"{belief}. " if (belief := believed.get(name)) else ""
            notes[name] = said[:1].upper() + said[1:] + verdict.reason
        unworthy = [name for name in names if not verdicts[name].worth_it]
        if not unworthy:
            break
        out = min(unworthy, key=lambda n: verdicts[n].expected_saving_usd - verdicts[n].expected_waste_usd)
        current = only_ahead(current, [name for name in names if name != out], {})
    return only_ahead(current, ahead_of(current), notes)
