"""One learner's page as the socket sees it: asks, keeps each frame with its moment, says what it has shown.

Moments are of the clock that all processes of a machine share. Frames are read after the measurement.
"""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import websockets

ACK_EVERY = 32
ENDS = "data-again="
"""Stands in the last frame of a reply only."""


@dataclass(slots=True)
class Reply:
    asked_at: float
    frames: list[tuple[float, str]] = field(default_factory=list)


class Page:
    """`newest`: the number of the newest turn that it shows; what came before is not sent again."""

    def __init__(self, port: int, session: str, subject: str, newest: int = 0) -> None:
        self.port, self.session, self.subject, self.newest = port, session, subject, newest
        self.socket: websockets.ClientConnection | None = None

    async def open(self, **cursor: Any) -> None:
        self.socket = await websockets.connect(
            f"ws://127.0.0.1:{self.port}/ws/coach/",
            origin=websockets.Origin(f"http://127.0.0.1:{self.port}"),
            additional_headers={"Cookie": f"sessionid={self.session}"},
            compression=None,
            ping_interval=None,
            open_timeout=60,
        )
        await self.say(do="subscribe", subject=self.subject, after=self.newest, **cursor)

    async def say(self, **command: Any) -> None:
        assert self.socket is not None
        await self.socket.send(json.dumps(command))

    async def ask(self, question: str) -> Reply:
        """The whole reply."""
        reply = Reply(time.monotonic())
        await self.say(do="ask", subject=self.subject, key=str(uuid.uuid4()), question=question)
        return await self.read(reply)

    async def read(self, reply: Reply, *, frames: int | None = None) -> Reply:
        """To the end, or so many frames of it."""
        assert self.socket is not None
        while frames is None or len(reply.frames) < frames:
            frame = str(await self.socket.recv())
            reply.frames.append((time.monotonic(), frame))
            if len(reply.frames) % ACK_EVERY == 0 or ENDS in frame:
                # The page says what it has shown, or the server stops sending.
                await self.say(do="ack", shown=2**40)
            if ENDS in frame:
                break
            assert "data-code=" not in frame, frame
        return reply

    async def close(self) -> None:
        if self.socket is not None:
            await self.socket.close()

    def cut(self) -> None:
        """As a network does: without a word."""
        assert self.socket is not None
        self.socket.transport.abort()
