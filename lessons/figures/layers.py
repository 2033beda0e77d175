"""The graph from left to right: a column for each step, links that bend round the boxes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from django.utils.safestring import SafeString

from lessons.figures.net import (
    LINE_HEIGHT,
    NODE_HEIGHT,
    WIDE,
    Arrows,
    Link,
    Net,
    draw_node,
    draw_rest,
    label_lines,
)
from lessons.figures.svg import Drawing

_COLUMNS_AT_MOST = 6
_ROWS_AT_MOST = 12
_WAYPOINTS_AT_MOST = 150
_GAP = 16.0
_WAYPOINT_HEIGHT = 12.0
_NODE_WIDTH = 158.0
_COLUMN_GAP = 36.0
_SWEEPS = 4
_EDGE = 2.0


@dataclass(frozen=True, slots=True)
class _Route:
    """A link and the places it passes: its source, a waypoint in each column between, its target."""

    link: Link
    stops: tuple[str, ...]


@dataclass(slots=True)
class _Columns:
    """Places (node names and waypoints) by column, in their order from the top."""

    columns: list[list[str]]
    routes: list[_Route]
    before: dict[str, list[str]] = field(default_factory=dict)
    after: dict[str, list[str]] = field(default_factory=dict)


def _levels(net: Net) -> dict[str, int]:
    """The column of each node: one more than the last of those it waits for."""
    levels: dict[str, int] = {}
    for name, node in net.nodes.items():
        waits = [*node.needs, *([node.decider] if node.decider else [])]
        levels[name] = max((levels[each] + 1 for each in waits if each in levels), default=0)
    return levels


def fits_layers(net: Net) -> bool:
    """Whether the columns are few and short enough to be read."""
    levels = _levels(net)
    heights = [0] * (max(levels.values(), default=0) + 1)
    for level in levels.values():
        heights[level] += 1
    waypoints = sum(levels[link.target] - levels[link.source] - 1 for link in net.links())
    return (
        len(heights) <= _COLUMNS_AT_MOST and max(heights) <= _ROWS_AT_MOST and waypoints <= _WAYPOINTS_AT_MOST
    )


def draw_layers(net: Net, *, width: float = WIDE, title: str, description: str) -> SafeString:
    """The drawing; call it only where `fits_layers` says yes."""
    placed = _columns(net)
    _untangle(placed)
    count = len(placed.columns)
    box = min(_NODE_WIDTH, (width - 14 - _COLUMN_GAP * (count - 1)) / count)
    most_lines = max((len(label_lines(node, width=box)) for node in net.nodes.values()), default=1)
    node_height = NODE_HEIGHT + (most_lines - 1) * LINE_HEIGHT
    heights = {
        place: node_height if place in net.nodes else _WAYPOINT_HEIGHT for c in placed.columns for place in c
    }
    tops, height = _tops(placed, heights)
    pitch = min(box + 110, (width - 14 - box) / (count - 1)) if count > 1 else 0.0
    pen = Drawing(width=width)
    arrows = Arrows(pen)
    level = {place: index for index, column in enumerate(placed.columns) for place in column}
    for route in placed.routes:
        points = [(_EDGE + level[stop] * pitch, tops[stop] + heights[stop] / 2) for stop in route.stops]
        arrows.draw(_curve(points, box), route.link.look)
    for name, node in net.nodes.items():
        draw_node(pen, node, x=_EDGE + level[name] * pitch, y=tops[name], width=box, height=node_height)
    height += draw_rest(pen, net, y=height)
    return pen.finished(height=height, title=title, description=description)


def _columns(net: Net) -> _Columns:
    levels = _levels(net)
    columns: list[list[str]] = [[] for _level in range(max(levels.values(), default=0) + 1)]
    for name, level in levels.items():
        columns[level].append(name)
    routes = []
    for number, link in enumerate(net.links()):
        # A NUL cannot stand in a task's name that came through a form, so waypoints never meet a task.
        between = [f"\0{number}:{level}" for level in range(levels[link.source] + 1, levels[link.target])]
        for level, waypoint in enumerate(between, start=levels[link.source] + 1):
            columns[level].append(waypoint)
        routes.append(_Route(link, (link.source, *between, link.target)))
    placed = _Columns(columns, routes)
    for route in routes:
        for left, right in pairwise(route.stops):
            placed.after.setdefault(left, []).append(right)
            placed.before.setdefault(right, []).append(left)
    return placed


def _untangle(placed: _Columns) -> None:
    """A few sweeps of the barycentre rule: each place moves to the mean height of its neighbours."""
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        neighbours = placed.before if forward else placed.after
        rank: dict[str, float] = {}
        for column in placed.columns if forward else reversed(placed.columns):
            own = {place: index / max(1, len(column) - 1) for index, place in enumerate(column)}
            column.sort(key=lambda place: _mean((rank[n] for n in neighbours.get(place, ())), own[place]))
            rank.update({place: index / max(1, len(column) - 1) for index, place in enumerate(column)})


def _mean(values: Iterable[float], default: float) -> float:
    known = list(values)
    return sum(known) / len(known) if known else default


def _tops(placed: _Columns, heights: dict[str, float]) -> tuple[dict[str, float], float]:
    """The top of each place, every column centred, and the height of the tallest."""
    columns = [sum(heights[place] + _GAP for place in column) - _GAP for column in placed.columns]
    tallest = max([*columns, NODE_HEIGHT])
    tops: dict[str, float] = {}
    for column, height in zip(placed.columns, columns, strict=True):
        y = 12 + (tallest - height) / 2
        for place in column:
            tops[place] = y
            y += heights[place] + _GAP
    return tops, tallest + 24


def _curve(points: Sequence[tuple[float, float]], box: float) -> str:
    """From the right side of the first box, level across the columns between, to the left of the last."""
    x, y = points[0][0] + box, points[0][1]
    d = f"M{x:.1f} {y:.1f}"
    for index, (left, middle) in enumerate(points[1:], start=1):
        half = (left - x) / 2
        d += f"C{x + half:.1f} {y:.1f} {left - half:.1f} {middle:.1f} {left:.1f} {middle:.1f}"
        x, y = left, middle
        if index < len(points) - 1:
            x = left + box
            d += f"H{x:.1f}"
    return d
