"""What the engine asks of the world, as protocols: a clock, a model that writes, a store that keeps results,
one that keeps count of what was needed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from coach.engine.prompt import Prompt


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


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRequest:
    """One call of a model: the laid-out prompt, the text of each block by its name, and the bound on the
    output."""

    prompt: Prompt
    texts: Mapping[str, str]
    max_output_tokens: int = 1024


@runtime_checkable
class Model(Protocol):
    """Who writes the words."""

    name: str

    def stream(self, request: ModelRequest) -> AsyncIterator[str | Usage]:
        """Pieces of text as they are written; the last item is the `Usage`."""


@runtime_checkable
class Store(Protocol):
    """Keeps what tasks of a run gave, so that a run taken over repeats nothing."""

    async def load(self, run: str) -> Mapping[str, Any]:
        """Results by task name, as `run(stored=...)` takes them."""

    async def save(self, run: str, task: str, value: Any) -> None:
        """Keep one task's result."""


@runtime_checkable
class Outcomes(Protocol):
    """Keeps count of how often conditional tasks were needed, by task and context."""

    async def load(self, context: str, tasks: Sequence[str]) -> Mapping[str, tuple[int, int]]:
        """For each of the tasks that was seen: (in how many cases it was needed, of how many)."""

    async def add(self, context: str, outcomes: Mapping[str, bool]) -> None:
        """Count one outcome of each task named."""
