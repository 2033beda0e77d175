from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.engine.beliefs import Belief, RememberedOutcomes
from coach.engine.errors import DeadlineExceeded
from coach.engine.graph import Condition, Fixed, Task, TaskGraph
from coach.engine.growing import growing
from coach.engine.runner import run
from coach.engine.simulation import simulate, simulate_many
from coach.engine.speculating import (
    SWITCHED_OFF,
    Account,
    Speculation,
    account_of,
    without_speculation,
    worthwhile,
)
from coach.engine.speculation import delay_seconds, judge
from coach.engine.trace import DONE, Span, Trace
from tests.coach.engine.graphs import counted, decisions, graphs
from tests.coach.engine.virtual_time import run_virtually


def conditional(name: str, probability: float, seconds: float, cost: float = 0.001, **more: Any) -> Task:
    return Task(
        name,
        duration=Fixed(seconds),
        cost_usd=cost,
        condition=Condition("decider", probability),
        speculative=True,
        effects="pure",
        **more,
    )


def graph(*tasks: Task) -> TaskGraph:
    names = tuple(task.name for task in tasks)
    return TaskGraph([Task("decider", duration=Fixed(0.5)), *tasks, Task("end", (*names, "decider"))])


LIKELY = conditional("likely", 0.7, 0.5)
UNLIKELY = conditional("unlikely", 0.05, 0.09, cost=0.05)


def ahead(graph: TaskGraph) -> set[str]:
    return {task.name for task in graph if task.speculative}


def test_likely_and_slow_starts_ahead_unlikely_and_fast_does_not() -> None:
    assert ahead(worthwhile(graph(LIKELY, UNLIKELY), 0.05)) == {"likely"}


def test_two_that_hide_only_together_both_start_ahead() -> None:
    both = graph(conditional("one", 0.9, 0.5), conditional("two", 0.9, 0.5))
    assert ahead(worthwhile(both, 0.05)) == {"one", "two"}


def test_what_was_seen_overrules_the_guess() -> None:
    seldom = {"likely": Belief(guessed=0.7, needed=1, seen=400)}
    planned = worthwhile(graph(replace(LIKELY, cost_usd=0.01)), 0.05, seldom)
    assert ahead(planned) == set()
    assert planned.tasks["likely"].note.startswith("Guessed 70 %, was needed in 0 % of 400. Needed 2%")


def test_reason_is_in_the_trace() -> None:
    believed = {"likely": Belief(guessed=0.7, needed=26, seen=41)}
    trace = simulate(worthwhile(graph(LIKELY), 0.05, believed))
    assert trace["likely"].note.startswith("Guessed 70 %, was needed in 63 % of 41. Needed 65% of the time")


def test_delay_where_units_are_short_counts_against_it() -> None:
    tasks = [
        Task("decider", duration=Fixed(0.5)),
        Task("first", duration=Fixed(0.1)),
        conditional("guess", 0.3, 2.0, uses=("line",)),
        Task("certain", ("first",), duration=Fixed(0.5), uses=("line",)),
        Task("end", ("guess", "certain")),
    ]
    short = TaskGraph(tasks, {"line": 1})
    assert delay_seconds(short, "guess") == pytest.approx(0.4)
    assert not judge(short, "guess", 1.0).worth_it
    assert judge(TaskGraph(tasks), "guess", 1.0).worth_it


def run_with(speculation: Speculation, *, needed: bool = True, **options: Any) -> Any:
    given = graph(LIKELY)
    return run_virtually(run(given, speculation=speculation, needed={"likely": needed}, **options))


def test_switch_turns_speculation_off_for_a_run() -> None:
    result = run_with(Speculation(value_of_second_usd=1.0, enabled=False))
    assert result.trace["likely"].start == 0.5
    assert result.trace["likely"].note == SWITCHED_OFF
    assert result.trace["likely"].status == DONE


def test_account_tells_what_speculation_brought_and_cost() -> None:
    speculation = Speculation(value_of_second_usd=1.0)
    run_with(speculation)
    assert speculation.account == Account(started=1, confirmed=1, ahead_seconds=0.5)
    run_with(speculation, needed=False)
    assert speculation.account == Account(
        started=2,
        confirmed=1,
        ahead_seconds=0.5,
        wasted_seconds=0.5,
        wasted_usd=0.001,
    )
    assert "2 started ahead, 1 of them needed" in str(speculation.account)


def test_probability_is_learned_from_run_to_run_and_context_to_context() -> None:
    outcomes = RememberedOutcomes()
    here = Speculation(value_of_second_usd=0.05, outcomes=outcomes, context="here")
    for _ in range(200):
        run_with(here, needed=False)
    run_with(here, needed=True)
    assert str(here.beliefs["likely"]) == "guessed 70 %, was needed in 0 % of 200"
    there = Speculation(value_of_second_usd=0.05, outcomes=outcomes, context="there")
    run_with(there, needed=True)
    assert str(there.beliefs["likely"]) == "guessed 70 %, not seen yet"
    counted = asyncio.run(outcomes.load("here", ["likely"]))
    assert counted == {"likely": (1, 201)}


def test_run_that_fails_is_learned_from_as_far_as_it_was_decided() -> None:
    outcomes = RememberedOutcomes()
    speculation = Speculation(value_of_second_usd=0.05, outcomes=outcomes)
    late = graph(LIKELY, Task("late", ("decider",), duration=Fixed(9)))
    with pytest.raises(DeadlineExceeded):
        run_virtually(run(late, speculation=speculation, needed={"likely": False}, deadline_seconds=1.0))
    assert asyncio.run(outcomes.load("", ["likely"])) == {"likely": (0, 1)}


def test_guess_that_nobody_came_to_decide_was_for_nothing() -> None:
    speculation = Speculation(value_of_second_usd=1.0)
    with pytest.raises(DeadlineExceeded):
        run_with(speculation, deadline_seconds=0.25)
    assert speculation.account == Account(started=1, wasted_seconds=0.25, wasted_usd=0.001)


def cut(given: TaskGraph, seconds: float) -> tuple[Account, dict[str, bool]]:
    """What is accounted for and learned of a run that its deadline ends after so many seconds."""
    outcomes = RememberedOutcomes()
    speculation = Speculation(value_of_second_usd=1.0, outcomes=outcomes)
    with pytest.raises(DeadlineExceeded):
        run_virtually(run(given, speculation=speculation, deadline_seconds=seconds))
    counted = asyncio.run(outcomes.load("", list(given.tasks)))
    return speculation.account, {name: bool(needed) for name, (needed, _) in counted.items()}


def test_guess_that_had_ended_but_was_not_decided_teaches_nothing() -> None:
    quick = conditional("quick", 0.9, 0.125)
    after = replace(conditional("after", 0.9, 0.125, cost=0.002), condition=Condition("quick", 0.9))
    account, learned = cut(graph(quick, after), 0.25)
    assert account == Account(started=2, wasted_seconds=0.25, wasted_usd=0.003)
    assert learned == {}


def test_task_that_was_confirmed_before_the_cut_was_needed() -> None:
    account, learned = cut(graph(conditional("long", 0.9, 2.0)), 1.0)
    assert account == Account(started=1, confirmed=1, ahead_seconds=0.5)
    assert learned == {"long": True}


@pytest.mark.parametrize(
    ("at", "account", "learned"),
    [
        (0.25, Account(started=1, wasted_seconds=0.25, wasted_usd=0.001), {}),
        (0.75, Account(started=1, wasted_seconds=0.5, wasted_usd=0.001), {"likely": (0, 1)}),
    ],
)
def test_run_that_the_caller_cancels_is_accounted_for(
    at: float, account: Account, learned: dict[str, tuple[int, int]]
) -> None:
    outcomes = RememberedOutcomes()
    speculation = Speculation(value_of_second_usd=0.05, outcomes=outcomes)

    async def call(inputs: Any) -> None:
        await asyncio.sleep(9)

    late = graph(LIKELY, Task("late", ("decider",), call=call))

    async def main() -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(at):
                await run(late, speculation=speculation, needed={"likely": False})

    run_virtually(main())
    assert speculation.account == account
    assert asyncio.run(outcomes.load("", ["likely"])) == learned


DEAR = conditional("dear", 0.01, 0.5, cost=100.0)


def grown(initial: list[Task], added: list[Task], **options: Any) -> Trace:
    async def main() -> Trace:
        async with growing(initial, **options) as plan:
            await asyncio.sleep(0.25)
            plan.add(*added)
        return plan.result.trace

    return run_virtually(main())


def test_without_a_policy_only_what_costs_nothing_starts_ahead() -> None:
    free = conditional("free", 0.01, 0.5, cost=0.0)
    decider = Task("decider", duration=Fixed(0.5))
    traces = [
        run_virtually(run(graph(DEAR, free))).trace,
        grown([decider, DEAR, free], []),
        grown([decider], [DEAR, free]),
    ]
    for trace in traces:
        assert trace["dear"].seconds == 0.0
        assert "nobody has said what a second is worth" in trace["dear"].note
        assert trace["free"].start < 0.5 == trace["free"].end


def test_what_is_added_is_weighed_by_what_it_can_still_hide() -> None:
    speculation = Speculation(value_of_second_usd=1.0)
    worth = conditional("worth", 0.7, 0.5, cost=0.1)
    too_late = conditional("too late", 0.7, 0.5, cost=0.75)
    trace = grown([Task("decider", duration=Fixed(0.5))], [worth, too_late], speculation=speculation)
    assert (trace["worth"].start, trace["worth"].speculative) == (0.25, True)
    assert (trace["too late"].start, trace["too late"].speculative) == (0.5, False)
    assert "250 ms" in trace["worth"].note
    assert "no more than" in trace["too late"].note
    assert speculation.account == Account(started=1, confirmed=1, ahead_seconds=0.25)


def test_what_is_added_with_its_decider_is_weighed_by_how_long_that_takes() -> None:
    speculation = Speculation(value_of_second_usd=1.0)
    trace = grown([], [Task("decider", duration=Fixed(0.5)), LIKELY], speculation=speculation)
    assert trace["likely"].start == 0.25
    assert "saves 500 ms" in trace["likely"].note


def test_switch_turns_speculation_off_for_a_run_that_grows() -> None:
    trace = grown(
        [Task("decider", duration=Fixed(0.5)), LIKELY],
        [conditional("added", 0.9, 0.5, cost=0.0)],
        speculation=Speculation(enabled=False),
    )
    for name in ("likely", "added"):
        assert (trace[name].start, trace[name].note) == (0.5, SWITCHED_OFF)


class SlowOutcomes(RememberedOutcomes):
    """Takes its time to load, and cannot add."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    async def load(self, context: str, tasks: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        await asyncio.sleep(self.seconds)
        return await super().load(context, tasks)

    async def add(self, context: str, outcomes: Mapping[str, bool]) -> None:
        raise OSError("disk full")


def test_store_that_cannot_keep_outcomes_costs_no_run_its_result() -> None:
    speculation = Speculation(value_of_second_usd=1.0, outcomes=SlowOutcomes(0.0))
    assert run_with(speculation).trace["likely"].status == DONE
    assert isinstance(speculation.unlearned, OSError)


def test_time_that_the_store_takes_is_part_of_the_deadline() -> None:
    async def main(seconds: float) -> float:
        speculation = Speculation(value_of_second_usd=1.0, outcomes=SlowOutcomes(seconds))
        with pytest.raises(DeadlineExceeded, match="likely"):
            await run(graph(LIKELY), speculation=speculation, deadline_seconds=0.25)
        return asyncio.get_running_loop().time()

    assert run_virtually(main(9.0)) == 0.25
    assert run_virtually(main(0.125)) == 0.25


def test_hook_is_asked_before_dispatch() -> None:
    worth = Speculation(value_of_second_usd=1.0)
    assert run_with(worth, before_dispatch=lambda inputs: False).trace["likely"].start == pytest.approx(0.5)


def test_measured_saving_is_probability_times_hidden_latency() -> None:
    certain, guessed = without_speculation(graph(LIKELY)), graph(LIKELY)
    runs = {"runs": 2_000, "seed": 11}
    saved = simulate_many(certain, **runs).mean_seconds - simulate_many(guessed, **runs).mean_seconds
    assert saved == pytest.approx(0.7 * 0.5, rel=0.03)


@given(st.data(), st.floats(0.0, 2.0))
@settings(max_examples=100, deadline=None)
def test_what_remains_ahead_is_worth_it_and_only_that(data: st.DataObject, value: float) -> None:
    drawn = data.draw(graphs(conditions=True, limits=True, priced=True))
    planned = worthwhile(drawn, value)
    assert ahead(planned) <= ahead(drawn)
    assert all(judge(planned, name, value).worth_it for name in ahead(planned))


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_account_agrees_with_the_trace(data: st.DataObject) -> None:
    drawn = data.draw(graphs(conditions=True, streams=True, limits=True, priced=True))
    trace = simulate(drawn, needed=data.draw(decisions(drawn)))
    account = account_of(drawn, trace)
    assert account.wasted_seconds == pytest.approx(trace.wasted_seconds)
    assert account.wasted_usd == pytest.approx(trace.wasted_usd)
    assert account_of(without_speculation(drawn), simulate(without_speculation(drawn))) == Account()


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_speculative_work_never_takes_a_unit_that_certain_work_waits_for(data: st.DataObject) -> None:
    drawn = data.draw(graphs(conditions=True, limits=True))
    trace = simulate(drawn, needed=data.draw(decisions(drawn)))
    for guess in trace.spans:
        if guess.start == guess.end or _is_certain(drawn, trace, guess.name, guess.start):
            continue
        for name in drawn.tasks[guess.name].uses:
            held = [s for s in _using(drawn, trace, name) if s.start <= guess.start < s.end]
            waiting = [
                span
                for span in _using(drawn, trace, name)
                if span.status == DONE and _is_certain(drawn, trace, span.name, guess.start)
                if _ready(drawn, trace, span.name) < guess.start < span.start
            ]
            assert len(held) + len(waiting) <= counted(drawn)[name]


def _is_certain(graph: TaskGraph, trace: Trace, name: str, at: float) -> bool:
    """Whether it was known by then to be needed."""
    task = graph.tasks[name]
    if not task.speculative:
        return True
    assert task.condition is not None
    return _settled(graph, trace, task.condition.decider) <= at


def _using(graph: TaskGraph, trace: Trace, resource: str) -> list[Span]:
    return [span for span in trace.spans if resource in graph.tasks[span.name].uses]


def _ready(graph: TaskGraph, trace: Trace, name: str) -> float:
    """When the last of what it waits for had settled."""
    task = graph.tasks[name]
    waits = [*task.needs, *([task.condition.decider] if task.condition else [])]
    return max((_settled(graph, trace, each) for each in waits), default=0.0)


def _settled(graph: TaskGraph, trace: Trace, name: str) -> float:
    condition = graph.tasks[name].condition
    own = float(trace[name].end)
    return own if condition is None else max(own, _settled(graph, trace, condition.decider))
