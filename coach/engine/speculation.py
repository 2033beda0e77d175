"""Whether to start a task before it is known that it is needed.

Expected saving = p × the latency that this hides − (1 − p) × the delay that it causes, where units are short,
when it is not needed; expected waste = (1 − p) × cost. It is worth it when the saving, at the value of a
second, exceeds the waste. Units: seconds, US dollars.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from coach.engine.errors import GraphError
from coach.engine.graph import TaskGraph
from coach.engine.simulation import simulate


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeculationDecision:
    """The decision with its figures, and the reason in words."""

    worth_it: bool
    probability: float
    hidden_seconds: float
    expected_saving_seconds: float
    expected_saving_usd: float
    expected_waste_usd: float
    reason: str


def decide(
    probability: float,
    hidden_seconds: float,
    cost_usd: float,
    value_of_second_usd: float,
    *,
    delay_seconds: float = 0.0,
) -> SpeculationDecision:
    """Weigh the saving against the waste.

    `probability` that it is needed; `hidden_seconds`: how much sooner the whole is done when it is needed;
    `cost_usd` of one call; `value_of_second_usd`: what a second less is worth to the one who waits;
    `delay_seconds`: how much later the whole is done when it is not needed, because it held what others
    wanted.
    """
    saving = probability * max(0.0, hidden_seconds) - (1.0 - probability) * max(0.0, delay_seconds)
    saving_usd = saving * value_of_second_usd
    waste_usd = (1.0 - probability) * cost_usd
    worth_it = saving_usd > waste_usd
    return SpeculationDecision(
        worth_it=worth_it,
        probability=probability,
        hidden_seconds=hidden_seconds,
        expected_saving_seconds=saving,
        expected_saving_usd=saving_usd,
        expected_waste_usd=waste_usd,
        reason=_reason(probability, hidden_seconds, saving, saving_usd, waste_usd),
    )


def break_even_probability(hidden_seconds: float, cost_usd: float, value_of_second_usd: float) -> float:
    """The probability at which saving and waste are equal; 1.0 where it never pays."""
    gain = max(0.0, hidden_seconds) * value_of_second_usd
    return cost_usd / (gain + cost_usd) if gain > 0 else 1.0


def hidden_seconds(graph: TaskGraph, name: str) -> float:
    """How much sooner the whole is done, when the task is needed, by dispatching it before its decider has
    ended.

    GraphError for a task without a condition.
    """
    task = graph.tasks[name]
    if task.condition is None:
        raise GraphError(f"Task {name!r} has no condition: there is nothing to speculate on", (name,))
    ahead = simulate(_with(graph, name, speculative=True), needed={name: True})
    after = simulate(_with(graph, name, speculative=False), needed={name: True})
    return after.makespan - ahead.makespan


def delay_seconds(graph: TaskGraph, name: str) -> float:
    """How much later the whole is done, when the task is not needed, by having dispatched it: 0 where no
    limit makes others wait for it."""
    if not graph.limits:
        return 0.0
    ahead = simulate(_with(graph, name, speculative=True), needed={name: False})
    after = simulate(_with(graph, name, speculative=False), needed={name: False})
    return max(0.0, ahead.makespan - after.makespan)


def judge(graph: TaskGraph, name: str, value_of_second_usd: float) -> SpeculationDecision:
    """`decide` for a task of a graph, with its own probability, cost, hidden latency and delay."""
    hidden = hidden_seconds(graph, name)
    task = graph.tasks[name]
    assert task.condition is not None  # noqa: S101  # hidden_seconds has refused it otherwise
    return decide(
        task.condition.probability,
        hidden,
        task.cost_usd,
        value_of_second_usd,
        delay_seconds=delay_seconds(graph, name),
    )


def _with(graph: TaskGraph, name: str, *, speculative: bool) -> TaskGraph:
    tasks = [replace(t, speculative=speculative) if t.name == name else t for t in graph]
    return TaskGraph(tasks, graph.limits)


def _reason(probability: float, hidden: float, saving: float, saving_usd: float, waste_usd: float) -> str:
    if hidden <= 0:
        return "It hides no latency: the whole is done at the same time without it."
    worth = "more than" if saving_usd > waste_usd else "no more than"
    return (
        f"Needed {probability:.0%} of the time, it then saves {hidden * 1000:.0f} ms. Expected: "
        f"{saving * 1000:.0f} ms saved, worth ${saving_usd:.5f}, {worth} the ${waste_usd:.5f} wasted."
    )
