"""What the engine asks of the world, as protocols: a clock, a store that keeps results, one that keeps
count of what was needed; and what a call of a model took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Clock(Protocol):
    """Where the time of spans comes from."""

    def now(self) -> float:
        """Seconds on a clock that never goes back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a model call took: tokens read from cache, written to it, sent fresh, and written out; dollars."""

    tokens_read: int = 0
    tokens_written: int = 0
    tokens_fresh: int = 0
    tokens_output: int = 0
    cost_usd: float = 0.0


@runtime_checkable
class Store(Protocol):
    """Keeps what tasks of a run gave, so that a run taken over repeats nothing. See `checkpoints`."""

    async def load(self, run: str) -> Mapping[str, Any]:
        """What was saved under that name, by key. Values come back with the `checkpoints.digest` they had."""

    async def save(self, run: str, key: str, value: Any) -> None:
        """Keep one result under `key`: the task's name, a colon, 32 hexadecimal digits. Several may be asked
        for at once; the same key may come again."""


@runtime_checkable
class Outcomes(Protocol):
    """Keeps count of how often conditional tasks were needed, by task and context."""

    async def load(self, context: str, tasks: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        """For each of the tasks that was seen: (in how many cases it was needed, of how many)."""

    async def add(self, context: str, outcomes: Mapping[str, bool]) -> None:
        """Count one outcome of each task named."""
