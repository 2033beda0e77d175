"""HTTP/1.1 over one connection, by hand: a server that breaks answers on purpose has to place every byte."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LONGEST_LINE = 2**16
_REASONS = {200: "OK", 307: "Temporary Redirect", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found",
            413: "Content Too Large", 429: "Too Many Requests", 500: "Internal Server Error"}  # fmt: skip


class ClientGone(Exception):  # noqa: N818
    """The other side has closed the connection."""


class HungUp(Exception):  # noqa: N818
    """This side has closed the connection."""


class Reader(asyncio.StreamReader):
    """Says when the other side has gone, also while nobody reads."""

    def __init__(self, limit: int = LONGEST_LINE) -> None:
        super().__init__(limit=limit)
        self.gone = asyncio.Event()

    def feed_eof(self) -> None:
        super().feed_eof()
        self.gone.set()

    def set_exception(self, exc: Exception) -> None:
        super().set_exception(exc)
        self.gone.set()


@dataclass(frozen=True, slots=True)
class Request:
    """`path` without the query, header names in lower case; `body` is None where it was too long to read."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes | None


def dumped(data: Any) -> bytes:
    """JSON with its characters as they are, as the API sends it; what UTF-8 cannot hold is escaped."""
    try:
        return json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return json.dumps(data).encode()


class Wire:
    """Reads requests and writes answers. `sliced` sends every byte in a piece of its own."""

    def __init__(self, reader: Reader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.sliced = False
        self.always: dict[str, str] = {}
        """Headers of every answer."""

    async def request(self, largest: int) -> Request | None:
        """The next one, or None when there are no more. Raises ValueError for what is not HTTP."""
        line = await self.reader.readline()
        if not line:
            return None
        method, target, _ = line.decode("latin-1").split(" ", 2)
        path, _, query = target.partition("?")
        headers: dict[str, str] = {}
        while (line := await self.reader.readline()).strip():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        size = int(headers.get("content-length", "0"))
        body = None if size > largest else await self.reader.readexactly(size)
        return Request(method, path, query, headers, body)

    async def wait(self, seconds: float | None) -> None:
        """So long, or for ever. Raises ClientGone as soon as the other side goes."""
        try:
            async with asyncio.timeout(seconds):
                await self.reader.gone.wait()
        except TimeoutError:
            return
        raise ClientGone

    async def turn(self) -> None:
        """Lets others go on. Raises ClientGone."""
        await asyncio.sleep(0)
        if self.reader.gone.is_set():
            raise ClientGone

    def head(self, status: int, kind: str, more: Mapping[str, str]) -> None:
        """Status line and headers."""
        headers = {"content-type": kind, **self.always, **more}
        lines = [f"HTTP/1.1 {status} {_REASONS.get(status, 'Rehearsed')}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self.writer.write(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    async def json(self, status: int, data: Any, more: Mapping[str, str] | None = None) -> None:
        """A whole answer."""
        await self.whole(status, dumped(data), more)

    async def whole(self, status: int, body: bytes, more: Mapping[str, str] | None = None) -> None:
        """A whole answer of these bytes, said to be JSON."""
        self.head(status, "application/json", {"content-length": str(len(body)), **(more or {})})
        await self.raw(body)

    async def raw(self, data: bytes) -> None:
        """Bytes as they are."""
        for piece in self._pieces(data):
            self.writer.write(piece)
            await self.drain()

    async def open_stream(self) -> None:
        """Server-sent events follow, in chunks."""
        self.head(200, "text/event-stream; charset=utf-8", {"transfer-encoding": "chunked"})
        await self.drain()

    async def event(self, kind: str, data: bytes) -> None:
        """One event."""
        for piece in self._pieces(b"event: %b\ndata: %b\n\n" % (kind.encode(), data)):
            self.writer.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            await self.drain()

    async def close_stream(self) -> None:
        """The body ends as a body should."""
        self.writer.write(b"0\r\n\r\n")
        await self.drain()

    def _pieces(self, data: bytes) -> list[bytes]:
        return [data[i : i + 1] for i in range(len(data))] if self.sliced else [data]

    async def drain(self) -> None:
        """Raises ClientGone."""
        try:
            await self.writer.drain()
        except ConnectionError:
            raise ClientGone from None

    async def reset(self) -> None:
        """A TCP reset. Raises HungUp."""
        await self.wait(0.02)  # what was sent before arrives before
        end: socket.socket = self.writer.get_extra_info("socket")
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()
        raise HungUp

    async def cut(self) -> None:
        """Half a chunk, then the end of the connection. Raises HungUp."""
        self.writer.write(b"400\r\nevent: content_block_delta\n")
        await self.drain()
        raise HungUp
