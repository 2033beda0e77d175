"""What an answer that is spelled out would mend: the grader judges, and the name of a place is no answer."""

from __future__ import annotations

from functools import lru_cache

import pytest

from coach.evaluation.submissions import Wrong, good_answer, handed_by, wrong_answers
from coach.replies.solving import solved_by
from exercises.kinds.base import Finding
from tests.coach.evaluating import SHIPPED, shipped_scenario


@lru_cache(maxsize=64)
def wrong_with(code: str, slug: str = "travel-agent") -> tuple[Wrong, Finding]:
    """An answer with such a finding, and that finding."""
    for seed in range(1, 9):
        for wrong in wrong_answers(shipped_scenario(slug), seed=seed, count=12):
            for finding in wrong.grade.findings:
                if finding.code == code:
                    return wrong, finding
    raise AssertionError(f"no {code} in eight seeds")


def solved(wrong: Wrong, finding: Finding, text: str) -> bool:
    return finding.key in solved_by(handed_by(wrong, [finding]), text)


def arrows_of(waits: dict[str, list[str]]) -> str:
    return ", ".join(f"{before} -> {after}" for after, befores in waits.items() for before in befores)


@pytest.mark.parametrize("code", ["cycle", "needless-dependency"])
def test_naming_the_place_of_an_arrow_too_many_solves_nothing(code: str):
    wrong, finding = wrong_with(code)
    for said in (finding.place_label, f"“{finding.place_label}”", finding.message):
        assert not solved(wrong, finding, f"Start with the most important one: {said}. What is read there?")


@pytest.mark.parametrize("code", ["cycle", "needless-dependency", "missing-dependency"])
def test_the_whole_list_of_arrows_solves(code: str):
    wrong, finding = wrong_with(code)
    assert solved(wrong, finding, arrows_of(good_answer(wrong.scenario)["waits"]))


def test_one_arrow_solves_where_it_is_the_one_that_is_missing():
    wrong, finding = wrong_with("missing-dependency")
    before, after = finding.place.removeprefix("edge:").split(">")
    labels = wrong.scenario.spec.labels  # type: ignore[attr-defined]
    assert solved(wrong, finding, f"Draw {labels[before]} → {labels[after]}.")
    assert not solved(wrong, finding, f"{labels[after]} → {labels[before]} is not it.")


def test_an_order_of_blocks_solves():
    wrong, finding = wrong_with("volatile-before-stable", "legal-review")
    order = " > ".join(good_answer(wrong.scenario)["order"])
    assert solved(wrong, finding, order)
    assert not solved(wrong, finding, " > ".join(wrong.answer["order"]))


@pytest.mark.parametrize("slug", SHIPPED)
def test_no_finding_is_solved_by_its_message_or_place(slug: str):
    for wrong in wrong_answers(shipped_scenario(slug), seed=7, count=12):
        said = " ".join(
            f"{finding.message} Look at {finding.place_label}." for finding in wrong.grade.findings
        )
        assert not solved_by(handed_by(wrong, wrong.grade.findings), said)
