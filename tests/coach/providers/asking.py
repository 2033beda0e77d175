"""A provider at a rehearsal server, a purse that remembers, and calls to make."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel

from coach.engine.prompt import Stability
from coach.providers.addresses import read_base
from coach.providers.catalogue import MODELS
from coach.providers.claude import Claude
from coach.providers.installation import Installation
from coach.providers.port import Attempt, Call, Ended, Kept, OverLimit, Part, ProviderError, Purse, Settled
from coach.providers.servers import SERVERS
from coach.replies.receipts import Receipts

KEY = "sk-ant-canary-4b1d9e"
RULES = "You are a patient coach for people who make agents fast. Ask back before you tell. " * 40


@dataclass
class Wallet:
    """A purse in memory: what was reserved and how it ended, in order. `limit`: so many reservations."""

    limit: int = 100
    reserved: list[Attempt] = field(default_factory=list)
    settled: dict[int, Settled] = field(default_factory=dict)
    slow_seconds: float = 0.0

    async def reserve(self, attempt: Attempt) -> int:
        await asyncio.sleep(self.slow_seconds)
        if len(self.reserved) >= self.limit:
            raise OverLimit("learner")
        self.reserved.append(attempt)
        return len(self.reserved) - 1

    async def settle(self, ticket: int, settled: Settled) -> None:
        await asyncio.sleep(self.slow_seconds)
        assert ticket not in self.settled, "settled twice"
        self.settled[ticket] = settled

    async def recall(self, model: str, keys: Sequence[str]) -> Sequence[Kept]:
        return ()

    @property
    def outcomes(self) -> list[str]:
        return [self.settled[ticket].outcome for ticket in sorted(self.settled)]

    def balanced(self) -> bool:
        """Everything that was reserved was settled."""
        return sorted(self.settled) == list(range(len(self.reserved)))


class Paid(Receipts):
    """What a call took, once it has ended as an answer does."""

    def __init__(self, purse: Purse) -> None:
        super().__init__(purse)
        self.ended: Ended | None = None

    @property
    def stop(self) -> str:
        return self.ended.stop if self.ended else ""

    @property
    def data(self) -> BaseModel | None:
        return self.ended.data if self.ended else None


@dataclass
class Told:
    """What came of a call."""

    paid: Paid
    pieces: list[str] = field(default_factory=list)
    error: ProviderError | None = None

    @property
    def text(self) -> str:
        return "".join(self.pieces)

    @property
    def ended(self) -> Ended | None:
        return self.paid.ended

    @property
    def end(self) -> Paid:
        assert self.ended is not None, self.error
        return self.paid

    @property
    def reason(self) -> str:
        assert self.error is not None, self.ended
        return self.error.reason


def installation(
    url: str, *, kind: str = "rehearsal", attempts: int = 3, key: str = KEY, **models: Any
) -> Installation:
    names = {"small": "claude-haiku-5-5", "medium": "claude-sonnet-5-5"}
    return Installation(
        key=key,
        base=read_base(url, allow_local=True),
        allow_local=True,
        server=SERVERS[kind],
        attempts=attempts,
        **{tier: models.get(tier, MODELS[name]) for tier, name in names.items()},
    )


def provider(url: str, **more: Any) -> Claude:
    return Claude(installation(url, **more), first_pause_seconds=0.01)


def question(text: str = "Why is it slow?", **more: Any) -> Call:
    parts = (
        Part(name="rules", role="system", text=RULES, stability=Stability.FIXED, breakpoint="5m"),
        Part(name="question", role="user", text=text, stability=Stability.CALL),
    )
    return Call(**{"purpose": "reply", "tier": "medium", "parts": parts, "turn": "turn-1", **more})


async def hear(claude: Claude, call: Call, purse: Purse) -> Told:
    """The whole of a call, however it ends."""
    told = Told(Paid(purse))
    try:
        async for piece in claude.stream(call, told.paid):
            if isinstance(piece, Ended):
                told.paid.ended = piece
            else:
                told.pieces.append(piece)
    except ProviderError as error:
        told.error = error
    return told
