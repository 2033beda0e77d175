"""The calls of models that one reply makes: begun, read piece by piece, closed, and kept on record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from coach.engine.errors import PromptError
from coach.engine.pricing import cost_usd
from coach.engine.runner import Inputs
from coach.engine.timing import TIERS, time_to_first_token
from coach.providers.catalogue import Tier
from coach.providers.port import CANCELLED, ENOUGH, Call, Ended, OverLimit, Provider, ProviderError, Purse
from coach.replies.receipts import Receipts, prompt_tokens

NAIVE_TIER: Tier = "medium"
"""A program without tiers asks one model for everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One call as "how this was made" tells of it. Seconds from the call's start; tokens and dollars of all
    its `attempts`, as they were settled. `estimated`: part of that was not reported. `waited`: what it did
    about another call that was writing its prefix. `naive_usd`, `naive_first_seconds`: the same prompt,
    nothing cached, one tier.
    """

    task: str
    purpose: str
    tier: str
    model: str
    outcome: str
    first_seconds: float | None
    seconds: float
    usage: dict[str, Any]
    expected: dict[str, Any]
    estimated: bool = False
    attempts: int = 0
    miss_reason: str = ""
    waited: dict[str, Any] | None = None
    naive_usd: float = 0.0
    naive_first_seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Stream:
    """An answer under way. It is read from the provider whether or not somebody listens yet."""

    def __init__(self, call: Call, inputs: Inputs, provider: Provider, purse: Purse) -> None:
        self.call = call
        self.ended: Ended | None = None
        self.first_seconds: float | None = None
        self.seconds = 0.0
        self.outcome = CANCELLED
        self.receipts = Receipts(purse)
        self._inputs = inputs
        self._provider = provider
        self._pieces: asyncio.Queue[str | None] = asyncio.Queue()
        self._error: Exception | None = None
        self._begun = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._started_at, self._now = loop.time(), loop.time
        self._pump = loop.create_task(self._read(), name=f"model-{call.purpose}")

    @property
    def task(self) -> str:
        return self._inputs.task.name

    @property
    def own_seconds(self) -> float:
        """The model's own time: that of the last request, without what came before it."""
        return self.receipts.ended_at - self.receipts.sent_at

    @property
    def own_first_seconds(self) -> float | None:
        """The same until its first piece."""
        if self.first_seconds is None:
            return None
        return self._started_at + self.first_seconds - self.receipts.sent_at

    async def begun(self) -> None:
        """Until the first piece is there, or it is known that none comes."""
        await self._begun.wait()

    async def pieces(self) -> AsyncIterator[str]:
        """What it writes, from the beginning. Raises ProviderError and OverLimit where they came."""
        while (piece := await self._pieces.get()) is not None:
            yield piece
        if self._error is not None:
            raise self._error

    async def close(self, *, enough: bool = False) -> None:
        """Nothing more of it is wanted; `enough`: because all that can be used is there. What it took is
        settled when this returns."""
        if enough and self.outcome == CANCELLED:
            self.receipts.enough, self.outcome = True, ENOUGH
        self._pump.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.wait({self._pump})

    async def _read(self) -> None:
        try:
            async with aclosing(self._provider.stream(self.call, self.receipts)) as items:  # type: ignore[type-var]
                async for item in items:
                    self._take(item)
        except (ProviderError, OverLimit) as error:
            self._error = error
            self.outcome = error.reason if isinstance(error, ProviderError) else f"limit {error.scope}"
        except PromptError as error:
            self._error, self.outcome = ProviderError("rejected", str(error)), "rejected"
        finally:
            self.seconds = self._now() - self._started_at
            self._note()
            self._pieces.put_nowait(None)
            self._begun.set()

    def _take(self, item: str | Ended) -> None:
        if isinstance(item, Ended):
            self.ended, self.outcome = item, item.stop
            return
        if self.first_seconds is None:
            self.first_seconds = self._now() - self._started_at
            self._begun.set()
        self._pieces.put_nowait(item)

    def _note(self) -> None:
        if self.receipts.settled:
            self._inputs.note(**asdict(self.receipts.usage))
        if (waited := self.receipts.waited) is not None:
            self._inputs.note(note=f"Waited {waited.seconds:.2f} s. {waited.reason}")

    def record(self) -> Record:
        paid = self.receipts
        prompts = [prompt_tokens(each.usage) for each in paid.settled]
        naive = self._provider.model(NAIVE_TIER).price
        return Record(
            task=self.task,
            purpose=self.call.purpose,
            tier=self.call.tier,
            model=paid.model,
            outcome=self.outcome,
            first_seconds=self.first_seconds,
            seconds=self.seconds,
            usage=asdict(paid.usage),
            expected=asdict(paid.expected),
            estimated=paid.estimated,
            attempts=len(paid.attempts),
            miss_reason=paid.miss_reason,
            waited=asdict(paid.waited) if paid.waited else None,
            naive_usd=cost_usd(naive, fresh=sum(prompts), output=paid.usage.tokens_output),
            naive_first_seconds=time_to_first_token(TIERS[naive.tier], fresh=max(prompts, default=0)),
        )


@dataclass(slots=True)
class Calls:
    """All calls of one reply. `provider` writes, `purse` pays, `turn` is the public id."""

    provider: Provider
    purse: Purse
    turn: str
    streams: list[Stream] = field(default_factory=list)

    def begin(self, call: Call, inputs: Inputs) -> Stream:
        stream = Stream(call, inputs, self.provider, self.purse)
        self.streams.append(stream)
        return stream

    async def ask(self, call: Call, inputs: Inputs) -> Ended | None:
        """A call whose whole answer is wanted; None where there is none."""
        stream = self.begin(call, inputs)
        try:
            async for _piece in stream.pieces():
                pass
        except (ProviderError, OverLimit):
            return None
        finally:
            await stream.close()
        return stream.ended

    async def close(self) -> None:
        """However the reply ended, nothing of it goes on."""
        for stream in self.streams:
            await stream.close()

    def records(self) -> list[dict[str, Any]]:
        return [stream.record().to_dict() for stream in self.streams]
