"""Mistakes in dispatch plans."""

from __future__ import annotations

import random

from coach.mistakes.base import Answer, Mistake, one_of
from exercises.kinds.dispatch_plan.design import best_plan, decisions
from exercises.kinds.dispatch_plan.edges import reachable
from exercises.kinds.dispatch_plan.spec import PlanSpec


def good(spec: PlanSpec) -> Answer:
    """The best plan."""
    return best_plan(spec).model_dump(mode="json")


def _arrows(answer: Answer) -> list[tuple[str, str]]:
    return [(before, after) for after, waits in answer["waits"].items() for before in waits]


def _with_waits(answer: Answer, after: str, waits: list[str]) -> Answer:
    return {**answer, "waits": {**answer["waits"], after: waits}}


def arrow_forgotten(rng: random.Random, spec: PlanSpec, answer: Answer) -> Answer | None:
    """Somebody starts before a value exists."""
    arrow = one_of(rng, _arrows(answer))
    if arrow is None:
        return None
    before, after = arrow
    return _with_waits(answer, after, [each for each in answer["waits"][after] if each != before])


def arrow_too_many(rng: random.Random, spec: PlanSpec, answer: Answer) -> Answer | None:
    """Somebody waits for what they never read."""
    reads = {name: tuple(waits) for name, waits in answer["waits"].items()}
    free = [
        (before, task.name)
        for task in spec.tasks
        for before in spec.by_name
        if before != task.name
        and before not in reachable(reads, task.name)
        and task.name not in reachable(reads, before)
        and task.decider != before
    ]
    arrow = one_of(rng, free)
    if arrow is None:
        return None
    return _with_waits(answer, arrow[1], [*answer["waits"].get(arrow[1], []), arrow[0]])


def ring(rng: random.Random, spec: PlanSpec, answer: Answer) -> Answer | None:
    """Two wait for each other."""
    arrow = one_of(rng, [each for each in _arrows(answer) if each[1] != spec.fan_in.name])
    if arrow is None:
        return None
    return _with_waits(answer, arrow[0], [*answer["waits"].get(arrow[0], []), arrow[1]])


def nothing_ahead(rng: random.Random, spec: PlanSpec, answer: Answer) -> Answer | None:
    """What is likely and slow waits for certainty."""
    return {**answer, "ahead": []} if answer["ahead"] else None


def all_ahead(rng: random.Random, spec: PlanSpec, answer: Answer) -> Answer | None:
    """What is unlikely or quick starts early too."""
    unworthy = [name for name, judged in decisions(spec).items() if not judged.worth_it]
    extra = [name for name in unworthy if name not in answer["ahead"]]
    return {**answer, "ahead": [*answer["ahead"], *extra]} if extra else None


def on_the_loop(rng: random.Random, spec: PlanSpec, answer: Answer) -> Answer | None:
    """Blocking calls hold the event loop."""
    return {**answer, "pool": []} if answer["pool"] else None


def verbatim(rng: random.Random, spec: PlanSpec, answer: Answer) -> Answer | None:
    """Everything is handed over as it came."""
    return {**answer, "handover": "verbatim"}


def all_in(rng: random.Random, spec: PlanSpec, answer: Answer) -> Answer | None:
    """The last step waits for the slowest."""
    return {**answer, "join": "all"}


def big_model(rng: random.Random, spec: PlanSpec, answer: Answer) -> Answer | None:
    """A larger model than the step needs."""
    larger = one_of(rng, [tier for tier in spec.fan_in.tiers_by_size if tier != answer["tier"]])
    return {**answer, "tier": larger} if larger else None


def bare(spec: PlanSpec, answer: Answer) -> Answer:
    """Nothing waits for anything: every arrow is missing at once."""
    return {**answer, "waits": {}}


MISTAKES: tuple[Mistake, ...] = (
    arrow_forgotten,
    arrow_too_many,
    ring,
    nothing_ahead,
    all_ahead,
    on_the_loop,
    verbatim,
    all_in,
    big_model,
)
