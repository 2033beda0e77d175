from __future__ import annotations

import pytest

from bench.figures import AT_BEST, MET, MISSED, at_most, spread, table


def test_spread_leaves_out_what_was_not_measured() -> None:
    found = spread([3.0, None, 1.0, 2.0])
    assert found is not None
    assert (found.median, found.least, found.most, found.rounds) == (2.0, 1.0, 3.0, 3)
    assert spread([None]) is None


@pytest.mark.parametrize(
    ("values", "verdict"), [((1, 2, 3), MET), ((1, 3, 4), AT_BEST), ((3, 3, 4), MISSED), ((), MISSED)]
)
def test_a_goal_is_kept_by_the_median(values: tuple[float, ...], verdict: str) -> None:
    assert at_most("x", 2, "ms").of(spread(values)).verdict == verdict


def test_a_goal_is_missed_where_what_belongs_to_it_does_not_hold() -> None:
    assert at_most("x", 2, "ms").of(spread([1]), and_also=False).verdict == MISSED


def test_table_aligns_its_figures() -> None:
    assert table(["", "a"], [["x", 1]]) == "|  | a |\n|---|---:|\n| x | 1 |"
