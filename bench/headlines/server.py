# .venv/bin/python -m bench.headlines.server --scale 1
"""A server on the loopback that speaks the Messages API: what a provider's time and cache would do.

Its time is the engine's: base + fresh tokens / prefill rate + cached tokens / cache-load rate until the first
token, then the decode rate, by the tier of the model that is asked for. Its cache is `coach.engine.cache`
under that model's rule set, so `usage` shows reads and writes as those rules give them. It writes no text of
its own: a word is a token, and the last message says how many it is to write ("[[300]]"). `lookup` is a
model that stands for a tool: no base, nothing to read, 1,000 tokens a second.

`--scale 60` lets a minute of the provider's pass in a second. Answers GET /healthz, streams or not, refuses
what is malformed as the API does. Standard library only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import count
from typing import Any

from coach.engine.cache import CacheUse, PrefixCache, lay
from coach.engine.errors import PromptError
from coach.engine.pricing import price_of
from coach.engine.prompt import Block, Prompt, Stability
from coach.engine.rules import CacheRules, rules_named
from coach.engine.timing import TIERS, Tier, time_to_first_token

LOOKUP = "lookup"
LOOKUP_TIER = Tier(
    name=LOOKUP,
    base_seconds=0.0,
    prefill_tokens_per_second=1e9,
    cache_load_tokens_per_second=1e9,
    decode_tokens_per_second=1000,
)
ORDER = re.compile(r"\[\[(\d+)\]\]")
STEP_SECONDS = 0.02
"""Tokens of so many real seconds leave in one piece."""


class Refused(Exception):  # noqa: N818
    """A request that the API would not take."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as the provider understands it."""

    model: str
    prompt: Prompt
    output: int
    stream: bool


def model_of(name: str) -> tuple[Tier, CacheRules]:
    if name == LOOKUP:
        return LOOKUP_TIER, rules_named("anthropic-2024-08")
    price = price_of(name)
    return TIERS[price.tier], price.rules


def understood(body: bytes) -> Asked:
    """Raises Refused."""
    try:
        data = json.loads(body)
        texts = [
            *_texts(data.get("system", [])),
            *(t for m in data["messages"] for t in _texts(m["content"])),
        ]
        wanted, stream, model = int(data["max_tokens"]), bool(data.get("stream", False)), str(data["model"])
        if data["messages"][-1]["role"] != "user":
            raise Refused("messages: the last one must be the user's; prefill is not supported")
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise Refused(f"{type(error).__name__}: {error}") from None
    if wanted == 0 and stream:
        raise Refused("max_tokens: 0 cannot be streamed")
    blocks = tuple(_block(place, text, mark) for place, (text, mark) in enumerate(texts))
    order = ORDER.findall(texts[-1][0] if texts else "")
    return Asked(model, Prompt(blocks), min(wanted, int(order[-1]) if order else 16), stream)


def _texts(content: Any) -> list[tuple[str, str | None]]:
    if isinstance(content, str):
        return [(content, None)]
    return [(str(part["text"]), _mark(part.get("cache_control"))) for part in content]


def _mark(control: Any) -> str | None:
    return None if not control else str(control.get("ttl", "5m"))


def _block(place: int, text: str, mark: str | None) -> Block:
    fingerprint = blake2b(text.encode(), digest_size=16).hexdigest()
    return Block(
        name=f"block {place}",
        tokens=len(text.split()),
        stability=Stability.CALL,
        fingerprint=fingerprint,
        breakpoint=mark,
    )


def usage_of(use: CacheUse, output: int) -> dict[str, Any]:
    """Tokens as the API names them."""
    lives = {f"ephemeral_{ttl}_input_tokens": tokens for ttl, tokens in use.written_by_ttl.items()}
    return {
        "input_tokens": use.fresh,
        "cache_creation_input_tokens": use.written,
        "cache_read_input_tokens": use.read,
        "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0, **lives},
        "output_tokens": output,
    }


@dataclass
class Provider:
    """The caches of all rule sets, and the time. `scale`: seconds of its own in a second of the clock."""

    scale: float = 1.0
    calls: int = 0
    _caches: dict[str, PrefixCache] = field(default_factory=dict)
    _numbers: Any = field(default_factory=count)

    def now(self) -> float:
        return time.monotonic() * self.scale

    async def wait_until(self, moment: float) -> None:
        await asyncio.sleep(max(0.0, (moment - self.now()) / self.scale))

    async def answer(self, asked: Asked, came_at: float) -> AsyncIterator[tuple[str, Any]]:
        """("begins", CacheUse), then ("text", words) at the decode rate, then ("ends", tokens)."""
        self.calls += 1
        tier, rules = model_of(asked.model)
        cache = self._caches.setdefault(rules.name, PrefixCache(rules))
        pending = cache.begin(lay(asked.prompt, rules), self.now(), asked.model)
        use = pending.use
        first = came_at + time_to_first_token(tier, fresh=use.fresh + use.written, read=use.read)
        await self.wait_until(first)
        cache.finish(pending, self.now())
        yield "begins", use
        sent, step = 0, max(1, int(STEP_SECONDS * self.scale * tier.decode_tokens_per_second))
        while sent < asked.output:
            # The first token is there when the answer begins; the last one when all have been decoded.
            words = 1 if not sent and tier is not LOOKUP_TIER else min(step, asked.output - sent)
            sent += words
            await self.wait_until(first + (sent if sent > 1 else 0) / tier.decode_tokens_per_second)
            yield "text", " ".join(f"w{sent - each}" for each in range(words, 0, -1)) + " "
        yield "ends", sent

    def message(self, asked: Asked, use: CacheUse, output: int) -> dict[str, Any]:
        return {
            "id": f"msg_{next(self._numbers)}",
            "type": "message",
            "role": "assistant",
            "model": asked.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": usage_of(use, output),
        }


class Connection:
    """One client's connection: requests one after the other."""

    def __init__(
        self, provider: Provider, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.provider, self.reader, self.writer = provider, reader, writer

    async def serve(self) -> None:
        try:
            while await self._one():
                await self.writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            return  # the client went away
        finally:
            self.writer.close()

    async def _one(self) -> bool:
        line = await self.reader.readline()
        if not line:
            return False
        came_at = self.provider.now()
        method, path, _ = line.decode("latin-1").split(" ", 2)
        headers = await self._headers()
        body = await self.reader.readexactly(int(headers.get("content-length", "0")))
        if (method, path) == ("GET", "/healthz"):
            self._plain(200, {"calls": self.provider.calls})
        elif (method, path) != ("POST", "/v1/messages"):
            self._error(404, "not_found_error", path)
        else:
            await self._messages(body, came_at)
        return True

    async def _headers(self) -> dict[str, str]:
        found: dict[str, str] = {}
        while (line := (await self.reader.readline()).decode("latin-1").strip()) != "":
            name, _, value = line.partition(":")
            found[name.lower()] = value.strip()
        return found

    async def _messages(self, body: bytes, came_at: float) -> None:
        try:
            asked = understood(body)
            model_of(asked.model)
            await (self._stream if asked.stream else self._whole)(asked, came_at)
        except (Refused, PromptError) as error:
            self._error(400, "invalid_request_error", str(error))

    async def _whole(self, asked: Asked, came_at: float) -> None:
        use, text, output = CacheUse(0, 0, 0), "", 0
        async for what, value in self.provider.answer(asked, came_at):
            if what == "begins":
                use = value
            elif what == "text":
                text += value
            else:
                output = value
        reason = "max_tokens" if not output else "end_turn"
        content = [{"type": "text", "text": text}] if text else []
        self._plain(
            200, {**self.provider.message(asked, use, output), "content": content, "stop_reason": reason}
        )

    async def _stream(self, asked: Asked, came_at: float) -> None:
        async for what, value in self.provider.answer(asked, came_at):
            if what == "begins":
                self._head(200, "text/event-stream", "transfer-encoding: chunked")
                self._event("message_start", message=self.provider.message(asked, value, 0))
                start = {"type": "text", "text": ""}
                self._event("content_block_start", index=0, content_block=start)
            elif what == "text":
                delta = {"type": "text_delta", "text": value}
                self._event("content_block_delta", index=0, delta=delta)
            else:
                self._event("content_block_stop", index=0)
                delta = {"stop_reason": "end_turn", "stop_sequence": None}
                self._event("message_delta", delta=delta, usage={"output_tokens": value})
                self._event("message_stop")
                self.writer.write(b"0\r\n\r\n")
            await self.writer.drain()

    def _head(self, status: int, kind: str, more: str) -> None:
        self.writer.write(f"HTTP/1.1 {status} x\r\ncontent-type: {kind}\r\n{more}\r\n\r\n".encode())

    def _plain(self, status: int, data: dict[str, Any]) -> None:
        text = json.dumps(data).encode()
        self._head(status, "application/json", f"content-length: {len(text)}")
        self.writer.write(text)

    def _error(self, status: int, kind: str, message: str) -> None:
        self._plain(status, {"type": "error", "error": {"type": kind, "message": message}})

    def _event(self, kind: str, **fields: Any) -> None:
        data = f"event: {kind}\ndata: {json.dumps({'type': kind, **fields})}\n\n".encode()
        self.writer.write(b"%x\r\n%b\r\n" % (len(data), data))


async def listen(provider: Provider, port: int = 0) -> tuple[asyncio.Server, int]:
    """On the loopback; the port is free unless told."""

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await Connection(provider, reader, writer).serve()

    server = await asyncio.start_server(meet, "127.0.0.1", port, limit=2**24)
    return server, int(server.sockets[0].getsockname()[1])


async def serve(scale: float, port: int) -> None:
    server, port = await listen(Provider(scale), port)
    print(port, flush=True)
    async with server:
        await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--port", type=int, default=0)
    options = parser.parse_args()
    try:
        asyncio.run(serve(options.scale, options.port))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
