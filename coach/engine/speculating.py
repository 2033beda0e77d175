"""Speculation as it is practised: who may start ahead in this run, what came of it, what was learned.

A task starts ahead when all of this holds: it says so itself (`Task.speculative`), it is declared pure or
staged, its expected saving exceeds its expected waste by what is believed of it by now, and the hook lets it
go. One switch, `Speculation.enabled`, turns all of it off. Units: seconds, US dollars.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from coach.engine.beliefs import Belief, counted_at, load_beliefs, outcomes_in, with_beliefs
from coach.engine.errors import RunError
from coach.engine.graph import Task, TaskGraph
from coach.engine.ports import Outcomes
from coach.engine.runner import BeforeDispatch, RunResult, run
from coach.engine.speculation import judge
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
    """How runs speculate: `value_of_second_usd` weighs time against money; `outcomes` keeps what is learned,
    for each `context` apart; `before_dispatch` is asked before a task starts ahead; `enabled=False` turns
    all of it off. `account` adds up what came of it, `beliefs` is what was believed at the last run.
    """

    value_of_second_usd: float
    outcomes: Outcomes | None = None
    context: str = ""
    before_dispatch: BeforeDispatch | None = None
    enabled: bool = True
    account: Account = field(default_factory=Account)
    beliefs: Mapping[str, Belief] = field(default_factory=dict)

    async def plan(self, graph: TaskGraph) -> TaskGraph:
        """The graph as it is to be run: who starts ahead, by what is believed now, with the reason as
        note."""
        if not self.enabled:
            return without_speculation(graph)
        self.beliefs = {}
        if self.outcomes is not None:
            self.beliefs = await load_beliefs(graph, self.outcomes, self.context)
        return worthwhile(graph, self.value_of_second_usd, self.beliefs)

    async def learn(self, graph: TaskGraph, trace: Trace) -> None:
        """Take note of what came out."""
        self.account += account_of(graph, trace)
        if self.outcomes is not None:
            found = outcomes_in(graph, trace)
            if found:
                await self.outcomes.add(self.context, found)


async def run_speculating(graph: TaskGraph, speculation: Speculation, **options: Any) -> RunResult:
    """`runner.run` with that speculation; learns from runs that fail, too. Takes its options, raises what it
    raises."""
    planned = await speculation.plan(graph)
    try:
        result = await run(planned, before_dispatch=speculation.before_dispatch, **options)
    except RunError as error:
        if error.trace is not None:
            await speculation.learn(planned, error.trace)
        raise
    await speculation.learn(planned, result.trace)
    return result


@lru_cache(maxsize=64)
def without_speculation(graph: TaskGraph) -> TaskGraph:
    """The same graph in which everything waits for its decider."""
    return _only(graph, (), dict.fromkeys(_ahead(graph), SWITCHED_OFF))


def worthwhile(
    graph: TaskGraph, value_of_second_usd: float, beliefs: Mapping[str, Belief] | None = None
) -> TaskGraph:
    """The graph in which only those start ahead that are worth it, by their believed probabilities.

    Each is judged while the others that are still in it start ahead; what is not worth it is taken out, the
    least worthy first, until all that remain are.
    """
    return _worthwhile(graph, value_of_second_usd, tuple((beliefs or {}).items()))


@lru_cache(maxsize=64)
def _worthwhile(
    graph: TaskGraph, value_of_second_usd: float, beliefs: tuple[tuple[str, Belief], ...]
) -> TaskGraph:
    believed = dict(beliefs)
    current = with_beliefs(graph, believed) if believed else graph
    notes: dict[str, str] = {}
    while names := _ahead(current):
        verdicts = {name: judge(current, name, value_of_second_usd) for name in names}
        for name, verdict in verdicts.items():
            said = f"{belief}. " if (belief := believed.get(name)) else ""
            notes[name] = said[:1].upper() + said[1:] + verdict.reason
        unworthy = [name for name in names if not verdicts[name].worth_it]
        if not unworthy:
            break
        out = min(unworthy, key=lambda n: verdicts[n].expected_saving_usd - verdicts[n].expected_waste_usd)
        current = _only(current, [name for name in names if name != out], {})
    return _only(current, _ahead(current), notes)


def _ahead(graph: TaskGraph) -> tuple[str, ...]:
    return tuple(task.name for task in graph if task.speculative)


def _only(graph: TaskGraph, ahead: Iterable[str], notes: Mapping[str, str]) -> TaskGraph:
    chosen = set(ahead)
    tasks = [
        replace(task, speculative=task.name in chosen, note=notes.get(task.name, task.note)) for task in graph
    ]
    return TaskGraph(tasks, graph.limits)
