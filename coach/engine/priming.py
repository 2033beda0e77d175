"""Calls of models that share a cold prefix: all at once, in a row, or one first, the rest once it answers.

Sent at once they all pay for writing the prefix and none reads it, because what a call writes can be read
only once its response has begun. So one goes first and writes, and the others start with its first output and
read: cheaper, and later by about one short time to the first token. Which is better hangs on the value of a
second; `prime` weighs the three for each shared prefix, on the whole graph and over all that may turn out to
be needed, and rewrites it where that pays. Units: seconds, tokens, US dollars.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations
from typing import NamedTuple

from coach.engine.accounting import ROUNDING, Figures
from coach.engine.cache import PrefixCache
from coach.engine.call_simulation import simulate_calls, with_call_times
from coach.engine.graph import TaskGraph
from coach.engine.prefixes import SharedPrefix, shared_prefixes
from coach.engine.weighing import Weigher

AT_ONCE, IN_A_ROW, PRIMED = "at once", "in a row", "primed"

FEW = 5
"""Up to so many calls of one prefix are tried in every way."""

MOST_LEADERS = 8
"""So many members of a group are tried as the one that goes first: those with the longest way to the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrimingChoice:
    """For one shared prefix: what the whole graph takes by each design, the one chosen, who goes first, and
    why in words."""

    prefix: SharedPrefix
    estimates: Mapping[str, Figures]
    chosen: str
    leader: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Priming:
    """The rewritten graph and a choice for each shared prefix; without any, the graph is the one given.
    `designs`: how many were weighed."""

    graph: TaskGraph
    choices: tuple[PrimingChoice, ...] = ()
    designs: int = 0

    @property
    def changed(self) -> bool:
        """Whether any calls are to be sent otherwise than at once."""
        return any(choice.chosen != AT_ONCE for choice in self.choices)


def prime(
    graph: TaskGraph,
    *,
    value_of_second_usd: float,
    first_output_share: float = 0.0,
    caches: Iterable[PrefixCache] = (),
    at_seconds: float = 0.0,
) -> Priming:
    """Choose for each cold prefix that calls share how they are sent, and rewrite the graph accordingly.

    `first_output_share`: see `weighing.Weigher`. `caches`: what is cached when the graph starts, at
    `at_seconds` on their clock. A warm prefix, one below the minimum, or a single call changes nothing. The
    reason is in the notes of the tasks concerned, and so in the trace.
    """
    return primed(graph, Weigher(value_of_second_usd, first_output_share, tuple(caches), at_seconds))


def primed(graph: TaskGraph, weigher: Weigher) -> Priming:
    """The same by a weigher that is there."""
    choices: list[PrimingChoice] = []
    planned: set[str] = set()
    designs = 0
    for prefix in shared_prefixes(graph, caches=weigher.caches, at_seconds=weigher.at_seconds):
        options = list(_options(graph, prefix, weigher))
        designs += len(options)
        best = _best(options)
        if best.design != AT_ONCE or not planned.intersection(prefix.tasks):
            choice = _choice(prefix, options, best, weigher)
            graph = _noted(best.graph, prefix, choice)
            choices.append(choice)
            planned.update(prefix.tasks)
    return Priming(graph, tuple(choices), designs)


class _Option(NamedTuple):
    """A way to send the calls of a prefix, and what the whole graph takes then."""

    design: str
    leader: str | None
    graph: TaskGraph
    figures: Figures

    @property
    def burden(self) -> tuple[float, float]:
        """The least burden; among equals, the least time."""
        return round(self.figures.burden_usd, 9), self.figures.seconds


def _options(graph: TaskGraph, prefix: SharedPrefix, weigher: Weigher) -> Iterator[_Option]:
    """As it is comes first."""
    row = in_a_row(graph, prefix)
    yield _Option(AT_ONCE, None, graph, weigher.figures(graph))
    yield _Option(IN_A_ROW, None, row, weigher.figures(row))
    yield from _primings(graph, prefix, weigher)


def _best(options: Sequence[_Option]) -> _Option:
    """The best, unless it is no better than leaving it as it is."""
    best = min(options, key=lambda option: option.burden)
    return best if best.figures.burden_usd <= options[0].figures.burden_usd - ROUNDING else options[0]


def _choice(
    prefix: SharedPrefix, options: Sequence[_Option], best: _Option, weigher: Weigher
) -> PrimingChoice:
    worst_first = sorted(options, key=lambda option: option.burden, reverse=True)
    by_design = {option.design: option.figures for option in worst_first}
    estimates = {each: by_design[each] for each in (AT_ONCE, IN_A_ROW, PRIMED) if each in by_design}
    reason = _reason(prefix, estimates, best, weigher.value_of_second_usd)
    return PrimingChoice(
        prefix=prefix, estimates=estimates, chosen=best.design, leader=best.leader, reason=reason
    )


def _primings(graph: TaskGraph, prefix: SharedPrefix, weigher: Weigher) -> Iterator[_Option]:
    """One goes first; some of the others, those with the longest way to the end, may be let go as well.

    Few tasks are tried in every way; of more, the best leader first, and then who waits for it.
    """

    def option(leader: str, design: TaskGraph) -> _Option:
        return _Option(PRIMED, leader, design, weigher.figures(design))

    led = [option(leader, primed_by(graph, prefix, leader)) for leader in _leaders(graph, prefix, weigher)]
    yield from led
    for each in led if len(prefix.tasks) <= FEW else [min(led, key=lambda option: option.burden)]:
        assert each.leader is not None  # noqa: S101  # that is what makes it a priming
        for names in _let_go(each.graph, prefix, each.leader):
            yield option(each.leader, _freed(each.graph, names, each.leader))


def _leaders(graph: TaskGraph, prefix: SharedPrefix, weigher: Weigher) -> list[str]:
    """Who may go first: certain tasks before conditional ones, the longest way to the end first."""
    needed = {task.name: True for task in graph if task.condition is not None}
    trace = simulate_calls(graph, caches=weigher.caches, at_seconds=weigher.at_seconds, needed=needed)
    slack = with_call_times(graph).slack(needed=needed)

    def order(name: str) -> tuple[bool, float, float]:
        return name in needed, trace[name].start, slack[name]

    return sorted(prefix.tasks, key=order)[:MOST_LEADERS]


def _let_go(graph: TaskGraph, prefix: SharedPrefix, leader: str) -> Iterator[Sequence[str]]:
    """Sets of followers that do not wait, because paying the write may beat waiting for them."""
    slack = with_call_times(graph).slack()
    waiting = [name for name in prefix.tasks if leader in graph.tasks[name].after_output]
    waiting.sort(key=slack.__getitem__)
    if len(waiting) < FEW:
        yield from chain.from_iterable(combinations(waiting, count) for count in range(1, len(waiting)))
    else:
        yield from (waiting[:count] for count in _counts(len(waiting)))


def _counts(size: int) -> Iterable[int]:
    """How many of `size` are tried: each number, of many only doubling ones."""
    return range(1, size) if size <= 2 * MOST_LEADERS else [2**k for k in range(size.bit_length() - 1)]


def primed_by(graph: TaskGraph, prefix: SharedPrefix, leader: str) -> TaskGraph:
    """The graph in which the others of the prefix start once the leader's output has begun."""
    before = graph.ancestors(leader)
    followers = {name for name in prefix.tasks if name != leader and name not in before}
    return _released_after(graph, followers, leader)


def in_a_row(graph: TaskGraph, prefix: SharedPrefix) -> TaskGraph:
    """The graph in which the prefix's tasks run one at a time: they share a resource of one unit."""
    resource = f"prefix of {prefix.tasks[0]}"
    tasks = [
        replace(task, uses=(*task.uses, resource)) if task.name in prefix.tasks else task for task in graph
    ]
    return TaskGraph(tasks, {**graph.limits, resource: 1})


def _released_after(graph: TaskGraph, followers: Iterable[str], leader: str) -> TaskGraph:
    chosen = set(followers)
    tasks = [
        replace(task, after_output=(*task.after_output, leader)) if task.name in chosen else task
        for task in graph
    ]
    return TaskGraph(tasks, graph.limits)


def _freed(graph: TaskGraph, names: Sequence[str], leader: str) -> TaskGraph:
    tasks = [
        replace(task, after_output=tuple(each for each in task.after_output if each != leader))
        if task.name in names
        else task
        for task in graph
    ]
    return TaskGraph(tasks, graph.limits)


def _reason(
    prefix: SharedPrefix, estimates: Mapping[str, Figures], best: _Option, value_of_second_usd: float
) -> str:
    figures = "; ".join(f"{name} {e.seconds:.2f} s, ${e.cost_usd:.4f}" for name, e in estimates.items())
    how = {AT_ONCE: "sent at once", IN_A_ROW: "sent in a row"}.get(
        best.design, f"released by the first output of “{best.leader}”"
    )
    return (
        f"{len(prefix.tasks)} calls share {prefix.tokens:,} cold tokens and are {how}: {figures}, "
        f"a second being worth ${value_of_second_usd:g}."
    )


def _noted(after: TaskGraph, prefix: SharedPrefix, choice: PrimingChoice) -> TaskGraph:
    """The graph with the reason on the tasks of the prefix."""
    tasks = [
        replace(task, note=" ".join(filter(None, (task.note, choice.reason))))
        if task.name in prefix.tasks
        else task
        for task in after
    ]
    return TaskGraph(tasks, after.limits)
