"""A provider and a purse in memory: real ones by their contract, whose words and faults a test decides."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from coach.engine.cache import PrefixCache
from coach.engine.ports import Usage
from coach.engine.pricing import cost_of_use
from coach.engine.prompt import estimate_tokens
from coach.providers.catalogue import MODELS, Model, Tier, default_model, own_model
from coach.providers.port import (
    Attempt,
    Call,
    Ended,
    Kept,
    OverLimit,
    ProviderError,
    Purse,
    Reason,
    Settled,
    Stop,
)
from coach.replies.prompts import prompt_of


@dataclass(slots=True)
class Words:
    """What one call says. `cut`: after so many characters the stream breaks for that reason. `data`: the
    fields of a structured answer. `pause_seconds`: between pieces."""

    text: str = ""
    stop: Stop = "done"
    cut: tuple[int, Reason] | None = None
    data: dict[str, Any] | None = None
    piece: int = 7
    pause_seconds: float = 0.0


Script = Callable[[Call], Words]


@dataclass(slots=True)
class Told:
    """One attempt as the purse has seen it."""

    attempt: Attempt
    settled: Settled | None = None


class MemoryPurse:
    """Keeps every attempt; refuses once `limit` were reserved."""

    def __init__(self, *, limit: int | None = None, scope: str = "learner") -> None:
        self.told: list[Told] = []
        self._limit, self._scope = limit, scope

    async def reserve(self, attempt: Attempt) -> Told:
        await asyncio.sleep(0)
        if self._limit is not None and len(self.told) >= self._limit:
            raise OverLimit(self._scope)
        self.told.append(Told(attempt))
        return self.told[-1]

    async def settle(self, ticket: Told, settled: Settled) -> None:
        if ticket.settled is None:
            ticket.settled = settled

    async def recall(self, model: str, keys: Sequence[str]) -> Sequence[Kept]:
        return ()


@dataclass
class ScriptedProvider:
    """Says what its script says, with the engine's cache behind it. `calls`: what it was asked."""

    script: Script
    name: str = "scripted"
    caches: bool = True
    calls: list[Call] = field(default_factory=list)
    open: int = 0

    def __post_init__(self) -> None:
        self._caches: dict[str, PrefixCache] = {}

    def model(self, tier: Tier) -> Model:
        return MODELS[default_model(tier)]

    def stream(self, call: Call, purse: Purse) -> AsyncIterator[str | Ended]:
        return self._stream(call, purse)

    async def _stream(self, call: Call, purse: Purse) -> AsyncIterator[str | Ended]:
        self.calls.append(call)
        words = self.script(call)
        price = self.model(call.tier).price
        attempt = Attempt(
            purpose=call.purpose,
            turn=call.turn,
            model=price.model,
            number=1,
            worst_usd=1.0,
        )
        ticket = await purse.reserve(attempt)
        expected = usage = Usage()
        outcome: str = "cancelled"
        self.open += 1
        try:
            usage = expected = self._usage(call, words)
            async for piece in self._pieces(words):
                yield piece
            outcome = words.stop
            yield Ended(stop=words.stop, data=self._data(call, words))
        except ProviderError as error:
            outcome = error.reason
            raise
        finally:
            self.open -= 1
            await purse.settle(ticket, Settled(outcome=outcome, usage=usage, expected=expected))

    async def _pieces(self, words: Words) -> AsyncIterator[str]:
        shown = 0
        stop_at = len(words.text) if words.cut is None else words.cut[0]
        if words.data is not None:
            await asyncio.sleep(words.pause_seconds)
        else:
            while shown < stop_at:
                await asyncio.sleep(words.pause_seconds)
                yield words.text[shown : min(stop_at, shown + words.piece)]
                shown += words.piece
        if words.cut is not None:
            raise ProviderError(words.cut[1], "cut", shown=shown > 0)

    def _usage(self, call: Call, words: Words) -> Usage:
        price = self.model(call.tier).price
        cache = self._caches.setdefault(price.model, PrefixCache(price.rules))
        now = asyncio.get_running_loop().time()
        use = cache.call(prompt_of(call.parts), now, price.model, now)
        if use.written and not use.read:
            call.tell("cold")
        output = estimate_tokens(words.text)
        return Usage(
            tokens_read=use.read,
            tokens_written=use.written,
            tokens_fresh=use.fresh,
            tokens_output=output,
            cost_usd=cost_of_use(price, use, output=output),
        )

    def _data(self, call: Call, words: Words) -> Any:
        if call.schema is None or words.data is None or words.stop == "refused":
            return None
        return call.schema.model_validate(words.data)


class Unpaid(ScriptedProvider):
    """Its models run on a machine of one's own."""

    def model(self, tier: Tier) -> Model:
        return own_model("qwen3", tier, 8192)
