"""Which calls of a graph share a prefix that nobody has cached.

Units: seconds, tokens.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from coach.engine.cache import PrefixCache
from coach.engine.call_simulation import looks_up
from coach.engine.expected import Caches
from coach.engine.graph import TaskGraph


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedPrefix:
    """Tasks that call the same model, do not wait for each other, and begin with the same `tokens`, which
    nobody has cached."""

    tasks: tuple[str, ...]
    tokens: int
    model: str


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
    """Those of the tasks that may begin before any of the others has run."""
    members = set(tasks)
    return tuple(name for name in tasks if not members & _run_before(graph, name))


def _run_before(graph: TaskGraph, name: str) -> set[str]:
    """All that has surely run when a task begins. A need with a condition may have been dropped: then only
    its decider has run. One that starts ahead does not wait for its own decider."""
    tasks, seen = graph.tasks, set[str]()

    def certain(each: str) -> str:
        while (condition := tasks[each].condition) is not None:
            each = condition.decider
        return each

    stack = [name]
    while stack:
        task = tasks[stack.pop()]
        before = [certain(need) for need in task.needs]
        before += [leader for leader in task.after_output if tasks[leader].condition is None]
        if task.condition is not None and not (task.name == name and task.speculative):
            before.append(task.condition.decider)
        fresh = set(before) - seen
        seen |= fresh
        stack.extend(fresh)
    return seen
