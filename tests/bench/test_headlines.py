"""Each claim has its program, the engine drives every call of it, and one that breaks stays in the report."""

from __future__ import annotations

import asyncio

import pytest

from bench.headlines.client import (
    IN_PART,
    NOT_AS_TOLD,
    REPRODUCED,
    SMALL,
    Caller,
    Headline,
    Median,
    Step,
    judged,
)
from bench.headlines.programs import ROWS, once, told
from bench.headlines.section import CLAIMS, SCALES, goals_of

NOWHERE = 9


def test_each_claim_has_a_program_at_one_of_the_scales() -> None:
    assert tuple(row.id for row in ROWS) == CLAIMS
    assert {row.scale for row in ROWS} == set(SCALES)


def test_a_call_outside_a_run_is_refused() -> None:
    with pytest.raises(AssertionError, match="outside a run"):
        asyncio.run(Caller(NOWHERE, 1.0).ask(SMALL, "hello", writes=1))


def test_chains_are_run_by_the_engine_side_by_side() -> None:
    seen: list[str] = []

    def step(name: str) -> Step:
        async def call(_: object) -> str:
            await asyncio.sleep(0)
            seen.append(name)
            return name

        return call

    caller = Caller(NOWHERE, 1.0)
    found = asyncio.run(caller.side_by_side(left=[step("a"), step("b")], right=[step("c")]))
    assert found == {"left": ["a", "b"], "right": ["c"]}
    assert seen.index("a") < seen.index("b")
    assert caller.spans == 3


def row(*, breaks: bool) -> Headline:
    async def play(_: Caller) -> dict[str, float]:
        if breaks:
            raise ValueError("no")
        return {"x": 1.0}

    return Headline(
        id="S1", claimed="1", how="so", play=play, judge=lambda f: judged(f"{f['x']}", holds=f["x"] == 1)
    )


def test_a_row_that_breaks_is_told_and_counted_as_not_run() -> None:
    caller = Caller(NOWHERE, 1.0)
    rows = [told(each, [asyncio.run(once(caller, each))]) for each in (row(breaks=True), row(breaks=False))]
    assert [each["error"] for each in rows] == ["ValueError: no", ""]
    ran, _ = goals_of(rows[:1])
    assert ran.verdict == "missed"
    assert ran.note.startswith("did not run: S1, S2")


def test_a_claim_that_does_not_come_out_needs_its_reason() -> None:
    silent = {"id": "S1", "error": "", "verdict": NOT_AS_TOLD, "why": ""}
    assert goals_of([silent])[1].verdict == "missed"
    assert goals_of([{**silent, "why": "because"}])[1].verdict == "met"


def test_the_best_a_claim_can_come_to_is_said_beforehand() -> None:
    assert judged("", holds=True, why="not told").why == ""
    assert judged("", holds=True, at_best=IN_PART, why="told").verdict == IN_PART
    assert judged("", holds=True).verdict == REPRODUCED


def test_a_median_calculates_and_knows_its_spread() -> None:
    value = Median.of([1.0, 4.0, 2.0])
    assert (value * 2, value.least, value.most) == (4.0, 1.0, 4.0)
