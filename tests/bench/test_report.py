from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from bench import report
from bench.figures import Section, at_most, spread
from bench.part import Part, Tell

FAST = at_most("fast", 2, "ms")


def good(rounds: int, tell: Tell) -> Section:
    return Section(text="Measured.", goals=(FAST.of(spread([1.0])),), data={"spread": spread([1.0])})


def bad(rounds: int, tell: Tell) -> Section:
    raise ValueError("no")


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    parts = {
        name: Part(name=name, title=name, command=name, promises=(FAST,), measure=measure)
        for name, measure in (("imports", good), ("peers", bad))
    }
    monkeypatch.setattr(report, "PARTS", parts)
    return tmp_path


def run(out: Path, monkeypatch: pytest.MonkeyPatch, *only: str) -> int:
    monkeypatch.setattr(sys, "argv", ["report", "--out", str(out), "--only", *only])
    return report.main()


def test_a_part_that_breaks_fails_the_report_and_keeps_its_goal(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(written, monkeypatch, "imports") == 0
    assert run(written, monkeypatch, "peers") == 1
    told = (written / "REPORT.md").read_text()
    assert "2 goals: 1 met, 1 missed." in told
    assert "ValueError: no" in told


def test_parts_of_an_earlier_report_keep_their_machine(
    written: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(written, monkeypatch, "imports")
    place = written / "report.json"
    earlier = json.loads(place.read_text())
    earlier["parts"]["imports"]["machine"]["processor"] = "another one"
    place.write_text(json.dumps(earlier))
    run(written, monkeypatch, "peers")
    assert (written / "REPORT.md").read_text().count("another one") == 1
