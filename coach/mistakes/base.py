"""What a mistake is: a seeded change of a good answer, or None where the answer has no room for it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, TypeVar

Answer = dict[str, Any]
"""An answer as JSON, as the kind's own model dumps it."""
Mistake = Callable[[random.Random, Any, Answer], Answer | None]
"""(seeded randomness, the kind's spec, a good answer) to the answer with the mistake in it."""

T = TypeVar("T")


def one_of(rng: random.Random, choices: list[T]) -> T | None:
    """One of them, or None where there are none."""
    return rng.choice(choices) if choices else None
