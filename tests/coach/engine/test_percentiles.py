from __future__ import annotations

from coach.engine.percentiles import percentile


def test_percentile_is_the_nearest_rank() -> None:
    assert percentile([], 0.5) == 0.0
    assert percentile([1, 2, 3], 0.5) == 2
    assert percentile([1, 2], 0.5) == 1
    assert percentile(list(range(1, 101)), 0.95) == 95
    assert percentile([1, 2], 0.0) == 1
    assert percentile([1, 2], 1.0) == 2
