from __future__ import annotations

from typing import Any

import pytest

from bench.priming import choices, goal_of


def sent(design: str, seconds: float, cost: float, value: float | None = None) -> dict[str, Any]:
    return {"design": design, "seconds": seconds, "cost_usd": cost, "value": value}


ROWS = [
    sent("in a row", 15, 0.1),
    sent("at once", 4, 0.6),
    sent("primed", 5, 0.1),
    sent("primed", 5.2, 0.1, 0.1),
    sent("at once", 4.2, 0.6, 0.1),
]


def test_what_was_chosen_counts_as_a_sample_of_the_design_that_it_is() -> None:
    by_design = {each.design: each for each in choices(ROWS)}
    assert by_design["primed"].worse == 0.0
    assert by_design["primed"].burdens["primed"].rounds == 2


def test_a_choice_is_worse_by_what_was_measured() -> None:
    poor = next(each for each in choices(ROWS) if each.design == "at once")
    assert poor.worse == pytest.approx((0.6 + 0.41) / (0.1 + 0.51) - 1)
    assert goal_of(choices(ROWS)).verdict == "missed"
