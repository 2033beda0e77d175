"""The dependency graph of a plan: who waits for whom, and the chain that sets the time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lessons.figures.base import Picture
from lessons.figures.discs import Numbers, findings_text
from lessons.figures.layers import draw_layers, fits_layers
from lessons.figures.net import NARROW, WIDE, Net, Node, draw_list
from lessons.figures.text import drawable, listed, seconds_text

if TYPE_CHECKING:
    from coach.engine.graph import Task, TaskGraph

_NODES_DRAWN = 60
_ROWS_LISTED = 300


def graph_drawing(graph: TaskGraph, *, title: str, markers: Mapping[str, Numbers] | None = None) -> Picture:
    """The graph from left to right, or as a list with arcs where that would be too small to read.

    Nodes carry `data-task` with the task's name, so that a script may make them clickable; they take no
    focus, for the form beside the drawing is what a keyboard uses. `markers` are finding numbers by task
    name. Draws at most 60 tasks and says how many more there are.
    """
    path = graph.critical_path()
    net = _net(graph, path.tasks, markers or {})
    sentence = _sentence(graph, path.tasks, path.seconds)
    wide = draw_layers if fits_layers(net) else draw_list
    return Picture(
        title=title,
        svg=wide(net, width=WIDE, title=title, description=sentence),
        svg_narrow=draw_list(net, width=NARROW, title=title, description=sentence),
        sentence=sentence,
        columns=(_("Task"), _("Waits for"), _("Takes"), _("Slack"), _("What it is")),
        rows=_table(graph, frozenset(path.tasks), markers or {}),
    )


def ring_drawing(
    tasks: Sequence[Task],
    ring: Sequence[str],
    *,
    title: str,
    markers: Mapping[str, Numbers] | None = None,
) -> Picture:
    """A plan that cannot run, as a list with arcs; the links of `ring`, each name's next its need, stand out.

    Limits and `markers` as for `graph_drawing`.
    """
    links = {(before, after) for after, before in pairwise([*ring, *ring[:1]])}
    marks, shown = markers or {}, tasks[:_NODES_DRAWN]
    nodes = {task.name: _node(task, marks.get(task.name, ()), critical=task.name in ring) for task in shown}
    net = Net(nodes=nodes, critical_links=links, left_out=len(tasks) - len(shown))
    labels = {task.name: drawable(task.label or task.name) for task in tasks}
    named = [labels[name] for name in [*ring, *ring[:1]]]
    path = " → ".join(named if len(named) <= 9 else [*named[:6], "…", *named[-2:]])
    sentence = _("A ring, in which each task waits for the next: %(path)s.") % {"path": path}
    return Picture(
        title=title,
        svg=draw_list(net, width=WIDE, title=title, description=sentence),
        svg_narrow=draw_list(net, width=NARROW, title=title, description=sentence),
        sentence=sentence,
        columns=(_("Task"), _("Waits for"), _("What it is")),
        rows=tuple(_ring_row(task, labels, ring, marks.get(task.name, ())) for task in tasks[:_ROWS_LISTED]),
    )


def _ring_row(
    task: Task, labels: Mapping[str, str], ring: Sequence[str], markers: Numbers
) -> tuple[str, str, str]:
    waits = listed([labels.get(need, drawable(need)) for need in task.needs[:20]]) or "–"
    said = [_("in the ring") if task.name in ring else "", findings_text(markers)]
    return (labels[task.name], waits, ", ".join(part for part in said if part))


def _net(graph: TaskGraph, path: tuple[str, ...], markers: Mapping[str, Numbers]) -> Net:
    names = graph.order[:_NODES_DRAWN]
    on_path = frozenset(path)
    nodes = {
        name: _node(graph.tasks[name], markers.get(name, ()), critical=name in on_path) for name in names
    }
    links = set(pairwise(path))
    return Net(nodes=nodes, critical_links=links, left_out=len(graph.tasks) - len(names))


def _node(task: Task, markers: Numbers, *, critical: bool) -> Node:
    decider = task.condition.decider if task.condition else None
    details = [seconds_text(task.duration.typical)]
    if task.condition:
        details.append(_("p = %(chance)s") % {"chance": f"{task.condition.probability:g}"})
    if task.blocking:
        details.append(_("blocking"))
    return Node(
        name=task.name,
        label=drawable(task.label or task.name),
        detail=" · ".join(details),
        needs=task.needs,
        decider=decider,
        critical=critical,
        speculative=task.speculative,
        markers=markers,
    )


def _sentence(graph: TaskGraph, path: tuple[str, ...], seconds: float) -> str:
    if not graph.tasks:
        return _("No tasks yet.")
    count = len(graph.tasks)
    free = [drawable(t.label or t.name) for t in graph.tasks.values() if not t.needs and not t.condition]
    said = ngettext("%(count)d task.", "%(count)d tasks.", count) % {"count": count}
    if len(free) <= 8:
        said += " " + _("Nothing has to come before %(tasks)s.") % {"tasks": listed(free)}
    chain = _(", then ").join(drawable(graph.tasks[name].label or name) for name in path[:12])
    ellipsis = "…" if len(path) > 12 else ""
    return f"{said} " + _("The critical path takes %(time)s: %(chain)s.") % {
        "time": seconds_text(seconds),
        "chain": chain + ellipsis,
    }


def _table(
    graph: TaskGraph, path: frozenset[str], markers: Mapping[str, Numbers]
) -> tuple[tuple[str, ...], ...]:
    slack = graph.slack()
    rows = [
        _table_row(
            graph, graph.tasks[name], slack.get(name, 0.0), markers.get(name, ()), critical=name in path
        )
        for name in graph.order[:_ROWS_LISTED]
    ]
    left_out = len(graph.tasks) - len(rows)
    if left_out:
        more = ngettext("and %(count)d more", "and %(count)d more", left_out) % {"count": left_out}
        rows.append((more, "", "", "", ""))
    return tuple(rows)


def _table_row(
    graph: TaskGraph, task: Task, slack: float, markers: Numbers, *, critical: bool
) -> tuple[str, ...]:
    waits = [drawable(graph.tasks[need].label or need) for need in task.needs[:20]]
    said = [
        _("on the critical path") if critical else "",
        _("needed with probability %(chance)s") % {"chance": f"{task.condition.probability:g}"}
        if task.condition
        else "",
        _("speculative") if task.speculative else "",
        _("blocking") if task.blocking else "",
        findings_text(markers),
    ]
    label = drawable(task.label or task.name)
    time = seconds_text(task.duration.typical)
    what = ", ".join(part for part in said if part)
    return (label, listed(waits) or "–", time, seconds_text(slack) if slack > 0 else "–", what)
