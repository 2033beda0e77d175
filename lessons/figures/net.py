"""Nodes and links ready to draw, and the drawing that always fits: a list with arcs at its side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass

from django.utils.safestring import SafeString
from django.utils.translation import ngettext

from lessons.figures.discs import PITCH, Numbers, discs_of, findings_text
from lessons.figures.svg import Drawing
from lessons.figures.text import fitted, wrapped

WIDE, NARROW = 832.0, 320.0
NODE_HEIGHT = 46.0
LINE_HEIGHT = 17.0
_LABEL = 13.5
_ROW = 58.0
_TOP = 12.0
_LINKS_DRAWN = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A task as a box: a label, a line of details, the names it waits for."""

    name: str
    label: str
    detail: str
    needs: tuple[str, ...]
    decider: str | None
    critical: bool
    speculative: bool
    markers: Numbers


@dataclass(frozen=True, slots=True)
class Link:
    source: str
    target: str
    look: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Net:
    """Nodes in an order in which each stands after all it waits for."""

    nodes: Mapping[str, Node]
    critical_links: Set[tuple[str, str]]
    left_out: int

    def links(self) -> list[Link]:
        """The links between drawn nodes, critical ones last so that they lie on top; at most 600."""
        found = list(self._links())[:_LINKS_DRAWN]
        return sorted(found, key=lambda link: link.look == "critical")

    def _links(self) -> Iterator[Link]:
        for node in self.nodes.values():
            for need in node.needs:
                if need in self.nodes:
                    yield Link(need, node.name, self._look(need, node.name, "plain"))
            if node.decider in self.nodes and node.decider is not None and node.decider not in node.needs:
                yield Link(node.decider, node.name, self._look(node.decider, node.name, "condition"))

    def _look(self, source: str, target: str, otherwise: str) -> str:
        return "critical" if (source, target) in self.critical_links else otherwise


class Arrows:
    """The arrowheads of one drawing, each made when it is first used."""

    def __init__(self, pen: Drawing) -> None:
        self._pen = pen
        self._made: dict[str, str] = {}

    def draw(self, d: str, look: str) -> None:
        if look not in self._made:
            self._made[look] = self._pen.arrowhead(look)
        self._pen.edge(d, f"edge {look}", arrow=self._made[look])


def label_lines(node: Node, *, width: float) -> list[str]:
    """The label as it stands in a box of that width."""
    return wrapped(node.label, width=width - 16, size=_LABEL, bold=node.critical)


def draw_node(pen: Drawing, node: Node, *, x: float, y: float, width: float, height: float) -> None:
    """The box with its label and its line of details; x and y are its top left corner."""
    looks = ["node", *(["critical"] if node.critical else []), *(["speculative"] if node.speculative else [])]
    said = ", ".join(part for part in (node.detail, findings_text(node.markers)) if part)
    pen.open_group(" ".join(looks), tip=f"{node.label}: {said}", task=node.name)
    pen.rect(x, y, width, height, "box", radius=4)
    lines = label_lines(node, width=width)
    baseline = y + (height - NODE_HEIGHT - (len(lines) - 1) * LINE_HEIGHT) / 2 + 19
    for line in lines:
        pen.text(x + 9, baseline, line, "label")
        baseline += LINE_HEIGHT
    pen.text(x + 9, baseline, fitted(node.detail, width=width - 14, size=12.5), "detail")
    # On the upper edge, from the right corner to the left, clear of the label.
    discs = discs_of(node.markers, room=width)
    pen.discs(x + width - 2 - PITCH * (len(discs) - 1), y, discs)
    pen.close_group()


def draw_rest(pen: Drawing, net: Net, *, y: float) -> float:
    """Says how many tasks are not drawn; gives the height that took."""
    if not net.left_out:
        return 0.0
    more = ngettext("and %(count)d more task", "and %(count)d more tasks", net.left_out)
    pen.text(0, y + 18, more % {"count": net.left_out}, "more")
    return 26.0


def draw_list(net: Net, *, width: float, title: str, description: str) -> SafeString:
    """Boxes under each other in order, arcs in the margin from each task to those that wait for it."""
    pen = Drawing(width=width)
    margin = 56.0
    rows = {name: _TOP + index * _ROW for index, name in enumerate(net.nodes)}
    arrows = Arrows(pen)
    for link in net.links():
        source, target = rows[link.source] + NODE_HEIGHT / 2 + 5, rows[link.target] + NODE_HEIGHT / 2 - 5
        bend = margin - min(72.0, 8 + abs(target - source) / _ROW * 11)
        away, back = f"{bend:.1f} {source:.1f}", f"{bend:.1f} {target:.1f}"
        arrows.draw(f"M{margin} {source:.1f}C{away} {back} {margin} {target:.1f}", link.look)
    for name, node in net.nodes.items():
        draw_node(pen, node, x=margin, y=rows[name], width=min(width - margin - 12, 420), height=NODE_HEIGHT)
    height = _TOP + len(rows) * _ROW
    height += draw_rest(pen, net, y=height)
    return pen.finished(height=height, title=title, description=description)
