"""Requests of this process that share a cold prefix: one writes it, and those who come meanwhile read it.

What a request writes can be read only once its answer begins. So a request that finds its prefix cold, and
another one under way that writes it, waits for that one's first word, if the engine's priming decision says
that this is worth the seconds. Nobody waits for one who waits, so nobody waits in a circle; where the one
ahead fails or is silent too long, one of those who waited goes in its place and the others wait for that.
Units: seconds on the loop's clock, tokens, US dollars.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache

from coach.engine.cache import PrefixCache
from coach.engine.calls import ModelCall
from coach.engine.graph import Task, TaskGraph
from coach.engine.priming import AT_ONCE, prime
from coach.engine.prompt import Block, Prompt, Stability
from coach.providers.exchange import Exchange
from coach.providers.forecast import Unwritten
from coach.providers.port import Waited

AHEAD_SECONDS = 2.5
"""Longer no answer is waited for to begin: who is ahead has failed without knowing it."""
MOST_SECONDS = 5.0
"""Longer no request waits in all."""


@dataclass(eq=False, slots=True)
class _Writer:
    """A request under way that writes what others may read."""

    since: float
    begun: asyncio.Event = field(default_factory=asyncio.Event)


_Key = tuple[asyncio.AbstractEventLoop, str, bytes]


class Followers:
    """One per provider; requests of different event loops do not wait for each other."""

    def __init__(self) -> None:
        self._writers: dict[_Key, _Writer] = {}

    @contextmanager
    def writing(self, exchange: Exchange) -> Iterator[None]:
        """Others may wait for this request, until its answer begins or it ends. Enter it without awaiting
        anything after `wait`."""
        writer = _Writer(asyncio.get_running_loop().time())
        exchange.on_begin = writer.begun.set
        keys = [_key(exchange, each) for each in exchange.unwritten()]
        self._writers.update(dict.fromkeys(keys, writer))
        try:
            yield
        finally:
            writer.begun.set()
            for key in keys:
                if self._writers.get(key) is writer:
                    del self._writers[key]

    async def wait(self, exchange: Exchange, until: float) -> Waited | None:
        """Until nobody is about to write what this request begins with, or it is not worth waiting for."""
        loop = asyncio.get_running_loop()
        start, waited = loop.time(), None
        until = min(until, start + MOST_SECONDS)
        while (found := self._ahead(exchange, until)) is not None:
            prefix, writer = found
            worth_it, reason = _decide(exchange, prefix)
            if not worth_it:
                return waited or Waited(seconds=0.0, tokens=prefix.tokens, reason=reason)
            if waited is None:
                exchange.call.tell("filling")
            with suppress(TimeoutError):
                async with asyncio.timeout_at(min(until, writer.since + AHEAD_SECONDS)):
                    await writer.begun.wait()
            waited = Waited(seconds=loop.time() - start, tokens=prefix.tokens, reason=reason)
        return waited

    def _ahead(self, exchange: Exchange, until: float) -> tuple[Unwritten, _Writer] | None:
        """The longest cold prefix that somebody is about to write, and who that is."""
        now = asyncio.get_running_loop().time()
        if not self._writers or now >= until:
            return None
        for prefix in reversed(exchange.unwritten()):
            writer = self._writers.get(_key(exchange, prefix))
            if writer and not writer.begun.is_set() and now < writer.since + AHEAD_SECONDS:
                return prefix, writer
        return None


def _key(exchange: Exchange, prefix: Unwritten) -> _Key:
    return asyncio.get_running_loop(), exchange.model.id, prefix.key


def _decide(exchange: Exchange, prefix: Unwritten) -> tuple[bool, str]:
    return _priming(
        exchange.model.id,
        exchange.tokens,
        exchange.asked.shape.marks,
        prefix,
        exchange.call.value_of_second_usd,
    )


@lru_cache(maxsize=256)
def _priming(
    model: str,
    tokens: tuple[int, ...],
    marks: tuple[tuple[int, str], ...],
    shared: Unwritten,
    value_of_second_usd: float,
) -> tuple[bool, str]:
    """Whether to wait, and why: the engine's decision for the request ahead and this one, which have
    the blocks of `shared` in common."""
    this = _call(model, tokens, marks, len(tokens))
    ahead = replace(_call(model, tokens, marks, shared.mark + 1), output_tokens=1)
    cache = PrefixCache(this.price.rules)
    if shared.read >= 0:
        cache.call(_call(model, tokens, marks, shared.read + 1).prompt, 0.0, this.price.model, 0.0)
    graph = TaskGraph([Task("the one ahead", model_call=ahead), Task("this one", model_call=this)])
    choices = prime(graph, value_of_second_usd=value_of_second_usd, caches=[cache]).choices
    return any(choice.chosen != AT_ONCE for choice in choices), " ".join(each.reason for each in choices)


def _call(model: str, tokens: Sequence[int], marks: Sequence[tuple[int, str]], blocks: int) -> ModelCall:
    """A call of the first so many blocks."""
    lives = dict(marks)
    parts = (
        Block(
            name=str(place),
            tokens=tokens[place],
            stability=Stability.SHARED,
            fingerprint=str(place),
            breakpoint=lives.get(place),
        )
        for place in range(blocks)
    )
    return ModelCall(Prompt(tuple(parts)), model)
