"""A plan as a task graph, its runs, and the best plan that the engine finds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from coach.engine.advice import advise
from coach.engine.graph import Fixed, LogNormal, Task, TaskGraph
from coach.engine.graph_decisions import Alternative
from coach.engine.pricing import cost_usd, price_of
from coach.engine.simulation import Distribution, simulate, simulate_many
from coach.engine.speculation import SpeculationDecision, judge
from coach.engine.timing import TIERS, time_to_first_token, total_seconds
from coach.engine.trace import Trace
from coach.engine.weighing import Weigher
from exercises.kinds.dispatch_plan.answer import HANDOVERS, JOINS, PlanAnswer
from exercises.kinds.dispatch_plan.spec import FanInSpec, PlanSpec, TaskSpec, condition_of, true_graph

RUNS = 250
FIRST_WORDS_SHARE = 0.5
MOST_RUNS = 1_500
"""Simulated runs that the search for the best plan may take: so many stay under a second."""


@dataclass(frozen=True, slots=True)
class Run:
    """A plan and how it goes: once with typical times, and over jittered runs."""

    answer: PlanAnswer
    graph: TaskGraph
    trace: Trace
    spread: Distribution


def as_found(spec: PlanSpec) -> PlanAnswer:
    """One task after the other, everything handed over as it comes, the largest model.

    What may be dropped holds nobody up, so each task waits back to the last one that is certain to run.
    """
    uncertain = {task.name for task in spec.conditional}
    waits: dict[str, tuple[str, ...]] = {}
    behind: tuple[str, ...] = ()
    for name in true_graph(spec).order:
        waits[name] = behind
        behind = (*behind, name) if name in uncertain else (name,)
    return PlanAnswer(waits=waits, tier=spec.fan_in.tiers_by_size[-1])


def graph_of(spec: PlanSpec, answer: PlanAnswer) -> TaskGraph:
    """The plan as the engine runs it. Raises CycleError."""
    return TaskGraph(tasks_of(spec, answer))


def tasks_of(spec: PlanSpec, answer: PlanAnswer) -> list[Task]:
    """The tasks of a plan, whether or not they can ever begin; the fan-in last."""
    return [*(_task(task, answer) for task in spec.tasks), _fan_in(spec, answer)]


def _task(task: TaskSpec, answer: PlanAnswer) -> Task:
    return Task(
        task.name,
        answer.waits_of(task.name),
        duration=LogNormal(task.p50_seconds, task.p95_seconds),
        cost_usd=task.cost_usd,
        blocking=task.blocking,
        condition=condition_of(task),
        speculative=task.name in answer.ahead,
        effects="pure",
        label=task.label,
    )


def _fan_in(spec: PlanSpec, answer: PlanAnswer) -> Task:
    fan_in, tier, fresh = spec.fan_in, TIERS[answer.tier], tokens_in(spec, answer.handover)
    seconds = total_seconds(tier, fresh=fresh, read=0, output=fan_in.output_tokens)
    first = time_to_first_token(tier, fresh=fresh, read=0)
    return Task(
        fan_in.name,
        answer.waits_of(fan_in.name),
        duration=LogNormal(seconds, seconds * fan_in.spread) if fan_in.spread > 1 else Fixed(seconds),
        cost_usd=_fan_in_usd(fan_in, answer, fresh),
        join=answer.join,
        first_output_seconds=None if answer.join == "stream" else first,
        kind="model",
        label=fan_in.label,
    )


def tokens_in(spec: PlanSpec, handover: str) -> int:
    """What the fan-in has to read on average: results that are needed only sometimes count by their share."""
    tasks = (spec.by_name[name] for name in spec.fan_in.reads)
    return round(sum((task.probability or 1.0) * _tokens(task, handover) for task in tasks))


def _tokens(task: TaskSpec, handover: str) -> int:
    return task.summary_tokens if handover == "summarised" else task.verbatim_tokens


def _fan_in_usd(fan_in: FanInSpec, answer: PlanAnswer, fresh: int) -> float:
    digests = len(fan_in.reads) * fan_in.summary_usd if answer.handover == "summarised" else 0.0
    return digests + cost_usd(price_of(answer.tier), fresh=fresh, output=fan_in.output_tokens)


def held_by_loop(graph: TaskGraph, names: Iterable[str]) -> TaskGraph:
    """The graph as it goes when these blocking tasks run on the event loop.

    While one of them runs, nothing else can be started: all that is not under way by then waits for it. Of
    tasks that could start in the same moment the blocking one is taken first, the worst case.
    """
    left = set(names)
    done: set[str] = set()
    while left:
        trace = simulate(graph)
        name = min(left, key=lambda each: (trace[each].start, each))
        left.remove(name)
        before = graph.ancestors(name) | done
        began = trace[name].start
        graph = TaskGraph(
            replace(task, needs=(*task.needs, name)) if _must_wait(task, name, before, trace, began) else task
            for task in graph
        )
        done.add(name)
    return graph


def _must_wait(task: Task, name: str, before: frozenset[str], trace: Trace, began: float) -> bool:
    free = task.name == name or task.name in before or task.join == "stream"
    return not free and trace[task.name].start >= began


def run_plan(spec: PlanSpec, answer: PlanAnswer, *, seed: int = 0) -> Run:
    """Run a plan. Raises CycleError where it cannot run."""
    return _run(answer, looped_graph(spec, answer), seed)


def looped_graph(spec: PlanSpec, answer: PlanAnswer) -> TaskGraph:
    """The plan with its blocking calls where it puts them. Raises CycleError."""
    on_loop = [task.name for task in spec.blocking if task.name not in answer.pool]
    return held_by_loop(graph_of(spec, answer), on_loop)


def run_sequential(spec: PlanSpec, *, seed: int = 0) -> Run:
    """The scenario as found: one thing at a time."""
    answer = as_found(spec)
    return _run(answer, graph_of(spec, answer), seed)


def _run(answer: PlanAnswer, graph: TaskGraph, seed: int) -> Run:
    return Run(answer, graph, simulate(graph), simulate_many(graph, runs=RUNS, seed=seed))


def right_plan(spec: PlanSpec, **changes: object) -> PlanAnswer:
    """Waits for what is truly read, blocking calls in the pool; the rest as given."""
    values = {
        "waits": spec.reads,
        "pool": tuple(task.name for task in spec.blocking),
        "tier": spec.fan_in.tiers_by_size[0],
        **changes,
    }
    return PlanAnswer.model_validate(values)


def burden_usd(spec: PlanSpec, answer: PlanAnswer) -> float:
    """What a plan is expected to cost the one who waits and the one who pays.

    Half of a second's worth counts until the first words, the other half until the last.
    """
    weigher = Weigher(spec.value_of_second_usd, FIRST_WORDS_SHARE)
    return round(weigher.figures(graph_of(spec, answer)).burden_usd, 9)


@lru_cache(maxsize=128)
def best_plan(spec: PlanSpec) -> PlanAnswer:
    """What the engine advises to those who wait for what is truly read: how results come together, and what
    starts ahead."""
    plans = [right_plan(spec, join=join, handover=handover) for join in JOINS for handover in HANDOVERS]
    ways = {graph_of(spec, plan).tasks[spec.fan_in.name]: plan for plan in plans}
    advice = advise(
        graph_of(spec, plans[0]),
        value_of_second_usd=spec.value_of_second_usd,
        first_output_share=FIRST_WORDS_SHARE,
        alternatives=[Alternative(task, task.label) for task in ways],
        most_runs=MOST_RUNS,
    )
    ahead = tuple(task.name for task in spec.conditional if advice.plan.tasks[task.name].speculative)
    return ways[advice.plan.tasks[spec.fan_in.name]].model_copy(update={"ahead": ahead})


@lru_cache(maxsize=128)
def decisions(spec: PlanSpec) -> dict[str, SpeculationDecision]:
    """For each conditional task whether to start it ahead, judged in the best plan."""
    graph = graph_of(spec, best_plan(spec))
    return {task.name: judge(graph, task.name, spec.value_of_second_usd) for task in spec.conditional}
