"""A slow call is made a second time: who answers, who is stopped, what it costs; the simulator says so
beforehand."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.engine.errors import GraphError, TaskFailed, TaskTimeout
from coach.engine.graph import Condition, Fixed, LogNormal, Task, TaskGraph
from coach.engine.runner import Inputs, RunResult, run
from coach.engine.schedule import Schedule, plan_of
from coach.engine.simulation import Play, simulate, simulate_many
from coach.engine.speculating import Speculation
from coach.engine.trace import DROPPED, Trace
from tests.coach.engine.graphs import counted, random_graph
from tests.coach.engine.virtual_time import run_virtually

USUAL = LogNormal(1.0, 2.0)

Step = Callable[[Inputs], Awaitable[Any]]


class Attempts:
    """Each attempt does the next thing of a list; how each ended is kept."""

    def __init__(self, *steps: Step) -> None:
        self.steps = steps
        self.endings: list[str] = []

    async def __call__(self, inputs: Inputs) -> Any:
        number = len(self.endings)
        self.endings.append("running")
        try:
            value = await self.steps[number](inputs)
        except BaseException as error:
            self.endings[number] = type(error).__name__
            raise
        self.endings[number] = "done"
        return value


def answering(seconds: float, value: Any = "answer", **noted: Any) -> Step:
    async def step(inputs: Inputs) -> Any:
        if noted:
            inputs.note(**noted)
        await asyncio.sleep(seconds)
        return value

    return step


def failing(seconds: float) -> Step:
    async def step(inputs: Inputs) -> Any:
        await asyncio.sleep(seconds)
        raise ValueError(f"no answer after {seconds:g} s")

    return step


def speaking(first: float, seconds: float, word: str) -> Step:
    async def step(inputs: Inputs) -> Any:
        await asyncio.sleep(first)
        inputs.emit(word)
        await asyncio.sleep(seconds - first)
        inputs.emit(f"{word} again")
        return word

    return step


def hedged(call: Step, **more: Any) -> Task:
    return Task("search", call=call, duration=USUAL, effects="pure", hedge=True, cost_usd=0.5, **more)


def played(call: Step, *, more: dict[str, Any] | None = None, **options: Any) -> RunResult:
    return run_virtually(run(TaskGraph([hedged(call, **(more or {}))]), **options))


def test_a_call_in_time_is_made_once() -> None:
    call = Attempts(answering(1.9))
    trace = played(call).trace
    assert call.endings == ["done"]
    assert [span.name for span in trace.spans] == ["search"]
    assert (trace.cost_usd, trace["search"].note) == (0.5, "")


def test_the_second_attempt_may_come_first() -> None:
    call = Attempts(answering(9, "first", cost_usd=0.3), answering(1, "second", cost_usd=0.2))
    result = played(call)
    assert result["search"] == "second"
    assert call.endings == ["CancelledError", "done"]
    trace = result.trace
    assert trace.makespan == 3
    assert trace["search"].note == "Hedged after 2 s: the second attempt came first."
    beaten = trace["search (beaten)"]
    assert (beaten.start, beaten.end, beaten.status, beaten.cost_usd) == (0, 3, DROPPED, 0.3)
    assert trace["search"].cost_usd == 0.2
    assert (trace.wasted_seconds, trace.wasted_usd) == (3, 0.3)


def test_the_first_attempt_may_still_come_first() -> None:
    call = Attempts(answering(2.5, "first"), answering(1, "second"))
    result = played(call)
    assert result["search"] == "first"
    assert call.endings == ["done", "CancelledError"]
    beaten = result.trace["search (beaten)"]
    assert (beaten.start, beaten.end) == (2, 2.5)
    assert result.trace.cost_usd == 1.0
    assert result.trace["search"].note == "Hedged after 2 s: the first attempt came first."


def test_the_loser_is_awaited() -> None:
    async def stubborn(inputs: Inputs) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.5)

    call = Attempts(stubborn, answering(1))
    result = played(call)
    assert result.trace.makespan == 3.5
    assert "running" not in call.endings


def test_a_failure_leaves_the_other_attempt_its_chance() -> None:
    first_fails = Attempts(failing(2.5), answering(1))
    assert played(first_fails).trace.makespan == 3
    second_fails = Attempts(answering(4), failing(0.5))
    assert played(second_fails).trace.makespan == 4
    both = Attempts(failing(4), failing(0.5))
    with pytest.raises(TaskFailed, match="no answer after 4 s"):
        played(both)


def test_a_failure_before_the_second_attempt_is_a_failure() -> None:
    call = Attempts(failing(1))
    with pytest.raises(TaskFailed):
        played(call)
    assert len(call.endings) == 1


def test_a_hedged_attempt_can_be_repeated() -> None:
    call = Attempts(failing(1), answering(9), answering(1))
    result = played(call, more={"retries": 1, "backoff_seconds": 0})
    assert result.trace.makespan == 1 + 2 + 1


def test_who_has_begun_to_speak_is_not_hedged() -> None:
    out: list[Any] = []
    call = Attempts(speaking(1.5, 9, "one"))
    result = played(call, on_output=lambda task, piece: out.append(piece))
    assert result.trace.makespan == 9
    assert out == ["one", "one again"]


@pytest.mark.parametrize(("first", "winner"), [(2.5, "one"), (5, "two")])
def test_output_comes_from_one_attempt_only(first: float, winner: str) -> None:
    out: list[Any] = []
    call = Attempts(speaking(first, 9, "one"), speaking(1, 8, "two"))
    result = played(call, on_output=lambda task, piece: out.append(piece))
    assert result["search"] == winner
    assert out == [winner, f"{winner} again"]
    assert sorted(call.endings) == ["CancelledError", "done"]
    beaten = result.trace["search (beaten)"]
    assert beaten.end == min(first, 3)
    assert result.trace["search"].first_output == min(first, 3)


def test_the_time_limit_stops_both() -> None:
    call = Attempts(answering(9), answering(9))
    with pytest.raises(TaskTimeout):
        played(call, more={"timeout_seconds": 4})
    assert call.endings == ["CancelledError", "CancelledError"]


def test_a_failure_elsewhere_stops_both() -> None:
    call = Attempts(answering(9), answering(9))
    graph = TaskGraph([hedged(call), Task("bad", call=failing(4))])
    with pytest.raises(TaskFailed, match="'bad'") as caught:
        run_virtually(run(graph))
    assert call.endings == ["CancelledError", "CancelledError"]
    assert caught.value.trace is not None
    assert caught.value.trace["search (beaten)"].seconds == 2


def test_a_second_attempt_that_hardly_fits_is_not_begun() -> None:
    call = Attempts(answering(2.4))
    assert played(call, deadline_seconds=2.5)["search"] == "answer"
    assert len(call.endings) == 1


def test_a_second_attempt_takes_a_unit_or_is_not_begun() -> None:
    for units, ends in ((1, 5), (2, 3)):
        call = Attempts(answering(5), answering(1))
        graph = TaskGraph([hedged(call, uses=("calls",))], {"calls": units})
        assert run_virtually(run(graph)).trace.makespan == ends


def test_the_unit_of_a_second_attempt_is_given_back() -> None:
    call = Attempts(answering(5), answering(1))
    late = [Task(f"late{i}", ("search",), duration=Fixed(1), uses=("calls",)) for i in range(2)]
    graph = TaskGraph([hedged(call, uses=("calls",)), *late], {"calls": 2})
    assert run_virtually(run(graph)).trace.makespan == 4


@pytest.mark.parametrize(
    "wrong",
    [
        {"effects": "unknown"},
        {"effects": "staged", "commit": "x"},
        {"blocking": True},
        {"duration": Fixed(1)},
        {"join": "stream"},
    ],
)
def test_only_a_pure_call_of_known_tail_can_be_hedged(wrong: dict[str, Any]) -> None:
    fine: dict[str, Any] = {"duration": USUAL, "effects": "pure", "hedge": True}
    Task("search", **fine)
    with pytest.raises(GraphError):
        Task("search", **(fine | wrong))


# The simulator says the same


def hedging_graph(rng: random.Random, *, output: bool) -> TaskGraph:
    graph = random_graph(
        rng, rng.randrange(1, 9), limits=True, conditions=True, streams=False, leaders=output
    )
    tasks = []
    for task in graph:
        if rng.random() < 0.5:
            p50 = task.duration.typical
            tail = LogNormal(p50, p50 * (1 + rng.random()))
            tasks.append(replace(task, duration=tail, effects="pure", hedge=True))
        else:
            tasks.append(task)
    return TaskGraph(tasks, {name: units + 1 for name, units in counted(graph).items()})


def really(graph: TaskGraph, first: dict[str, float], again: dict[str, float]) -> TaskGraph:
    """Tasks whose attempts take the seconds drawn."""

    def with_call(task: Task) -> Task:
        drawn = [first[task.name], again[task.name]]

        async def call(inputs: Inputs) -> None:
            seconds = drawn.pop(0)
            speaks = task.first_output_seconds
            if speaks is None:
                await asyncio.sleep(seconds)
                return
            speaks = min(seconds, speaks * seconds / task.duration.typical)
            await asyncio.sleep(speaks)
            inputs.emit("word")
            await asyncio.sleep(seconds - speaks)

        return replace(task, call=call)

    return TaskGraph([with_call(task) for task in graph], graph.limits)


def story(trace: Trace) -> list[tuple[Any, ...]]:
    spans = sorted(trace.spans, key=lambda span: (span.name, span.start))
    return [
        (span.name, span.status, span.note, span.cost_usd, *(round(at, 7) for at in (span.start, span.end)))
        for span in spans
    ]


@given(st.integers(0, 2**32), st.booleans())
@settings(max_examples=300, deadline=None)
def test_hedged_graphs_run_as_simulated(seed: int, output: bool) -> None:  # noqa: FBT001
    rng = random.Random(seed)
    graph = hedging_graph(rng, output=output)
    first = {task.name: task.duration.typical * (0.5 + 2 * rng.random()) for task in graph}
    again = {task.name: task.duration.typical * (0.5 + 2 * rng.random()) for task in graph}
    needed = {task.name: rng.random() < 0.5 for task in graph if task.condition}
    plan = plan_of(graph)
    schedule = Schedule(plan, [needed.get(name, True) for name in plan.names])
    play = Play(plan, schedule, list(first.values()), {plan.index[name]: again[name] for name in again})
    seen = run_virtually(run(really(graph, first, again), needed=needed)).trace
    assert story(seen) == story(play.trace())


def alone(*, hedge: bool) -> TaskGraph:
    return TaskGraph([Task("search", duration=USUAL, effects="pure", hedge=hedge, cost_usd=0.01)])


def test_the_tail_is_as_the_formula_says() -> None:
    """P(longer than t) = P(X > t) · P(X' > t − t95): at the 99th percentile that is 1 in 100."""
    sigma = USUAL.spread

    def longer(seconds: float) -> float:
        return 0.5 * math.erfc(math.log(seconds / USUAL.p50) / sigma / math.sqrt(2)) if seconds > 0 else 1.0

    plain = simulate_many(alone(hedge=False), runs=20_000)
    found = simulate_many(alone(hedge=True), runs=20_000)
    assert longer(found.p99) * longer(found.p99 - USUAL.p95) == pytest.approx(0.01, rel=0.15)
    assert found.p50 == plain.p50
    assert found.p99 < plain.p99
    assert found.mean_cost_usd == pytest.approx(0.01 * 1.05, rel=0.01)
    assert found.mean_wasted_usd == pytest.approx(0.01 * 0.05, rel=0.1)


def test_a_slow_first_attempt_is_told_in_one_timeline() -> None:
    trace = simulate(alone(hedge=True), durations={"search": 9.0})
    assert trace.makespan == 3
    assert trace.wasted_seconds == 3
    assert simulate(alone(hedge=False), durations={"search": 9.0}).makespan == 9


def test_a_speculation_that_is_lost_takes_its_second_attempt_along() -> None:
    task = replace(hedged(answering(9)), condition=Condition("decider", 0.5), speculative=True)
    graph = TaskGraph([Task("decider", duration=Fixed(3)), task])
    policy = Speculation(value_of_second_usd=1.0)
    trace = run_virtually(run(graph, needed={"search": False}, speculation=policy)).trace
    assert trace.wasted_seconds == 3 + 1
    assert trace.wasted_usd == 1.0
