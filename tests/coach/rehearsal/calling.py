"""A caller over real HTTP that sees every byte, broken answers included."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

from coach.rehearsal.provider import Provider
from coach.rehearsal.server import Rehearsal

FAST = 1000.0
"""A second of the provider's passes in a millisecond."""
HEADERS = {"x-api-key": "any", "anthropic-version": "2026-10-21"}
SONNET, HAIKU, OPUS = "claude-sonnet-5-5", "claude-haiku-5-5", "claude-opus-5-5"


@dataclass
class Answered:
    """`ended`: "closed" or "reset", as the connection ended."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    ended: str = "closed"

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """Of a stream: what each event carried, in order, pings left out."""
        lines = unchunked(self.body).decode().split("\n")
        found = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
        return [event for event in found if event["type"] != "ping"]

    @property
    def kinds(self) -> list[str]:
        return [event["type"] for event in self.events]

    @property
    def text(self) -> str:
        return "".join(event["delta"].get("text", "") for event in self.events if "delta" in event)


def unchunked(body: bytes) -> bytes:
    whole = b""
    while body:
        size, _, rest = body.partition(b"\r\n")
        length = int(size, 16)
        whole, body = whole + rest[:length], rest[length + 2 :]
    return whole


async def call(
    server: Rehearsal, method: str, path: str, data: Any = None, headers: dict[str, str] | None = None
) -> Answered:
    """One request on a connection of its own, read until the connection ends."""
    body = data if isinstance(data, bytes) else b"" if data is None else json.dumps(data).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, limit=2**24)
    sent = HEADERS if headers is None else headers
    lines = [f"{method} {path} HTTP/1.1", "host: x", "connection: close", f"content-length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in sent.items()]
    writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
    found, ended = b"", "closed"
    try:
        while piece := await reader.read(2**16):
            found += piece
    except ConnectionResetError:
        ended = "reset"
    writer.close()
    return _parsed(found, ended)


def _parsed(found: bytes, ended: str) -> Answered:
    if not found:
        return Answered(ended=ended)
    head, _, body = found.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return Answered(int(first.split()[1]), headers, body, ended)


async def ask(server: Rehearsal, headers: dict[str, str] | None = None, **data: Any) -> Answered:
    """One message."""
    sent = HEADERS if headers is None else {**HEADERS, **headers}
    return await call(server, "POST", "/v1/messages", request(**data), sent)


def request(**more: Any) -> dict[str, Any]:
    user = {"role": "user", "content": "Which calls can run at once?"}
    return {"model": SONNET, "max_tokens": 500, "messages": [user], **more}


def marked(text: str, ttl: str | None = None) -> dict[str, Any]:
    """A text block that ends in a breakpoint."""
    control = {"type": "ephemeral"} | ({"ttl": ttl} if ttl else {})
    return {"type": "text", "text": text, "cache_control": control}


def fast(**more: Any) -> Rehearsal:
    return Rehearsal(provider=Provider(scale=FAST), **more)
