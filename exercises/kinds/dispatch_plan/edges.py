"""Findings about who waits for whom: missing and needless dependencies, rings, the blocked event loop."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from django.utils.translation import gettext as _

from coach.engine.simulation import simulate
from exercises.kinds.base import Finding
from exercises.kinds.dispatch_plan.answer import PlanAnswer, ring_of
from exercises.kinds.dispatch_plan.design import Run, graph_of, looped_graph
from exercises.kinds.dispatch_plan.spec import PlanSpec
from lessons.figures.text import seconds_text

GRAPHS = "parallel-execution#dependency-graph"
BLOCKING = "parallel-execution#blocking-calls"
MOST_NAMED = 40
"""Arrows of one kind that are named; a plan with more of them is to be drawn anew, not corrected."""
Links = dict[str, tuple[str, ...]]


def reachable(waits: Links, name: str, *, but_through: Collection[str] = ()) -> set[str]:
    """All that it waits for, directly or through others that are not in `but_through`; rings do no harm."""
    seen: set[str] = set()
    stack = list(waits.get(name, ()))
    while stack:
        each = stack.pop()
        if each not in seen:
            seen.add(each)
            stack.extend(waits.get(each, ()) if each not in but_through else ())
    return seen


def missing_edges(spec: PlanSpec, answer: PlanAnswer) -> list[tuple[str, str]]:
    """(producer, reader) where nothing in the plan makes the reader wait for the producer.

    Waiting through a task that may be dropped is no guarantee: once it is dropped, it holds nobody up.
    """
    waits = _effective_waits(spec, answer)
    uncertain = {task.name for task in spec.conditional}
    sure = {name: reachable(waits, name, but_through=uncertain) for name in spec.names}
    return [
        (before, after)
        for after, reads in spec.reads.items()
        for before in reads
        if before not in sure[after]
    ]


def _effective_waits(spec: PlanSpec, answer: PlanAnswer) -> Links:
    """The plan's own arrows, and the decider of each conditional task that does not start ahead."""
    waits = {name: answer.waits_of(name) for name in spec.names}
    for task in spec.conditional:
        if task.decider is not None and task.name not in answer.ahead:
            waits[task.name] = (*waits[task.name], task.decider)
    return waits


def needless_edges(spec: PlanSpec, answer: PlanAnswer) -> list[tuple[str, str]]:
    """(waited for, waiting) where nothing is read, not even through others.

    Waiting for one's decider is no fault, unless the task is meant to start ahead of it.
    """
    waits = _true_waits(spec, answer)
    allowed = {name: reachable(waits, name) for name in spec.names}
    ring = set(ring_of(_effective_waits(spec, answer)))
    return [
        (before, after)
        for before, after in answer.edges
        if before not in allowed[after] and not {before, after} <= ring
    ]


def _true_waits(spec: PlanSpec, answer: PlanAnswer) -> Links:
    waits = dict(spec.reads)
    for task in spec.conditional:
        if task.decider is not None and task.name not in answer.ahead:
            waits[task.name] = (*waits[task.name], task.decider)
    return waits


def ring_in(spec: PlanSpec, answer: PlanAnswer) -> tuple[str, ...]:
    """Tasks that wait for each other, deciders included; () where the plan can run."""
    waits = _effective_waits(spec, answer)
    for task in spec.conditional:
        if task.decider is not None:
            waits[task.name] = (*waits[task.name], task.decider)
    return ring_of(waits)


def missing_findings(spec: PlanSpec, answer: PlanAnswer, run: Run | None) -> Iterator[Finding]:
    """missing-dependency: a value is read that does not exist."""
    labels = spec.labels
    for before, after in missing_edges(spec, answer)[:MOST_NAMED]:
        yield Finding(
            code="missing-dependency",
            place=f"edge:{before}>{after}",
            place_label=labels[after],
            severity="wrong",
            message=_missing_message(labels[after], before, after, run),
            fix=_("“%(after)s” reads the result of “%(before)s” and must wait for it: add that arrow.")
            % {"after": labels[after], "before": labels[before]},
            fix_terms=(
                (labels[before].lower(), before),
                (labels[after].lower(), after),
                ("wait", "arrow", "depend", "after", "first", "need"),
            ),
            passage=GRAPHS,
            evidence=_missing_evidence(before, after, run),
        )


def _missing_evidence(before: str, after: str, run: Run | None) -> dict[str, float | str]:
    if run is None:
        return {"reader": after}
    return {"reader": after, "starts_s": run.trace[after].start, "value_at_s": run.trace[before].end}


def _missing_message(label: str, before: str, after: str, run: Run | None) -> str:
    if run is None:
        return _("“%(task)s” would read a value that nothing in the plan makes sure of: a wrong answer.") % {
            "task": label
        }
    times = {
        "task": label,
        "start": seconds_text(run.trace[after].start),
        "there": seconds_text(run.trace[before].end),
    }
    if run.trace[after].start < run.trace[before].end:
        return (
            _(
                "“%(task)s” starts at %(start)s. A value that it reads is there only at %(there)s: it "
                "would read "
                "a value that does not exist, and the answer would be wrong."
            )
            % times
        )
    return (
        _(
            "“%(task)s” starts at %(start)s, and a value that it reads happened to be there at %(there)s "
            "in this "
            "run. Nothing in the plan makes sure of that: on a slower day it would read a value that "
            "does not "
            "exist, and the answer would be wrong."
        )
        % times
    )


def needless_findings(spec: PlanSpec, answer: PlanAnswer, run: Run | None) -> Iterator[Finding]:
    """needless-dependency: two things in a row that could run side by side."""
    labels = spec.labels
    for before, after in needless_edges(spec, answer)[:MOST_NAMED]:
        names = {"before": labels[before], "after": labels[after]}
        later = _delay(spec, answer, before, after, run)
        yield Finding(
            code="needless-dependency",
            place=f"edge:{before}>{after}",
            place_label=_("%(before)s → %(after)s") % names,
            severity="slow",
            message=_needless_message(spec, answer, before, after, later),
            fix=_("Nothing is read across “%(before)s → %(after)s”: remove that arrow.") % names,
            fix_terms=(
                (labels[before].lower(), before),
                (labels[after].lower(), after),
                ("remove", "delete", "drop", "take away", "without", "untick", "not wait"),
            ),
            passage=GRAPHS,
            evidence={"before": before, "after": after, "later_s": later},
        )


def _delay(spec: PlanSpec, answer: PlanAnswer, before: str, after: str, run: Run | None) -> float:
    """How much later the one starts because it waits for the other."""
    if run is None:
        return 0.0
    waits = {**answer.waits, after: tuple(each for each in answer.waits_of(after) if each != before)}
    without = simulate(graph_of(spec, answer.model_copy(update={"waits": waits})))
    return max(0.0, run.trace[after].start - without[after].start)


def _needless_message(spec: PlanSpec, answer: PlanAnswer, before: str, after: str, later: float) -> str:
    words = {"before": spec.labels[before], "after": spec.labels[after], "later": seconds_text(later)}
    if after in answer.ahead and spec.by_name[after].decider == before:
        return (
            _("“%(after)s” is meant to start before “%(before)s” has decided, and yet it waits for it.")
            % words
        )
    if not later:
        return _("“%(after)s” waits for “%(before)s” and takes nothing from it.") % words
    return (
        _("“%(after)s” waits for “%(before)s”, takes nothing from it, and starts %(later)s later for that.")
        % words
    )


def ring_findings(spec: PlanSpec, answer: PlanAnswer) -> Iterator[Finding]:
    """cycle: none of these can ever begin."""
    ring = ring_in(spec, answer)
    if not ring:
        return
    labels = spec.labels
    after, before = _false_link(spec, ring)
    names = {"before": labels[before], "after": labels[after]}
    shown = [labels[name] for name in (*ring, ring[0])]
    path = " → ".join(shown if len(shown) <= 9 else [*shown[:6], "…", *shown[-2:]])
    yield Finding(
        code="cycle",
        place=f"edge:{before}>{after}",
        place_label=_("%(before)s → %(after)s") % names,
        severity="wrong",
        message=_(
            "These tasks wait for each other in a ring, each for the next: %(path)s. None of them can "
            "begin, and "
            "the plan never ends."
        )
        % {"path": path},
        fix=_("Nothing is read across “%(before)s → %(after)s”: remove that arrow, and the ring opens.")
        % names,
        fix_terms=(
            (labels[before].lower(), before),
            (labels[after].lower(), after),
            ("remove", "delete", "drop", "take away", "untick", "not wait"),
        ),
        passage=GRAPHS,
        evidence={"ring": " > ".join(ring), "tasks": float(len(ring))},
    )


def _false_link(spec: PlanSpec, ring: tuple[str, ...]) -> tuple[str, str]:
    """(waiting, waited for): the first link of the ring across which nothing is read."""
    links = list(zip(ring, (*ring[1:], ring[0]), strict=True))
    return next((link for link in links if link[1] not in reachable(spec.reads, link[0])), links[0])


def loop_findings(spec: PlanSpec, answer: PlanAnswer, run: Run | None) -> Iterator[Finding]:
    """blocking-on-loop: everything stands still while the call lasts."""
    for task in spec.blocking:
        if task.name in answer.pool:
            continue
        lost = _lost_to(spec, answer, task.name, run)
        yield Finding(
            code="blocking-on-loop",
            place=f"task:{task.name}",
            place_label=task.label,
            severity="slow",
            message=_loop_message(task.label, task.p50_seconds, lost),
            fix=_("Run “%(task)s” in the thread pool.") % {"task": task.label},
            fix_terms=((task.label.lower(), task.name), ("thread", "pool", "executor")),
            passage=BLOCKING,
            evidence={"task": task.name, "blocked_s": task.p50_seconds, "lost_s": lost},
        )


def _loop_message(label: str, blocked: float, lost: float) -> str:
    words = {"task": label, "blocked": seconds_text(blocked), "lost": seconds_text(lost)}
    if not lost:
        return _("“%(task)s” holds the event loop for %(blocked)s; nothing else can start meanwhile.") % words
    return (
        _(
            "“%(task)s” holds the event loop for %(blocked)s; nothing else can start meanwhile, and the "
            "whole plan ends "
            "%(lost)s later for it."
        )
        % words
    )


def _lost_to(spec: PlanSpec, answer: PlanAnswer, name: str, run: Run | None) -> float:
    if run is None:
        return 0.0
    freed = answer.model_copy(update={"pool": (*answer.pool, name)})
    return max(0.0, run.trace.makespan - simulate(looped_graph(spec, freed)).makespan)
