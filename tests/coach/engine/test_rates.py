"""Limits per minute: what a bucket holds, who goes first, and that real and simulated runs agree."""

from __future__ import annotations

import asyncio
import itertools
import random
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.engine.cache import CacheUse
from coach.engine.call_simulation import simulate_calls
from coach.engine.calls import ModelCall
from coach.engine.checkpoints import Checkpoints, MemoryStore
from coach.engine.errors import GraphError
from coach.engine.graph import Fixed, LogNormal, Rate, Task, TaskGraph
from coach.engine.growing import growing
from coach.engine.prompt import Block, Prompt, Stability
from coach.engine.rates import Bucket
from coach.engine.rules import RULES
from coach.engine.runner import Inputs, run
from coach.engine.schedule import Schedule, plan_of
from coach.engine.simulation import Play, simulate
from coach.engine.trace import Trace
from tests.coach.engine.graphs import random_graph
from tests.coach.engine.virtual_time import run_virtually

ONE_A_SECOND = Rate(60, burst=1)


def calls(count: int, **more: Any) -> list[Task]:
    return [Task(f"t{i}", duration=Fixed(0.1), uses=("requests",), **more) for i in range(count)]


# Buckets


def test_a_bucket_is_full_at_first_and_refills() -> None:
    bucket = Bucket(Rate(60, burst=3))
    assert bucket.level(5) == 3
    bucket.take(3, 5)
    assert not bucket.has(1, 5.5)
    assert bucket.full_enough_at(1, 5.5) == 6
    assert bucket.has(1, 6)
    assert bucket.level(60) == 3


def test_what_is_taken_without_asking_is_a_debt() -> None:
    bucket = Bucket(ONE_A_SECOND)
    bucket.take(1, 0)
    bucket.take(1, 0)
    assert bucket.full_enough_at(1, 0) == 2


def test_the_burst_is_a_minutes_units_unless_told() -> None:
    assert Rate(50).most == 50
    assert Rate(50, burst=5).most == 5


@pytest.mark.parametrize(
    "rate", [{"per_minute": 0}, {"per_minute": 60, "burst": 0}, {"per_minute": float("inf")}]
)
def test_rates_are_above_zero(rate: dict[str, float]) -> None:
    with pytest.raises(GraphError):
        Rate(**rate)


# Graphs


def test_what_never_fits_is_refused_at_construction() -> None:
    with pytest.raises(GraphError, match="never more than 1000"):
        TaskGraph([Task("a", takes={"tokens": 1001})], {"tokens": Rate(60_000, burst=1000)})
    with pytest.raises(GraphError, match="limits tasks at once"):
        TaskGraph([Task("a", takes={"calls": 2})], {"calls": 3})
    with pytest.raises(GraphError, match="negative"):
        Task("a", takes={"tokens": -1})


def test_without_a_limit_a_rate_is_free() -> None:
    assert (
        simulate(
            TaskGraph([Task(f"t{i}", takes={"tokens": 10**9}, duration=Fixed(1)) for i in range(5)])
        ).makespan
        == 1
    )


def test_requests_start_as_the_rate_allows() -> None:
    trace = simulate(TaskGraph(calls(5), {"requests": Rate(60, burst=2)}))
    assert sorted(span.start for span in trace.spans) == pytest.approx([0, 0, 1, 2, 3])


def test_tokens_and_requests_are_limited_together() -> None:
    tasks = [replace(task, takes={"tokens": 600}) for task in calls(3)]
    trace = simulate(TaskGraph(tasks, {"requests": ONE_A_SECOND, "tokens": Rate(6_000, burst=1_000)}))
    assert sorted(span.start for span in trace.spans) == pytest.approx([0, 2, 8])


def test_a_large_call_is_not_starved_by_small_ones() -> None:
    large = Task("large", takes={"tokens": 100}, duration=Fixed(50))
    small = [Task(f"s{i}", takes={"tokens": 20}, duration=Fixed(1)) for i in range(20)]
    first = Task("first", takes={"tokens": 100}, duration=Fixed(100))
    trace = simulate(TaskGraph([*small, large, first], {"tokens": Rate(600, burst=100)}))
    assert trace["first"].start == 0
    assert trace["large"].start == pytest.approx(10)


def test_who_waits_for_a_unit_that_others_hold_stands_in_nobodys_way() -> None:
    tasks = [
        Task("holds", uses=("row",), duration=Fixed(100)),
        Task("waits", uses=("row",), takes={"tokens": 10}, duration=Fixed(90)),
        Task("free", takes={"tokens": 10}, duration=Fixed(1)),
    ]
    trace = simulate(TaskGraph(tasks, {"row": 1, "tokens": Rate(60, burst=10)}))
    assert trace["free"].start == 0
    assert trace["waits"].start == 100


def test_a_repeated_attempt_is_paid_for_by_those_after_it() -> None:
    tries: list[int] = []

    async def call(inputs: Inputs) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise ValueError("again")

    shaky = Task("shaky", call=call, uses=("requests",), retries=2, backoff_seconds=0, duration=Fixed(9))
    after = Task("after", ("shaky",), uses=("requests",))
    trace = run_virtually(run(TaskGraph([shaky, after], {"requests": ONE_A_SECOND}))).trace
    assert trace["after"].start == pytest.approx(3)


def test_what_is_kept_takes_nothing() -> None:
    graph = TaskGraph(calls(5, keep=True), {"requests": ONE_A_SECOND})
    checkpoints = Checkpoints(MemoryStore(), "a run")
    assert run_virtually(run(graph, checkpoints=checkpoints)).trace.makespan == pytest.approx(4.1)
    assert run_virtually(run(graph, checkpoints=checkpoints)).trace.makespan == 0


def test_a_second_attempt_takes_again_or_is_not_begun() -> None:
    async def slow(inputs: Inputs) -> None:
        await asyncio.sleep(9)

    def made(burst: float) -> Trace:
        task = Task("a", call=slow, duration=LogNormal(1, 2), effects="pure", hedge=True, uses=("requests",))
        return run_virtually(run(TaskGraph([task], {"requests": Rate(0.6, burst=burst)}))).trace

    assert "a (beaten)" not in made(1)
    assert "a (beaten)" in made(2)


def test_a_run_that_waits_for_a_rate_can_be_cancelled() -> None:
    async def main() -> None:
        running = asyncio.create_task(run(TaskGraph(calls(5), {"requests": Rate(1, burst=1)})))
        await asyncio.sleep(5)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert len(asyncio.all_tasks()) == 1

    run_virtually(main())


# Reads from a cache


def model_call(model: str) -> ModelCall:
    return ModelCall(Prompt((Block(name="a", tokens=5000, stability=Stability.SHARED),)), model, 300)


def test_reads_count_where_the_rules_say_so() -> None:
    use = CacheUse(read=4000, written=600, fresh=400)
    assert model_call("claude-sonnet-5-5").takes(use) == {
        "requests": 1,
        "input tokens": 1000,
        "output tokens": 300,
    }


def test_each_rule_set_names_its_source_on_rates() -> None:
    assert all(rules.rate_source for rules in RULES.values())
    assert {name for name, rules in RULES.items() if not rules.reads_count} == {
        name for name in RULES if name.startswith("anthropic-2026")
    }


LAW = Block(name="law", tokens=40_000, stability=Stability.SHARED, breakpoint="5m")


def agents(count: int = 6, **more: Any) -> list[Task]:
    """Calls of a model over the same cold prefix, each with 200 tokens of its own."""
    tasks = []
    for i in range(count):
        own = Block(name="question", tokens=200, stability=Stability.CALL, fingerprint=str(i))
        call = ModelCall(Prompt((LAW, own)), "claude-sonnet-5-5", 300)
        tasks.append(Task(f"t{i}", model_call=call, **more))
    return tasks


def test_what_others_have_written_is_not_taken_of_a_limit_of_tokens() -> None:
    """Once the first has answered, the others take their own tokens only."""
    cold, limits = agents(1)[0], {"input tokens": Rate(60_000)}
    assert cold.model_call is not None
    for takes in ({}, cold.model_call.takes_cold):
        trace = simulate_calls(TaskGraph(agents(takes=takes), limits))
        first, *others = trace.spans
        assert {span.start for span in others} == {first.first_output}
        assert (first.tokens_written, {span.tokens_read for span in others}) == (40_000, {40_000})
        assert trace.makespan < 10


def test_own_tokens_are_taken_of_a_limit_of_tokens() -> None:
    trace = simulate_calls(TaskGraph(agents(), {"input tokens": Rate(60_000, burst=40_300)}))
    waits = [later.start - span.start for span, later in itertools.pairwise(trace.spans[1:])]
    assert trace.spans[1].start == trace.spans[0].first_output
    assert sum(waits) + trace.spans[1].start < 41_200 / 1000


def test_a_call_takes_a_request_and_its_output_too() -> None:
    limits = {"requests": ONE_A_SECOND, "output tokens": Rate(6_000, burst=600)}
    trace = simulate(TaskGraph(agents(4, uses=("requests",)), limits))
    assert [span.start for span in trace.spans] == pytest.approx([0, 1, 3, 6])


def test_a_run_expects_of_its_calls_what_the_simulator_finds() -> None:
    tasks = agents(duration=Fixed(4.0), first_output_seconds=2.0)
    graph = TaskGraph(tasks, {"input tokens": Rate(60_000), "requests": Rate(60, burst=3)})
    trace = run_virtually(run(graph)).trace
    assert [span.start for span in trace.spans] == pytest.approx([0, 2, 2, 2, 3, 4])
    assert story(trace) == story(simulate(graph))


def test_without_a_sign_of_its_output_a_call_has_written_at_its_end() -> None:
    graph = TaskGraph(agents(2, duration=Fixed(4.0)), {"input tokens": Rate(60_000)})
    assert [span.start for span in run_virtually(run(graph)).trace.spans] == [0, 4]
    assert [span.start for span in simulate(graph).spans] == [0, 4]


@pytest.mark.parametrize(("read", "start"), [(40_000, 1.0), (0, 21.0)])
def test_what_a_call_tells_of_itself_is_settled(read: int, start: float) -> None:
    """What was in the cache before the run began nobody expects; nor that another has thrown it out."""

    async def tell(inputs: Inputs) -> None:
        await asyncio.sleep(1)
        inputs.note(tokens_read=read, tokens_fresh=200, tokens_written=40_000 - read)
        await asyncio.sleep(1)

    other = Task("other", takes={"input tokens": 40_800}, duration=Fixed(0.5))
    tasks = [replace(agents(1)[0], call=tell, duration=Fixed(9.0)), other]
    trace = run_virtually(run(TaskGraph(tasks, {"input tokens": Rate(60_000)}))).trace
    assert trace["other"].start == pytest.approx(start, abs=1e-6)


def test_a_call_in_a_thread_settles_what_it_took() -> None:
    def tell(inputs: Inputs) -> None:
        inputs.note(tokens_read=40_000, tokens_fresh=200)

    other = Task("other", takes={"input tokens": 50_000})
    tasks = [replace(agents(1)[0], call=tell, blocking=True, duration=Fixed(9.0)), other]
    limits = {"input tokens": Rate(0.001, burst=60_000)}
    assert asyncio.run(run(TaskGraph(tasks, limits), deadline_seconds=10)).values.keys() == {"t0", "other"}


def test_more_than_expected_is_a_debt() -> None:
    async def write(inputs: Inputs) -> None:
        inputs.note(tokens_output=900)

    after = Task("after", ("t0",), takes={"output tokens": 100})
    tasks = [replace(agents(1)[0], call=write), after]
    limits = {"output tokens": Rate(6_000, burst=500)}
    assert run_virtually(run(TaskGraph(tasks, limits))).trace["after"].start == pytest.approx(5)


def test_a_call_that_failed_has_written_nothing() -> None:
    async def fail(inputs: Inputs) -> None:
        await asyncio.sleep(1)
        raise ValueError("no")

    one, two = agents(2)
    tasks = [replace(one, call=fail, duration=Fixed(9)), two, Task("end", ("t0", "t1"), on_failure="collect")]
    trace = run_virtually(run(TaskGraph(tasks, {"input tokens": Rate(60_000)}))).trace
    assert trace["t1"].start == pytest.approx(20.4)


# Properties


def rated(rng: random.Random, *, special: bool, ties: bool = False) -> TaskGraph:
    """With `ties`, tasks that matter alike: no needs, and two durations only."""
    graph = random_graph(
        rng, rng.randrange(1, 11), limits=special, conditions=special, streams=special, leaders=special
    )
    tasks = []
    for task in graph:
        takes = {name: rng.randrange(0, 50) for name in ("tokens", "words") if rng.random() < 0.6}
        uses = (*task.uses, "requests") if rng.random() < 0.5 else task.uses
        more: dict[str, Any] = {}
        if special and rng.random() < 0.2 and task.join == "all":
            p50 = task.duration.typical
            more = {"duration": LogNormal(p50, p50 * 1.5), "effects": "pure", "hedge": True}
        if ties:
            more = {"needs": (), "duration": Fixed(rng.randrange(1, 3))}
        tasks.append(replace(task, takes=takes, uses=uses, **more))
    rates = {
        "tokens": Rate(rng.randrange(300, 6000), burst=rng.randrange(50, 120)),
        "words": Rate(rng.randrange(300, 6000), burst=rng.randrange(50, 120)),
        "requests": Rate(rng.randrange(30, 200), burst=rng.randrange(1, 4)),
    }
    return TaskGraph(tasks, {**graph.limits, **rates})


def story(trace: Trace) -> list[tuple[Any, ...]]:
    return sorted((span.name, span.status, round(span.start, 5), round(span.end, 5)) for span in trace.spans)


@given(st.integers(0, 2**32), st.booleans())
@settings(max_examples=300, deadline=None)
def test_graphs_with_rates_run_as_simulated(seed: int, special: bool) -> None:  # noqa: FBT001
    rng = random.Random(seed)
    graph = rated(rng, special=special)
    needed = {task.name: rng.random() < 0.5 for task in graph if task.condition}
    assert story(run_virtually(run(graph, needed=needed)).trace) == story(simulate(graph, needed=needed))


@given(st.integers(0, 2**32), st.booleans())
@settings(max_examples=300, deadline=None)
def test_calls_of_models_under_rates_run_as_simulated(seed: int, special: bool) -> None:  # noqa: FBT001
    rng = random.Random(seed)
    graph = rated(rng, special=special)
    calls = [task.model_call for task in agents(len(graph))]
    tasks = [replace(t, model_call=c) if rng.random() < 0.6 else t for t, c in zip(graph, calls, strict=True)]
    tokens = {"input tokens": Rate(rng.randrange(10**5, 10**7), burst=rng.randrange(40_200, 90_000))}
    graph = TaskGraph(tasks, {**graph.limits, **tokens})
    needed = {task.name: rng.random() < 0.5 for task in graph if task.condition}
    assert story(run_virtually(run(graph, needed=needed)).trace) == story(simulate(graph, needed=needed))


@given(st.integers(0, 2**32), st.booleans())
@settings(max_examples=200, deadline=None)
def test_no_rate_is_exceeded_in_any_span_of_time(seed: int, special: bool) -> None:  # noqa: FBT001
    rng = random.Random(seed)
    graph = rated(rng, special=special)
    trace = simulate(graph)
    plan = plan_of(graph)
    for r, (_, rate) in enumerate(plan.rates.items()):
        taken = sorted(
            (span.start, units)
            for span in trace.spans
            if span.name in plan.index and (span.status == "done" or span.wasted)
            for place, units in plan.draws[plan.index[span.name]]
            if place == r
        )
        for (first, _), (last, _) in itertools.combinations_with_replacement(taken, 2):
            between = sum(units for at, units in taken if first <= at <= last)
            assert between <= rate.most + (last - first) * rate.per_second + 1e-3


class Counting(Schedule):
    """Counts how often it is woken for nothing."""

    __slots__ = ("idle", "wakes")

    def wake(self) -> list[int]:
        starting = super().wake()
        self.wakes = getattr(self, "wakes", 0) + 1
        self.idle = getattr(self, "idle", 0) + (not starting)
        return starting


@given(st.integers(0, 2**32))
@settings(max_examples=200, deadline=None)
def test_nobody_waits_busily_and_all_end(seed: int) -> None:
    graph = rated(random.Random(seed), special=False)
    schedule = Counting(plan_of(graph), None)
    play = Play(plan_of(graph), schedule, [task.duration.typical for task in graph])
    assert schedule.left == 0
    assert all(end >= 0 for end in play.record.ends)
    assert getattr(schedule, "wakes", 0) <= 2 * len(graph)


@given(st.integers(0, 2**32))
@settings(max_examples=200, deadline=None)
def test_nobody_takes_what_an_earlier_rank_waits_for(seed: int) -> None:
    graph = rated(random.Random(seed), special=False)
    plan, trace = plan_of(graph), simulate(graph)

    def ready_at(name: str) -> float:
        return max((trace[need].end for need in graph.tasks[name].needs), default=0.0)

    for one, other in itertools.permutations(range(plan.size), 2):
        shared = {r for r, _ in plan.draws[one]} & {r for r, _ in plan.draws[other]}
        first, second = trace[plan.names[one]], trace[plan.names[other]]
        if shared and plan.rank[one] < plan.rank[other] and ready_at(first.name) < second.start:
            assert first.start <= second.start, f"{second.name} overtook {first.name}"


def renamed(graph: TaskGraph, rng: random.Random) -> TaskGraph:
    fresh = [f"x{i}" for i in range(len(graph))]
    rng.shuffle(fresh)
    names = dict(zip(graph.tasks, fresh, strict=True))
    tasks = [replace(t, name=names[t.name], needs=tuple(names[n] for n in t.needs)) for t in graph]
    rng.shuffle(tasks)
    limits = list(graph.limits.items())
    rng.shuffle(limits)
    return TaskGraph(tasks, dict(limits))


@given(st.integers(0, 2**32), st.booleans())
@settings(max_examples=300, deadline=None)
def test_names_and_order_do_not_matter(seed: int, ties: bool) -> None:  # noqa: FBT001
    rng = random.Random(seed)
    graph = rated(rng, special=False, ties=ties)
    assert simulate(renamed(graph, rng)).makespan == pytest.approx(simulate(graph).makespan)


def test_what_is_added_to_a_run_takes_from_the_same_rates() -> None:
    async def main() -> Trace:
        async with growing(limits={"requests": ONE_A_SECOND}) as plan:
            plan.add(*calls(2))
            await asyncio.sleep(0.5)
            plan.add(Task("late", uses=("requests",)))
            with pytest.raises(GraphError, match="never more than 1 "):
                plan.add(Task("large", takes={"requests": 2}))
        return plan.result.trace

    trace = run_virtually(main())
    assert sorted(span.start for span in trace.spans) == pytest.approx([0, 1, 2])
