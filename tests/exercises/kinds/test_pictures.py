"""Every finding of the shipped wrong answers has its number in the pictures, wide and narrow."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from exercises.kinds import kind_named
from exercises.kinds.base import Finding, markers, markers_by
from lessons.figures.base import Picture

FOLDER = Path("fixtures/agent-latency/exercises")
NUMBER = re.compile(r'class="marker-number"[^>]*>([^<]*)<')


def shipped() -> Iterator[Any]:
    for path in sorted(FOLDER.glob("*.spec.yaml")):
        slug = path.name.removesuffix(".spec.yaml")
        kind = kind_named(yaml.safe_load((FOLDER / f"{slug}.yaml").read_text())["kind"])
        data = yaml.safe_load(path.read_text())
        spec = kind.Spec.model_validate(data["spec"])
        yield pytest.param(kind, spec, kind.starting_answer(spec), id=f"{slug} as found")
        for wrong in data["wrong_answers"]:
            answer = kind.Answer.model_validate(wrong["answer"])
            yield pytest.param(kind, spec, answer, id=f"{slug} {wrong['name']}")


def numbers_in(pictures: Sequence[Picture], drawing: str) -> set[str]:
    """The discs of all pictures; of a picture that is a table only, the cells of its findings.

    A disc that says how many more there are counts for none of them.
    """
    found: set[str] = set()
    for picture in pictures:
        found |= {said for said in NUMBER.findall(getattr(picture, drawing)) if not said.startswith("+")}
        if not picture.svg and "Finding" in picture.columns:
            column = picture.columns.index("Finding")
            found |= {number for row in picture.rows for number in row[column].split(", ") if number}
    return found


def numbers_said(pictures: Sequence[Picture]) -> set[str]:
    """The numbers in the tables beside the drawings."""
    cells = [cell for picture in pictures if picture.svg for row in picture.rows for cell in row]
    said = [
        match for cell in cells for match in re.findall(r"\bfindings? (\d+(?:, \d+)*(?: and \d+)?)", cell)
    ]
    return {number for match in said for number in re.findall(r"\d+", match)}


@pytest.mark.parametrize(("kind", "spec", "answer"), list(shipped()))
def test_pictures_show_the_number_of_every_finding(kind: Any, spec: Any, answer: Any):
    grade = kind.grade(spec, answer, prediction=None)
    pictures = kind.pictures(spec, answer, grade)
    numbers = {str(finding.number) for finding in grade.findings}
    assert numbers
    assert numbers_in(pictures, "svg") == numbers
    assert numbers_in(pictures, "svg_narrow") == numbers
    in_tables_only = {str(f.number) for f in grade.findings if f.place.startswith("rule:")}
    assert numbers_said(pictures) == numbers - in_tables_only


def finding(place: str, number: int) -> Finding:
    return Finding(code="x", place=place, place_label="", severity="slow", message="", fix="", number=number)


def test_markers_keep_every_finding_of_a_place():
    findings = [finding("block:a", 1), finding("choice:tier", 2), finding("block:a", 3)]
    assert markers(findings, prefix="block:") == {"a": (1, 3)}
    assert markers_by(findings, lambda place: place[:1]) == {"b": (1, 3), "c": (2,)}
