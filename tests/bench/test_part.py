"""No promise is lost: what could not run keeps its goals, and says why."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bench.environments import Missing
from bench.figures import MET, MISSED, UNTESTED, Section, at_most, spread
from bench.part import Part, machine

FAST, LIGHT = at_most("fast", 2, "ms"), at_most("light", 3, "KB")


def part(measure: Callable[[], Section]) -> Part:
    return Part(
        name="x", title="X", command="x", promises=(FAST, LIGHT), measure=lambda rounds, tell: measure()
    )


def verdicts(played: dict[str, object]) -> list[tuple[str, str, str]]:
    goals = played["goals"]
    assert isinstance(goals, list)
    return [(goal["what"], goal["verdict"], goal["note"]) for goal in goals]


def test_a_part_that_breaks_shows_its_goals_as_missed() -> None:
    def measure() -> Section:
        raise ValueError("no")

    played = part(measure).play(1, print)
    why = "It did not run to its end: ValueError: no"
    assert played["broke"]
    assert verdicts(played) == [("fast", MISSED, why), ("light", MISSED, why)]


def test_a_part_without_its_environment_shows_its_goals_as_untested() -> None:
    def measure() -> Section:
        raise Missing("no pip here")

    played = part(measure).play(1, print)
    assert not played["broke"]
    assert verdicts(played) == [("fast", UNTESTED, "no pip here"), ("light", UNTESTED, "no pip here")]


def test_a_promise_that_was_not_judged_is_missed() -> None:
    played = part(lambda: Section(text="", goals=(LIGHT.of(spread([1])),))).play(1, print)
    assert verdicts(played) == [("fast", MISSED, ""), ("light", MET, "")]


def test_a_goal_that_nobody_promised_breaks_the_part() -> None:
    found = Section(text="", goals=(at_most("more", 1, "s").of(None),))
    assert part(lambda: found).play(1, print)["broke"]


def test_machine_is_told_without_git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert machine()["commit"] == "unknown"
