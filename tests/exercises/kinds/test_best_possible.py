"""What a grader calls the best possible is what the engine advises."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from coach.engine.advice import advise
from coach.engine.graph_decisions import Alternative
from exercises.kinds.dispatch_plan.answer import HANDOVERS, JOINS
from exercises.kinds.dispatch_plan.design import best_plan, graph_of, right_plan, run_plan
from exercises.kinds.dispatch_plan.spec import PlanSpec, varied
from exercises.kinds.prompt_layout.answer import LayoutAnswer
from exercises.kinds.prompt_layout.design import Bench, found_and_best, prompt_of, stable_order
from exercises.kinds.prompt_layout.spec import LayoutSpec, traffic_for

FOLDER = Path("fixtures/agent-latency/exercises")


def shipped(name: str) -> Any:
    return yaml.safe_load((FOLDER / f"{name}.spec.yaml").read_text())["spec"]


PLAN = PlanSpec.model_validate(shipped("travel-agent"))
LAYOUT = LayoutSpec.model_validate(shipped("legal-review"))


@pytest.mark.parametrize("seed", range(12))
def test_best_plan_is_the_one_that_the_engine_advises(seed: int) -> None:
    spec = varied(PLAN, seed)
    plans = [right_plan(spec, join=join, handover=handover) for join in JOINS for handover in HANDOVERS]
    ways = {graph_of(spec, plan).tasks[spec.fan_in.name]: plan for plan in plans}
    advice = advise(
        graph_of(spec, plans[0]),
        value_of_second_usd=spec.value_of_second_usd,
        alternatives=[Alternative(task, task.label) for task in list(ways)[1:]],
        first_output_share=0.5,
    )
    ahead = tuple(task.name for task in spec.conditional if advice.plan.tasks[task.name].speculative)
    plan = ways[advice.plan.tasks[spec.fan_in.name]].model_copy(update={"ahead": ahead})
    best = best_plan(spec)
    assert (plan.join, plan.handover, set(plan.ahead)) == (best.join, best.handover, set(best.ahead))
    assert run_plan(spec, plan).trace.makespan == run_plan(spec, best).trace.makespan


@pytest.mark.parametrize("seed", range(4))
def test_best_layout_is_the_one_that_the_engine_advises(seed: int) -> None:
    """But for the minutes of its warm-up and its keep-alive, which a learner picks from a list."""
    best = found_and_best(LAYOUT, seed)[1]
    order = stable_order(LAYOUT)
    advice = advise(
        prompt_of(LAYOUT, LayoutAnswer(order=order)),
        traffic_for(LAYOUT, order, Bench(LAYOUT, seed).calls),
        model=LAYOUT.model,
        value_of_second_usd=LAYOUT.value_of_second_usd,
    )
    assert {b.name: b.breakpoint for b in advice.plan.prompt.blocks if b.breakpoint} == best.answer.marks
    assert (advice.plan.warming.prewarm_at is None) == (best.answer.prewarm_at is None)
    keepalive = advice.plan.warming.keepalive_every_seconds
    assert (keepalive is None) == (best.answer.keepalive_minutes is None)
    assert advice.after.burden_usd == pytest.approx(best.worth_usd, rel=0.02)
