"""What the coach's figures are judged by."""

from __future__ import annotations

from typing import Any

import pytest

from bench.coach.goals import PROMISES, SHARES, WORDS, goals_of
from bench.figures import MET, MISSED, Goal


def data(*, steady: float = 0.01, gaps: int = 0) -> dict[str, Any]:
    used = {"coach": 2.0, "bare": 1.0, "relay": 1.5}
    row = {
        "added": {key: [steady] * 20 for key in SHARES},
        "cpu": used,
        "frames": dict.fromkeys(used, 100),
        "late": {"coach": [0.05] * 20},
    }
    storm = {"seconds_until_whole": [1.0, 2.0], "gaps": gaps}
    call = {"usd": 1.0}
    first = [call, {"usd": 1.5}]
    return {
        "built_in": {
            "words": {learners: {"status": [0.01], "sentence": [0.01]} for learners, _kind in WORDS},
            "storms": [storm],
        },
        "modelled": {"200": {"added": {"in_all": [3.0]}}},
        "streams": {"rows": [{**row, "streams": count} for count in (200, 500)]},
        "conversation": {"first": first, "second": [call], "naive": [call] * 5, "shared_usd": 1.4},
    }


def judged(found: dict[str, Any]) -> list[Goal]:
    return list(goals_of(found))


def goal(found: list[Goal], begins: str) -> Goal:
    return next(each for each in found if each.what.startswith(begins))


def test_all_goals_are_judged_and_can_be_kept() -> None:
    assert {each.what for each in judged(data())} == {promise.what for promise in PROMISES}
    assert {each.verdict for each in judged(data())} == {MET}


@pytest.mark.parametrize(("steady", "verdict"), [(0.014, MET), (0.016, MISSED)])
def test_what_is_added_is_judged_where_it_is_steady_and_told_of_a_burst(steady: float, verdict: str) -> None:
    found = goal(judged(data(steady=steady)), "200 at once, steady")
    assert found.verdict == verdict
    assert "in a burst of 200: 3000 ms" in found.note


def test_storm_that_leaves_a_gap_is_not_whole_however_fast_it_ended() -> None:
    assert goal(judged(data(gaps=1)), "storm").verdict == MISSED


def test_cpu_of_a_frame_is_told_against_both() -> None:
    found = goal(judged(data()), "200 streams: CPU")
    assert (found.came_out, found.note) == ("2.0 times", "against one that relays: 1.3 times")


def test_what_a_class_shares_is_no_cost_of_one_conversation_and_is_told() -> None:
    found = goal(judged(data()), "ten turns of one of a class of 30")
    assert found.came_out == "0.21"
    assert "who comes first, or alone, pays 0.50: $1.4000 of it writes what all read" in found.note
