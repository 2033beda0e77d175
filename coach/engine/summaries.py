"""Summarise before a join: a small model shortens what a branch gives, so that the join has less to read.

    gain of the join = (tokens − summary tokens) / prefill rate of the reader
    price in time    = one call of the writer between the branch and the join
    price in money   = that call, against the input tokens that the reader is spared

Whether that pays hangs on the graph: between a branch with slack and a join on the critical path the summary
costs no time; on the critical path it may cost more than it gains. Units: seconds, tokens, US dollars.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from coach.engine.call_simulation import simulate_calls
from coach.engine.errors import GraphError
from coach.engine.graph import Duration, Fixed, LogNormal, Task, TaskGraph
from coach.engine.pricing import cost_usd, price_of
from coach.engine.prompt import Prompt
from coach.engine.timing import TIERS, Tier, total_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """`branch`, whose result `join` reads as `tokens`, is cut to `summary_tokens` by the model `writer`;
    `reader` is the model of the join. GraphError for a summary that is not shorter."""

    join: str
    branch: str
    tokens: int
    summary_tokens: int
    reader: str
    writer: str = "small"

    def __post_init__(self) -> None:
        if not 0 <= self.summary_tokens < self.tokens:
            raise GraphError(
                f"A summary of {self.tokens} tokens cannot have {self.summary_tokens}",
                (self.branch, self.join),
            )

    @property
    def task(self) -> str:
        """The name of the task that summarises."""
        return f"{self.branch}, summarised for {self.join}"

    @property
    def spared(self) -> int:
        """Tokens that the join does not have to read."""
        return self.tokens - self.summary_tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryVerdict:
    """What summarising brings, before it is done: seconds sooner and dollars less; below zero is a loss."""

    gained_seconds: float
    gained_usd: float
    worth_it: bool
    reason: str


def summarised(graph: TaskGraph, summaries: Sequence[Summary]) -> TaskGraph:
    """The graph with a summarising task between each branch and its join. GraphError where the join does not
    need the branch."""
    tasks = dict(graph.tasks)
    for summary in summaries:
        add_summary(tasks, summary)
    return TaskGraph(tasks.values(), graph.limits)


def add_summary(tasks: dict[str, Task], summary: Summary) -> None:
    """The same on tasks by name."""
    join, branch = tasks.get(summary.join), tasks.get(summary.branch)
    if join is None or branch is None or branch.name not in join.needs:
        raise GraphError(f"{summary.join!r} does not need {summary.branch!r}", (summary.join, summary.branch))
    tasks[summary.task] = _writing(summary, branch)
    needs = tuple(summary.task if need == branch.name else need for need in join.needs)
    tasks[join.name] = replace(_reading(summary, join), needs=needs)


def weigh_summaries(
    graph: TaskGraph,
    summaries: Sequence[Summary],
    *,
    value_of_second_usd: float,
    needed: Mapping[str, bool] | None = None,
) -> SummaryVerdict:
    """What the whole graph gains or loses in time and money by these summaries, at typical durations."""
    before = simulate_calls(graph, needed=needed)
    after = simulate_calls(summarised(graph, summaries), needed=needed)
    seconds, usd = before.makespan - after.makespan, before.cost_usd - after.cost_usd
    worth_it = seconds * value_of_second_usd + usd > 0
    reason = (
        f"Summaries spare the join {sum(s.spared for s in summaries):,} tokens. The whole is done "
        f"{_change(seconds, 's sooner', 's later')} and {_change(usd, 'dollars cheaper', 'dollars dearer')}."
    )
    return SummaryVerdict(gained_seconds=seconds, gained_usd=usd, worth_it=worth_it, reason=reason)


def _change(amount: float, gain: str, loss: str) -> str:
    return f"{abs(amount):.4g} {gain if amount >= 0 else loss}"


def _tier(model: str) -> Tier:
    return TIERS[price_of(model).tier]


def _writing(summary: Summary, branch: Task) -> Task:
    """The task that summarises: where the branch is dropped, there is nothing to summarise."""
    tier, price = _tier(summary.writer), price_of(summary.writer)
    condition = (
        None if branch.condition is None else replace(branch.condition, decider=branch.name, probability=1)
    )
    seconds = total_seconds(tier, fresh=summary.tokens, output=summary.summary_tokens)
    return Task(
        summary.task,
        (branch.name,),
        duration=Fixed(seconds),
        cost_usd=cost_usd(price, fresh=summary.tokens, output=summary.summary_tokens),
        condition=condition,
        kind="model",
        label=summary.task,
    )


def _reading(summary: Summary, join: Task) -> Task:
    """The join with less to read."""
    if join.model_call is not None and any(b.name == summary.branch for b in join.model_call.prompt.blocks):
        blocks = [
            replace(block, tokens=summary.summary_tokens) if block.name == summary.branch else block
            for block in join.model_call.prompt.blocks
        ]
        return replace(join, model_call=replace(join.model_call, prompt=Prompt(tuple(blocks))))
    seconds = summary.spared / _tier(summary.reader).prefill_tokens_per_second
    usd = cost_usd(price_of(summary.reader), fresh=summary.spared)
    first = join.first_output_seconds
    return replace(
        join,
        duration=_shorter(join.duration, seconds),
        cost_usd=max(0.0, join.cost_usd - usd),
        first_output_seconds=None if first is None else max(0.0, first - seconds),
    )


def _shorter(duration: Duration, seconds: float) -> Duration:
    """The same spread around a typical time that is so many seconds shorter."""
    left = max(0.0, duration.typical - seconds)
    if isinstance(duration, Fixed) or not left:
        return Fixed(left)
    return LogNormal(left, left * duration.p95 / duration.p50)
