"""Traces and markup readers for the tests of the pictures."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from coach.engine.graph import Condition, Fixed, Task, TaskGraph
from coach.engine.simulation import simulate
from coach.engine.trace import Span, Trace
from lessons.figures.base import Picture

SVG = "{http://www.w3.org/2000/svg}"


def travel_graph() -> TaskGraph:
    return TaskGraph(
        [
            Task("flights", duration=Fixed(0.8), label="Search flights"),
            Task("hotels", duration=Fixed(0.6)),
            Task("tier", duration=Fixed(0.12), blocking=True),
            Task("seats", ("flights", "tier"), duration=Fixed(0.5)),
            Task(
                "lounge",
                duration=Fixed(0.5),
                condition=Condition("tier", 0.7),
                speculative=True,
                effects="pure",
            ),
            Task("compose", ("seats", "hotels", "lounge"), duration=Fixed(1.2)),
        ]
    )


def travel_trace(*, lounge: bool = True) -> Trace:
    return simulate(travel_graph(), needed={"lounge": lounge})


def chain_of(count: int) -> TaskGraph:
    names = [f"task {number}" for number in range(count)]
    return TaskGraph(
        [
            Task(name, (names[number - 1],) if number else (), duration=Fixed(0.1))
            for number, name in enumerate(names)
        ]
    )


def trace_of(*names: str) -> Trace:
    return Trace(tuple(Span(name=name, start=0.0, end=1.0) for name in names))


def parsed(svg: str) -> ET.Element:
    """The drawing as a tree; fails where it is not well-formed."""
    return ET.fromstring(svg)  # noqa: S314  # our own markup


def both(picture: Picture) -> list[ET.Element]:
    return [parsed(picture.svg), parsed(picture.svg_narrow)]


def with_class(root: ET.Element, css: str) -> list[ET.Element]:
    return [element for element in root.iter() if css in element.get("class", "").split()]


def texts(root: ET.Element) -> list[str]:
    return ["".join(element.itertext()) for element in root.iter(f"{SVG}text")]


def inside(root: ET.Element) -> bool:
    """Whether all bars and labels begin within the drawing."""
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    marks = [mark for mark in root.iter() if mark.tag in {f"{SVG}text", f"{SVG}rect"} and mark.get("x")]
    return all(
        -0.1 <= float(m.get("x", 0)) <= width + 0.1 and -0.1 <= float(m.get("y", 0)) <= height for m in marks
    )
