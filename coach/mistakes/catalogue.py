"""By kind: its good answer, the mistakes that are made in it, and an answer that has most of them at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from coach.mistakes import layouts, plans, rewrites
from coach.mistakes.base import Answer, Mistake

GOOD: dict[str, Callable[[Any], Answer]] = {
    "dispatch_plan": plans.good,
    "prompt_layout": layouts.good,
    "prompt_rewrite": rewrites.good,
}
MISTAKES: dict[str, tuple[Mistake, ...]] = {
    "dispatch_plan": plans.MISTAKES,
    "prompt_layout": layouts.MISTAKES,
    "prompt_rewrite": rewrites.MISTAKES,
}
BARE: dict[str, Callable[[Any, Answer], Answer]] = {
    "dispatch_plan": plans.bare,
    "prompt_layout": layouts.bare,
    "prompt_rewrite": rewrites.bare,
}
