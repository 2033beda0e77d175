"""The best plan that the engine can find, and what each change towards it brings.

`advise(graph, ...)` for task graphs (see `graph_advice`), `advise(prompt, traffic, ...)` for prompts and
their day of calls (see `prompt_advice`). Few possibilities are all tried; of many, a search by single and
double changes keeps the best. Units: seconds, US dollars.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, overload

from coach.engine.accounting import Advice, Change, Figures
from coach.engine.graph_advice import advise_graph
from coach.engine.prompt_advice import LayoutPlan, advise_prompt

if TYPE_CHECKING:
    from coach.engine.graph import TaskGraph
    from coach.engine.prompt import Prompt
    from coach.engine.traffic import TrafficCall

__all__ = ["Advice", "Change", "Figures", "advise"]


@overload
def advise(subject: TaskGraph, /, **options: Any) -> Advice[TaskGraph]: ...
@overload
def advise(subject: Prompt, traffic: Sequence[TrafficCall], /, **options: Any) -> Advice[LayoutPlan]: ...
def advise(subject: Any, traffic: Sequence[TrafficCall] | None = None, /, **options: Any) -> Advice[Any]:
    """What to do about a graph, or about a prompt under its traffic.

    Options: those of `graph_advice.advise_graph` and of `prompt_advice.advise_prompt`;
    `value_of_second_usd` weighs time against money in both.
    """
    if traffic is None:
        advice: Advice[Any] = advise_graph(subject, **options)
        return advice
    return advise_prompt(subject, traffic, **options)
