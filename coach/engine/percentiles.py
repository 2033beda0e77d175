"""What most of many values do not exceed."""

from __future__ import annotations

import math
from collections.abc import Sequence


def percentile(ordered: Sequence[float], share: float) -> float:
    """The nearest rank: the least of the sorted values that at least this share (0 to 1) of them do not
    exceed, so one that did occur; 0.0 for no values."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered), max(1, math.ceil(share * len(ordered)))) - 1]
