"""A learner's browser, as far as the socket sees one: frames in, fragments out, cursors kept."""

from __future__ import annotations

import asyncio
import json
import re
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, ParamSpec, TypeVar, cast

from channels.db import database_sync_to_async
from channels.testing import WebsocketCommunicator

from coach.asgi import routes
from coach.replies.passages import Index
from coach.together import Together

CURSOR = re.compile(r'data-turn="([0-9a-f-]+)" data-seq="(\d+)"')
SENTENCE = re.compile(r'<span class="coach-sentence">(.*?)(?: <a |</span>)')

P = ParamSpec("P")
T = TypeVar("T")


def in_thread(work: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """Ask the database from a test that runs on the loop."""
    return cast("Callable[P, Awaitable[T]]", database_sync_to_async(work))


class Page:
    """Keeps what it was shown: events by turn, in the order of arrival."""

    def __init__(self, session: str, *, host: str = "127.0.0.1:8000", origin: str | None = None) -> None:
        headers = [
            (b"host", host.encode()),
            (b"origin", (origin or f"http://{host}").encode()),
            (b"cookie", f"sessionid={session}".encode()),
        ]
        self.socket = WebsocketCommunicator(routes, "/ws/coach/", headers)
        self.seqs: dict[str, list[int]] = defaultdict(list)
        self.text: dict[str, list[str]] = defaultdict(list)
        self.html: list[str] = []
        self.codes: list[str] = []
        self.shown = 0

    async def open(self, subject: str = "exercise:travel", **cursor: Any) -> Page:
        connected, _ = await self.socket.connect(timeout=5)
        assert connected
        if subject:
            await self.say(do="subscribe", subject=subject, **cursor)
        return self

    async def say(self, **command: Any) -> None:
        await self.socket.send_to(text_data=json.dumps(command, default=str))

    async def ask(
        self, question: str, *, subject: str = "exercise:travel", key: uuid.UUID | None = None
    ) -> None:
        await self.say(do="ask", subject=subject, key=key or uuid.uuid4(), question=question)

    async def next(self, timeout: float = 5) -> str:
        html: str = await self.socket.receive_from(timeout=timeout)
        self.take(html)
        return html

    def take(self, html: str) -> None:
        self.html.append(html)
        self.shown += 1
        code = re.search(r'data-code="([a-z-]+)"', html)
        if code:
            self.codes.append(code[1])
            return
        turn, seq = CURSOR.search(html).groups()  # type: ignore[union-attr]
        self.seqs[turn].append(int(seq))
        self.text[turn] += SENTENCE.findall(html)

    async def until_end(self) -> str:
        """The turn whose end came first."""
        while True:
            html = await self.next()
            if "data-again=" in html:
                return CURSOR.search(html)[1]  # type: ignore[index]

    async def until_code(self) -> str:
        while not self.codes:
            await self.next()
        return self.codes[-1]

    async def closed_with(self) -> int:
        while True:
            message = await self.socket.receive_output(timeout=5)
            if message["type"] == "websocket.close":
                return int(message["code"])

    async def quiet(self) -> bool:
        return bool(await self.socket.receive_nothing(timeout=0.1))

    async def leave(self) -> None:
        await self.socket.disconnect()
        await asyncio.sleep(0)


class Unending(Together[str, Index]):
    """Lessons that nobody ever gets to read."""

    def __init__(self) -> None:
        super().__init__(lambda keys: {}, lambda _read: asyncio.Event().wait())
