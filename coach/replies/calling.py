"""The calls of models that one reply makes: begun, read piece by piece, closed, and kept on record."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from coach.engine.errors import PromptError
from coach.engine.ports import Usage
from coach.engine.pricing import cost_usd, price_of
from coach.engine.runner import Inputs
from coach.engine.timing import TIERS, time_to_first_token
from coach.providers.port import Call, Ended, OverLimit, Provider, ProviderError, Purse

NAIVE_TIER = "medium"
"""A program without tiers asks one model for everything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One call as "how this was made" tells of it. Seconds from the call's start; tokens as reported, or as
    expected where `estimated`. `waited`: what it did about another call that was writing its prefix.
    `naive_usd`, `naive_first_seconds`: the same prompt, nothing cached, one tier.
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
    attempts: int = 1
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
        self.outcome = "cancelled"
        self._inputs = inputs
        self._provider, self._purse = provider, purse
        self._pieces: asyncio.Queue[str | None] = asyncio.Queue()
        self._error: Exception | None = None
        self._begun = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._started_at, self._now = loop.time(), loop.time
        self._pump = loop.create_task(self._read(), name=f"model-{call.purpose}")

    @property
    def task(self) -> str:
        return self._inputs.task.name

    async def begun(self) -> None:
        """Until the first piece is there, or it is known that none comes."""
        await self._begun.wait()

    async def pieces(self) -> AsyncIterator[str]:
        """What it writes, from the beginning. Raises ProviderError and OverLimit where they came."""
        while (piece := await self._pieces.get()) is not None:
            yield piece
        if self._error is not None:
            raise self._error

    async def close(self) -> None:
        """Nothing more of it is wanted. What it took is settled when this returns."""
        self._pump.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.wait({self._pump})

    async def _read(self) -> None:
        try:
            async with aclosing(self._provider.stream(self.call, self._purse)) as items:  # type: ignore[type-var]
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
        if self.ended is not None:
            usage = self.ended.usage
            self._inputs.note(
                tokens_read=usage.tokens_read,
                tokens_written=usage.tokens_written,
                tokens_fresh=usage.tokens_fresh,
                tokens_output=usage.tokens_output,
                cost_usd=usage.cost_usd,
            )
            if (waited := self.ended.waited) is not None:
                self._inputs.note(note=f"Waited {waited.seconds:.2f} s. {waited.reason}")

    def record(self) -> Record:
        ended = self.ended
        expected = ended.expected if ended else Usage()
        usage = ended.usage if ended else expected
        prompt = usage.tokens_read + usage.tokens_written + usage.tokens_fresh
        return Record(
            task=self.task,
            purpose=self.call.purpose,
            tier=self.call.tier,
            model=ended.model if ended else "",
            outcome=self.outcome,
            first_seconds=self.first_seconds,
            seconds=self.seconds,
            usage=asdict(usage),
            expected=asdict(expected),
            estimated=ended is None,
            attempts=ended.attempts if ended else 1,
            miss_reason=ended.miss_reason if ended else "",
            waited=asdict(ended.waited) if ended and ended.waited else None,
            naive_usd=cost_usd(price_of(NAIVE_TIER), fresh=prompt, output=usage.tokens_output),
            naive_first_seconds=time_to_first_token(TIERS[NAIVE_TIER], fresh=prompt),
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
