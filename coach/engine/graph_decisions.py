"""What there is to decide about a task graph: one decision for each thing that can be done or left.

Decisions do not hang on each other: each edits the tasks, by name, whatever the others did before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from coach.engine.errors import GraphError
from coach.engine.graph import Task, TaskGraph
from coach.engine.priming import Priming
from coach.engine.summaries import Summary, add_summary

Tasks = dict[str, Task]


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another way to do a task that is just as good: the same name and the same result. `says`: in words."""

    task: Task
    says: str


@dataclass(frozen=True, slots=True)
class Option:
    """A change of the tasks by name."""

    code: str
    about: tuple[str, ...]
    sentence: str
    edit: Callable[[Tasks], None]


@dataclass(frozen=True, slots=True)
class Decision:
    """Things of which at most one is done; exactly one where leaving it as it is would be wrong."""

    options: tuple[Option, ...]
    forced: bool = False


def decisions_about(
    graph: TaskGraph,
    reads: Mapping[str, Sequence[str]],
    alternatives: Iterable[Alternative],
    summaries: Iterable[Summary],
) -> list[Decision]:
    """In the order in which they are made on the tasks."""
    return [
        *_ways(graph, alternatives),
        *(_needs(graph, name, tuple(read)) for name, read in reads.items() if _differs(graph, name, read)),
        *(Decision((_summarising(summary),)) for summary in summaries),
        *(Decision((_ahead(task),)) for task in graph if task.condition is not None and _may_go_ahead(task)),
    ]


def _ways(graph: TaskGraph, alternatives: Iterable[Alternative]) -> Iterator[Decision]:
    by_task: dict[str, list[Option]] = {}
    for each in alternatives:
        if each.task.name not in graph.tasks:
            raise GraphError(f"There is no task {each.task.name!r} to do another way", (each.task.name,))
        option = Option("another-way", (each.task.name,), each.says, _putting(each.task))
        by_task.setdefault(each.task.name, []).append(option)
    for options in by_task.values():
        yield Decision(tuple(options))


def _putting(task: Task) -> Callable[[Tasks], None]:
    def edit(tasks: Tasks) -> None:
        tasks[task.name] = task

    return edit


def _differs(graph: TaskGraph, name: str, read: Sequence[str]) -> bool:
    return set(graph.tasks[name].needs) != set(read)


def _needs(graph: TaskGraph, name: str, read: tuple[str, ...]) -> Decision:
    """Exactly what it reads: a must where it lacks something."""
    needless = [need for need in graph.tasks[name].needs if need not in read]
    missing = [need for need in read if need not in graph.tasks[name].needs]

    def edit(tasks: Tasks) -> None:
        tasks[name] = replace(tasks[name], needs=read)

    said = [f"“{name}” reads {_list(missing)}: let it wait for that."] if missing else []
    said += [f"“{name}” does not read {_list(needless)}: let it start without."] if needless else []
    code = "missing-need" if missing else "needless-need"
    return Decision((Option(code, (name, *missing, *needless), " ".join(said), edit),), forced=bool(missing))


def _list(names: Sequence[str]) -> str:
    return ", ".join(f"“{name}”" for name in names)


def _summarising(summary: Summary) -> Option:
    sentence = (
        f"Summarise “{summary.branch}” before “{summary.join}”: {summary.tokens:,} tokens become "
        f"{summary.summary_tokens:,}."
    )
    about = (summary.join, summary.branch)
    return Option("summarise", about, sentence, lambda tasks: add_summary(tasks, summary))


def _may_go_ahead(task: Task) -> bool:
    return task.effects == "pure" or (task.effects == "staged" and task.commit is not None)


def _ahead(task: Task) -> Option:
    """The other way round than it is now."""
    assert task.condition is not None  # noqa: S101  # asked for conditional tasks only
    decider, chance = task.condition.decider, f"{100 * task.condition.probability:.0f} %"

    def edit(tasks: Tasks) -> None:
        tasks[task.name] = replace(tasks[task.name], speculative=not task.speculative)

    if task.speculative:
        sentence = (
            f"Start “{task.name}” only once “{decider}” has ended: it is needed in {chance} of all cases."
        )
        return Option("wait-for-decider", (task.name,), sentence, edit)
    sentence = f"Start “{task.name}” beside “{decider}”: it is needed in {chance} of all cases."
    return Option("start-ahead", (task.name,), sentence, edit)


def sending(before: TaskGraph, priming: Priming) -> Decision:
    """To send calls that share a cold prefix as `priming` does: what it added to the tasks of `before`."""
    added = {
        task.name: (_added(was.after_output, task.after_output), _added(was.uses, task.uses), task.note)
        for task in priming.graph
        if (was := before.tasks[task.name]) != task
    }

    def edit(tasks: Tasks) -> None:
        for name, (leaders, resources, note) in added.items():
            if task := tasks.get(name):
                after_output, uses = (*task.after_output, *leaders), (*task.uses, *resources)
                tasks[name] = replace(task, after_output=after_output, uses=uses, note=note)

    sentence = " ".join(choice.reason for choice in priming.choices)
    return Decision((Option("prime", tuple(added), sentence, edit),))


def _added(before: tuple[str, ...], after: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(each for each in after if each not in before)
