"""What a reply asks of whoever writes its words, and how that may end.

A call is text in parts, stable ones first; the provider sends it, streams pieces of text and ends with one
`Ended`. It spends only through a `Purse`, which has every attempt on record before it leaves.
Units: tokens, seconds, US dollars.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from pydantic import BaseModel

from coach.engine.ports import Usage
from coach.engine.prompt import Stability
from coach.providers.catalogue import Model, Tier

Role = Literal["system", "user", "assistant"]
Stop = Literal["done", "truncated", "refused"]
Reason = Literal[
    "busy", "overloaded", "unreachable", "interrupted", "stalled", "unusable", "spend", "rejected", "too_long"
]

CANCELLED = "cancelled"
"""The outcome of a request that nobody waited for any longer."""
ENOUGH = "enough"
"""The outcome of one that was cut off because as much of its answer had arrived as was wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One piece of a prompt. `breakpoint`: a cache entry is asked for at its end, with that lifetime."""

    name: str
    role: Role
    text: str
    stability: Stability
    breakpoint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of a model. `purpose` stands in the ledger ("classify", "reply", "run", "warm"); `turn` is the
    public id of the turn it belongs to, if any. `schema`: the answer is data of this shape.

    `max_output_tokens` bounds the answer, thinking included; 0 only writes the cache. Limits in seconds:
    until the first piece, between pieces, in all. `value_of_second_usd`: what a second less of waiting for it
    is worth.
    """

    purpose: str
    tier: Tier
    parts: tuple[Part, ...]
    max_output_tokens: int = 1024
    schema: type[BaseModel] | None = None
    turn: str = ""
    first_seconds: float = 15.0
    progress_seconds: float = 20.0
    total_seconds: float = 120.0
    value_of_second_usd: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """How long a call waited for another one to write `tokens` of the prefix that both have, and why; 0
    seconds where that was not worth it."""

    seconds: float
    tokens: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One request, as it is put on record before it is sent. `worst_usd`: what it can cost at most.
    `waited`: how it dealt with another call that was writing the same prefix, if one was.

    `token` is its own: who asks for it a second time, not having heard the answer, is given the same ticket.
    """

    purpose: str
    turn: str
    model: str
    number: int
    worst_usd: float
    waited: Waited | None = None
    token: uuid.UUID = field(default_factory=uuid.uuid4, compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """How an attempt ended. `usage` as reported; `estimated`: part of it was not reported and is a guess.

    `expected`: what the engine said would be read, written and sent fresh. `miss_reason`: why less was read
    than could have been, where the provider tells. `outcome`: a `Stop`, a `Reason`, `CANCELLED` or `ENOUGH`.
    """

    outcome: str
    usage: Usage
    expected: Usage
    estimated: bool = False
    miss_reason: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """The last item of a stream; what it took, the purse was told. `data`: the parsed answer of a call with a
    schema, None when refused."""

    stop: Stop
    data: BaseModel | None = None


class ProviderError(Exception):
    """A call that gave no whole answer. `reason` says why; `shown`: pieces had been handed on before."""

    def __init__(self, reason: Reason, message: str, *, shown: bool = False) -> None:
        super().__init__(message)
        self.reason: Reason = reason
        self.shown = shown


class OverLimit(Exception):  # noqa: N818 - said of the budget, not of a fault
    """Nobody pays for this call: a limit is reached. `scope`: whose ("guest", "learner", "cohort", "day",
    "off")."""

    def __init__(self, scope: str) -> None:
        super().__init__(scope)
        self.scope = scope


class Purse(Protocol):
    """Who pays. Each attempt is reserved and on record before it is sent, and settled once."""

    async def reserve(self, attempt: Attempt) -> Any:
        """A ticket for this attempt; durable when this returns. Raises OverLimit."""

    async def settle(self, ticket: Any, settled: Settled) -> None:
        """What it took. A second settlement of a ticket changes nothing."""


class Provider(Protocol):
    """Who writes the words."""

    name: str

    def model(self, tier: Tier) -> Model:
        """Who is asked for this tier: what that costs, caches and reads."""

    def stream(self, call: Call, purse: Purse) -> AsyncIterator[str | Ended]:
        """Pieces of text as they come, none for a call with a schema; the last item is the `Ended`.

        Raises ProviderError or OverLimit. The text of a refused answer is not to be shown any longer.
        """
