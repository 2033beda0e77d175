from __future__ import annotations

import asyncio

import pytest

from bench.expressive.section import join_goal, moment_goals
from bench.expressive.speculation import Case, draws, measured, pairs


def test_exactly_a_share_of_p_of_the_runs_need_the_tool() -> None:
    needed = draws(Case(0.6, 0.5, 0.7), 2_000)
    assert sum(needed) == 1_400
    assert needed == draws(Case(0.6, 0.5, 0.7), 2_000)


def test_twins_need_the_tool_alike_and_the_one_that_runs_ahead_wastes_what_it_did_not() -> None:
    case = Case(0.03, 0.02, 0.5)
    found = asyncio.run(pairs(case, runs=6))
    assert [each.needed for each in found] == draws(case, 6)
    assert all((each.wasted > 0) is not each.needed for each in found)
    assert measured(case, found)["expected"] == pytest.approx(0.01)


def test_a_join_that_loses_a_branch_misses_its_goal() -> None:
    joins = [{"first": 0.12, "last": 0.8, "received": n} for n in (4.0, 3.0)]
    assert join_goal(joins).verdict == "missed"
    assert join_goal(joins[:1]).verdict == "met"


def test_a_run_that_ends_long_before_its_deadline_misses_it() -> None:
    names = ("loser", "losers", "race", "races", "deadline", "deadlines", "simulator")
    found = {name: [0.0] for name in names} | {"deadlines": [-0.02]}
    assert [goal.what for goal in moment_goals(found) if goal.verdict == "missed"] == [
        "the same, 1,000 tasks to stop: off by"
    ]
