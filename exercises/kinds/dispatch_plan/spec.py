"""What the instructor sets: tasks with what they truly read, and the step that puts the results together."""

from __future__ import annotations

import random
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from coach.engine.errors import GraphError
from coach.engine.graph import Condition, Fixed, Task, TaskGraph

MAX_TASKS = 40
TierName = Literal["small", "medium", "large"]
TIER_ORDER: tuple[TierName, ...] = ("small", "medium", "large")
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,29}$")]
Label = Annotated[str, Field(min_length=1, max_length=60)]
Seconds = Annotated[float, Field(gt=0, le=600, allow_inf_nan=False)]
Dollars = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TaskSpec(_Part):
    """One task. `reads`: the tasks whose results it truly takes. `about`: the same in words, for learners.

    `decider`, `probability`: it is needed only so often, and that is known when the decider ends.
    `verbatim_tokens`, `summary_tokens`: its result as it comes, and as a digest, in tokens.
    """

    name: Name
    label: Label
    about: str = Field(default="", max_length=200)
    p50_seconds: Seconds
    p95_seconds: Seconds
    cost_usd: Dollars = 0.0
    blocking: bool = False
    reads: tuple[Name, ...] = Field(default=(), max_length=MAX_TASKS)
    decider: Name | None = None
    probability: float | None = Field(default=None, gt=0, lt=1)
    verbatim_tokens: int = Field(default=0, ge=0, le=500_000)
    summary_tokens: int = Field(default=0, ge=0, le=500_000)

    @model_validator(mode="after")
    def _check(self) -> TaskSpec:
        if self.p95_seconds < self.p50_seconds:
            raise ValueError(f"“{self.label}”: the 95th percentile is below the median.")
        if (self.decider is None) != (self.probability is None):
            raise ValueError(f"“{self.label}”: a decider and a probability belong together.")
        return self


class FanInSpec(_Part):
    """The step that puts results together. `reads`: the tasks whose results it takes.

    `tiers`: the model tiers offered, all good enough; the smallest is the right one. `output_tokens` are
    written; `summary_usd` is paid for each digest. `spread`: 95th percentile of its time over the median.
    """

    name: Name
    label: Label
    about: str = Field(default="", max_length=200)
    reads: tuple[Name, ...] = Field(min_length=1, max_length=MAX_TASKS)
    output_tokens: int = Field(ge=1, le=20_000)
    summary_usd: Dollars = 0.0
    tiers: tuple[TierName, ...] = Field(default=TIER_ORDER, min_length=1, max_length=3)
    spread: float = Field(default=1.6, ge=1, le=10)

    @model_validator(mode="after")
    def _check(self) -> FanInSpec:
        if len(set(self.tiers)) < len(self.tiers):
            raise ValueError("Each tier is offered once.")
        return self

    @property
    def tiers_by_size(self) -> tuple[TierName, ...]:
        """Smallest first."""
        return tuple(tier for tier in TIER_ORDER if tier in self.tiers)


class PlanSpec(_Part):
    """A scenario. `value_of_second_usd`: what a second less is worth to the one who waits."""

    tasks: tuple[TaskSpec, ...] = Field(min_length=2, max_length=MAX_TASKS)
    fan_in: FanInSpec
    value_of_second_usd: float = Field(gt=0, le=100)

    @model_validator(mode="after")
    def _check(self) -> PlanSpec:
        try:
            graph = TaskGraph(_true_tasks(self))
        except GraphError as error:
            raise ValueError(str(error)) from error
        if any(self.fan_in.name in task.needs for task in graph):
            raise ValueError(f"“{self.fan_in.label}” comes last: no task can read it.")
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """All tasks in the order shown, the fan-in last."""
        return (*(task.name for task in self.tasks), self.fan_in.name)

    @property
    def by_name(self) -> dict[str, TaskSpec]:
        """The tasks without the fan-in."""
        return {task.name: task for task in self.tasks}

    @property
    def labels(self) -> dict[str, str]:
        """Labels by name, the fan-in's included."""
        return {**{task.name: task.label for task in self.tasks}, self.fan_in.name: self.fan_in.label}

    @property
    def reads(self) -> dict[str, tuple[str, ...]]:
        """Whose results each task truly takes."""
        return {**{task.name: task.reads for task in self.tasks}, self.fan_in.name: self.fan_in.reads}

    @property
    def conditional(self) -> tuple[TaskSpec, ...]:
        """The tasks that are needed only sometimes."""
        return tuple(task for task in self.tasks if task.decider is not None)

    @property
    def blocking(self) -> tuple[TaskSpec, ...]:
        """The tasks that call through a blocking driver."""
        return tuple(task for task in self.tasks if task.blocking)


def condition_of(task: TaskSpec) -> Condition | None:
    """The task's condition as the engine takes it."""
    if task.decider is None or task.probability is None:
        return None
    return Condition(task.decider, task.probability)


def _true_tasks(spec: PlanSpec) -> list[Task]:
    tasks = [
        Task(task.name, task.reads, duration=Fixed(task.p50_seconds), condition=condition_of(task))
        for task in spec.tasks
    ]
    return [*tasks, Task(spec.fan_in.name, spec.fan_in.reads)]


def true_graph(spec: PlanSpec) -> TaskGraph:
    """Who truly waits for whom, the fan-in without a duration."""
    return TaskGraph(_true_tasks(spec))


def varied(spec: PlanSpec, seed: int) -> PlanSpec:
    """The same structure with other numbers; seed 0 gives the spec itself.

    All times stretch by one factor, and each by up to 2 % of its own, so that what was critical stays so.
    """
    if not seed:
        return spec
    rng = random.Random(seed)
    factor, money = rng.uniform(0.75, 1.35), rng.uniform(0.8, 1.25)
    return spec.model_copy(
        update={
            "tasks": tuple(_varied(task, factor * rng.uniform(0.98, 1.02), money) for task in spec.tasks),
            "value_of_second_usd": spec.value_of_second_usd * money,
        }
    )


def _varied(task: TaskSpec, factor: float, money: float) -> TaskSpec:
    times = {name: round(getattr(task, name) * factor, 3) for name in ("p50_seconds", "p95_seconds")}
    return task.model_copy(update={**times, "cost_usd": task.cost_usd * money})
