"""What a grader calls the best possible is what the engine advises: no right answer beats it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, combinations, product
from pathlib import Path
from typing import Any

import pytest
import yaml

from exercises.kinds import dispatch_plan, prompt_layout
from exercises.kinds.dispatch_plan.answer import HANDOVERS, JOINS
from exercises.kinds.dispatch_plan.design import best_plan, burden_usd, right_plan
from exercises.kinds.dispatch_plan.spec import FanInSpec, PlanSpec, TaskSpec, varied
from exercises.kinds.prompt_layout.answer import LayoutAnswer
from exercises.kinds.prompt_layout.design import (
    Bench,
    found_and_best,
    stable_order,
    suited_minutes,
    true_labels,
    wake_time,
)
from exercises.kinds.prompt_layout.spec import LayoutSpec

FOLDER = Path("fixtures/agent-latency/exercises")


def shipped(name: str) -> Any:
    return yaml.safe_load((FOLDER / f"{name}.spec.yaml").read_text())["spec"]


PLAN = PlanSpec.model_validate(shipped("travel-agent"))
LAYOUT = LayoutSpec.model_validate(shipped("legal-review"))


def maybe(name: str, probability: float, seconds: float, cost_usd: float) -> TaskSpec:
    return TaskSpec(
        name=name,
        label=name,
        p50_seconds=seconds,
        p95_seconds=2 * seconds,
        cost_usd=cost_usd,
        decider="verdict",
        probability=probability,
        verbatim_tokens=900,
        summary_tokens=100,
    )


def uncertain(count: int) -> PlanSpec:
    """A verdict and so many tasks that hang on it, each more likely and dearer than the one before."""
    tasks = [maybe(f"maybe{i}", 0.2 + 0.6 * i / count, 1 + 0.2 * i, 0.001 * i) for i in range(count)]
    verdict = TaskSpec(name="verdict", label="verdict", p50_seconds=1, p95_seconds=2, verbatim_tokens=300)
    fan_in = FanInSpec(name="end", label="end", reads=[task.name for task in tasks], output_tokens=200)
    return PlanSpec(tasks=(verdict, *tasks), fan_in=fan_in, value_of_second_usd=0.02)


def subsets(names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    return chain.from_iterable(combinations(names, count) for count in range(len(names) + 1))


@pytest.mark.parametrize(
    "spec", [*(varied(PLAN, seed) for seed in range(4)), *(uncertain(count) for count in (1, 3, 4))]
)
def test_no_right_plan_is_better_than_the_best(spec: PlanSpec) -> None:
    names = tuple(task.name for task in spec.conditional)
    right = [
        right_plan(spec, join=join, handover=handover, ahead=ahead)
        for join, handover, ahead in product(JOINS, HANDOVERS, subsets(names))
    ]
    assert burden_usd(spec, best_plan(spec)) == min(burden_usd(spec, plan) for plan in right)


@pytest.mark.parametrize("spec", [PLAN, *(uncertain(count) for count in (1, 2, 4, 8))])
def test_nothing_is_found_in_the_best_plan(spec: PlanSpec) -> None:
    assert dispatch_plan.KIND.grade(spec, best_plan(spec), prediction=None).findings == ()


def designs(spec: LayoutSpec) -> Iterator[LayoutAnswer]:
    """Breakpoints wherever they may stand in the stable order, of one lifetime; each way of warming."""
    order = stable_order(spec)
    for marked, ttl in product(subsets(order), spec.rules.ttls):
        if len(marked) <= spec.rules.max_breakpoints:
            for prewarm_at, minutes in product((None, wake_time(spec)), (None, suited_minutes(spec, ttl))):
                yield LayoutAnswer(
                    order=order,
                    labels=true_labels(spec, order),
                    marks=dict.fromkeys(marked, ttl),
                    prewarm_at=prewarm_at,
                    keepalive_minutes=minutes,
                )


def test_no_design_in_the_stable_order_is_better_than_the_best() -> None:
    bench, best = Bench(LAYOUT, 0), found_and_best(LAYOUT)[1]
    assert best.worth_usd <= min(bench.run(design).worth_usd for design in designs(LAYOUT)) + 1e-9


@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_found_in_the_best_design(seed: int) -> None:
    best = found_and_best(LAYOUT, seed)[1].answer
    assert prompt_layout.KIND.parse(LAYOUT, prompt_layout.KIND.to_form(LAYOUT, best)) == best
    assert prompt_layout.KIND.grade(LAYOUT, best, prediction=None, seed=seed).findings == ()
