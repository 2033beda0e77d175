"""Calls of models that share a cold prefix: all at once, in a row, or one first, the rest once it answers.

Sent at once they all pay for writing the prefix and none reads it, because what a call writes can be read
only once its response has begun. So one goes first and writes, and the others start with its first output and
read: cheaper, and later by about one short time to the first token. Which is better hangs on the value of a
second; `prime` weighs the three for each shared prefix, on the whole graph, and rewrites it where that pays.
Units: seconds, tokens, US dollars.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations

from coach.engine.cache import PrefixCache
from coach.engine.call_simulation import Caches, looks_up, simulate_calls, with_call_times
from coach.engine.graph import TaskGraph, waits_for
from coach.engine.trace import Trace

AT_ONCE, IN_A_ROW, PRIMED = "at once", "in a row", "primed"

ROUNDING = 1e-9
"""Dollars that are only the rounding of sums."""

FEW = 5
"""Up to so many calls of one prefix are tried in every way."""

MOST_LEADERS = 8
"""So many members of a group are tried as the one that goes first: those with the longest way to the end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedPrefix:
    """Tasks that call the same model, do not wait for each other, and begin with the same `tokens`, which
    nobody has cached."""

    tasks: tuple[str, ...]
    tokens: int
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What the whole graph takes under one design. `burden_usd`: dollars, and seconds at their value."""

    design: str
    seconds: float
    cost_usd: float
    burden_usd: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PrimingChoice:
    """For one shared prefix: each design's estimate, the one chosen, who goes first, and why in words."""

    prefix: SharedPrefix
    estimates: Mapping[str, Estimate]
    chosen: str
    leader: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Priming:
    """The rewritten graph and a choice for each shared prefix; without any, the graph is the one given."""

    graph: TaskGraph
    choices: tuple[PrimingChoice, ...] = ()


def prime(
    graph: TaskGraph,
    *,
    value_of_second_usd: float,
    caches: Iterable[PrefixCache] = (),
    at_seconds: float = 0.0,
    needed: Mapping[str, bool] | None = None,
) -> Priming:
    """Choose for each cold prefix that calls share how they are sent, and rewrite the graph accordingly.

    `caches`: what is cached when the graph starts, at `at_seconds` on their clock. A warm prefix, one below
    the minimum, or a single call changes nothing. The reason is in the notes of the tasks concerned, and so
    in the trace.
    """
    bench = _Bench(value_of_second_usd, tuple(caches), at_seconds, needed)
    choices: list[PrimingChoice] = []
    planned: set[str] = set()
    for prefix in shared_prefixes(graph, caches=bench.caches, at_seconds=at_seconds):
        changed, choice = _choose(graph, prefix, bench)
        if choice.chosen != AT_ONCE or not planned.intersection(prefix.tasks):
            graph = changed
            choices.append(choice)
            planned.update(prefix.tasks)
    return Priming(graph, tuple(choices))


def shared_prefixes(
    graph: TaskGraph, *, caches: Iterable[PrefixCache] = (), at_seconds: float = 0.0
) -> tuple[SharedPrefix, ...]:
    """The cold prefixes that at least two calls of a graph share, those with most to gain first."""
    known = Caches(caches)
    found: dict[tuple[str, tuple[str, ...]], int] = {}
    for (model, _), members in _by_prefix(graph, known, at_seconds).items():
        tasks = tuple(name for name, _ in members)
        tokens = members[0][1]
        found[model, tasks] = max(found.get((model, tasks), 0), tokens)
    prefixes = [
        SharedPrefix(tasks=apart, tokens=tokens, model=model)
        for (model, tasks), tokens in found.items()
        if len(apart := _apart(graph, tasks)) > 1
    ]
    return tuple(sorted(prefixes, key=lambda p: -p.tokens * (len(p.tasks) - 1)))


def _by_prefix(
    graph: TaskGraph, caches: Caches, at_seconds: float
) -> dict[tuple[str, bytes], list[tuple[str, int]]]:
    """(model, key of a prefix that would be written) -> tasks that would write it, with its tokens."""
    writers: dict[tuple[str, bytes], list[tuple[str, int]]] = {}
    for task in graph:
        call = looks_up(task)
        if call is None:
            continue
        read = caches.peek(call, at_seconds).read
        laid, minimum = call.laid, call.price.rules.minimum_tokens
        for mark, _ in laid.marks:
            if laid.sums[mark] >= minimum and laid.sums[mark] > read:
                key = (call.price.model, laid.keys[mark])
                writers.setdefault(key, []).append((task.name, laid.sums[mark]))
    return {key: tasks for key, tasks in writers.items() if len(tasks) > 1}


def _apart(graph: TaskGraph, tasks: Sequence[str]) -> tuple[str, ...]:
    """Those of the tasks that wait for none of the others."""
    members = set(tasks)
    return tuple(name for name in tasks if not members & _all_before(graph, name))


def _all_before(graph: TaskGraph, name: str) -> set[str]:
    seen: set[str] = set()
    stack = list(waits_for(graph.tasks[name]))
    while stack:
        each = stack.pop()
        if each not in seen:
            seen.add(each)
            stack.extend(waits_for(graph.tasks[each]))
    return seen


@dataclass(frozen=True, slots=True)
class _Bench:
    """Where designs are tried."""

    value_of_second_usd: float
    caches: tuple[PrefixCache, ...]
    at_seconds: float
    needed: Mapping[str, bool] | None

    def trace(self, graph: TaskGraph) -> Trace:
        return simulate_calls(graph, caches=self.caches, at_seconds=self.at_seconds, needed=self.needed)

    def estimate(self, design: str, graph: TaskGraph) -> Estimate:
        trace = self.trace(graph)
        seconds, cost = trace.makespan, trace.cost_usd
        burden = seconds * self.value_of_second_usd + cost
        return Estimate(design=design, seconds=seconds, cost_usd=cost, burden_usd=burden)


def _choose(graph: TaskGraph, prefix: SharedPrefix, bench: _Bench) -> tuple[TaskGraph, PrimingChoice]:
    as_is = bench.estimate(AT_ONCE, graph)
    row = in_a_row(graph, prefix)
    options: list[_Option] = [(as_is, graph, None), (bench.estimate(IN_A_ROW, row), row, None)]
    options += _primings(graph, prefix, bench)
    best = min(options, key=_burden)
    worst_first = sorted(options, key=_burden, reverse=True)
    by_design = {estimate.design: estimate for estimate, _, _ in worst_first}
    estimates = {each: by_design[each] for each in (AT_ONCE, IN_A_ROW, PRIMED) if each in by_design}
    if best[0].burden_usd > as_is.burden_usd - ROUNDING:
        best = options[0]
    reason = _reason(prefix, estimates, best[0], best[2], bench.value_of_second_usd)
    choice = PrimingChoice(
        prefix=prefix, estimates=estimates, chosen=best[0].design, leader=best[2], reason=reason
    )
    return _noted(best[1], prefix, choice), choice


_Option = tuple[Estimate, TaskGraph, str | None]


def _burden(option: _Option) -> tuple[float, float]:
    """The least burden; among equals, the least time."""
    return round(option[0].burden_usd, 9), option[0].seconds


def _primings(graph: TaskGraph, prefix: SharedPrefix, bench: _Bench) -> Iterator[_Option]:
    """One goes first; some of the others, those with the longest way to the end, may be let go as well.

    Few tasks are tried in every way; of more, the best leader first, and then who waits for it.
    """
    designs = [(leader, primed_by(graph, prefix, leader)) for leader in _leaders(graph, prefix, bench)]
    primed = [(bench.estimate(PRIMED, each), each, leader) for leader, each in designs]
    if len(prefix.tasks) > FEW:
        primed = sorted(primed, key=_burden)[:1]
    for option in primed:
        yield option
        for names in _let_go(option[1], prefix, option[2]):
            freed = _freed(option[1], names, option[2])
            yield bench.estimate(PRIMED, freed), freed, option[2]


def _leaders(graph: TaskGraph, prefix: SharedPrefix, bench: _Bench) -> list[str]:
    """Who may go first: certain tasks before conditional ones, the longest way to the end first."""
    trace = bench.trace(graph)
    started = [name for name in prefix.tasks if name in trace and trace[name].end > trace[name].start]
    certain = [name for name in started if graph.tasks[name].condition is None]
    slack = with_call_times(graph).slack()
    ordered = sorted(certain or started, key=lambda name: (trace[name].start, slack[name]))
    return ordered[:MOST_LEADERS]


def _let_go(graph: TaskGraph, prefix: SharedPrefix, leader: str | None) -> Iterator[Sequence[str]]:
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
    before = _all_before(graph, leader)
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


def _freed(graph: TaskGraph, names: Sequence[str], leader: str | None) -> TaskGraph:
    tasks = [
        replace(task, after_output=tuple(each for each in task.after_output if each != leader))
        if task.name in names
        else task
        for task in graph
    ]
    return TaskGraph(tasks, graph.limits)


def _reason(
    prefix: SharedPrefix,
    estimates: Mapping[str, Estimate],
    chosen: Estimate,
    leader: str | None,
    value_of_second_usd: float,
) -> str:
    figures = "; ".join(f"{e.design} {e.seconds:.2f} s, ${e.cost_usd:.4f}" for e in estimates.values())
    how = {AT_ONCE: "sent at once", IN_A_ROW: "sent in a row"}.get(
        chosen.design, f"released by the first output of “{leader}”"
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
