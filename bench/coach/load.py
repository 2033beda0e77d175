"""`python -m bench.coach.load`: an order on stdin, what the learners saw on stdout, both as JSON.

Runs beside the server in a process of its own, so that neither's work counts as the other's.
"""

from __future__ import annotations

import asyncio
import gc
import json
import re
import sys
import time
import urllib.parse
import uuid
from collections.abc import Awaitable, Callable
from functools import partial
from html import unescape
from typing import Any

import websockets

from bench.coach.learners import ENDS, Page, Reply
from bench.coach.servers import cpu_seconds

Order = dict[str, Any]
CURSOR = re.compile(r'data-turn="([0-9a-f-]+)" data-seq="(\d+)"')
NUMBER = re.compile(r'data-number="(\d+)"')
SENTENCE = re.compile(r'<span class="coach-sentence">(.*?)(?: <a |</span>)', re.DOTALL)
AT_ONCE = 50
"""So many sockets are opened side by side where opening them is not what is measured."""


async def ask(order: Order) -> Any:
    """Everybody asks, at the same moment or spread over some seconds; round after round."""
    pages = await opened(order)
    await asyncio.sleep(0.5)
    counted = Counted(order)
    replies: list[Reply] = []
    for number in range(order["rounds"]):
        question = order["questions"][number % len(order["questions"])]
        replies += await asyncio.gather(
            *(
                later(place * order["spread_seconds"] / len(pages), partial(page.ask, question))
                for place, page in enumerate(pages)
            )
        )
        await asyncio.sleep(0.1)
    used = counted.used()
    await asyncio.gather(*(page.close() for page in pages))
    newest = [number_of(reply) for reply in replies[-len(pages) :]]
    return {"replies": [told(reply) for reply in replies], "newest": newest, **used}


async def later(seconds: float, work: Callable[[], Awaitable[Any]]) -> Any:
    await asyncio.sleep(seconds)
    return await work()


class Counted:
    """What processes use from here on."""

    def __init__(self, order: Order) -> None:
        self._pids: dict[str, int] = order.get("pids", {})
        self._before = {name: cpu_seconds(pid) for name, pid in self._pids.items()}
        self._at = time.monotonic()

    def used(self) -> dict[str, Any]:
        cpu = {
            name: None if before is None else (cpu_seconds(self._pids[name]) or 0.0) - before
            for name, before in self._before.items()
        }
        return {"cpu": cpu, "seconds": time.monotonic() - self._at}


async def opened(order: Order) -> list[Page]:
    pages = [
        Page(order["port"], session, order["subject"], newest)
        for session, newest in zip(order["sessions"], order["newest"], strict=True)
    ]
    for start in range(0, len(pages), AT_ONCE):
        await asyncio.gather(*(page.open() for page in pages[start : start + AT_ONCE]))
    return pages


def told(reply: Reply) -> dict[str, Any]:
    turn = CURSOR.search(reply.frames[0][1])
    assert turn, reply.frames[0]
    return {
        "turn": turn[1],
        "asked_at": reply.asked_at,
        "frames": [[at, kind_of(frame), len(frame.encode()), said(frame)] for at, frame in reply.frames],
    }


def kind_of(frame: str) -> str:
    if ENDS in frame:
        return "end"
    if "coach-sentence" in frame:
        return "sentence"
    return "status" if 'id="coach-status"' in frame else "other"


def said(frame: str) -> str:
    found = SENTENCE.search(frame)
    return unescape(found[1]) if found else ""


async def storm(order: Order) -> Any:
    """Everybody asks and is cut off; when all is answered, everybody comes back at once for what is missing."""
    pages = await opened(order)
    begun = await asyncio.gather(*(begin_and_go(page, order["questions"][0]) for page in pages))
    await quiet(order["pids"]["app"])
    counted, came_at = Counted(order), time.monotonic()
    whole = await asyncio.gather(*(come_back(page, first) for page, first in zip(pages, begun, strict=True)))
    used = counted.used()
    await asyncio.gather(*(page.close() for page in pages))
    return {
        "seconds_until_whole": [reply.frames[-1][0] - came_at for reply in whole],
        "gaps": sum(not is_whole(first, rest) for first, rest in zip(begun, whole, strict=True)),
        "frames": sum(len(reply.frames) for reply in whole),
        "newest": [page.newest for page in pages],
        **used,
    }


async def begin_and_go(page: Page, question: str) -> Reply:
    reply = Reply(time.monotonic())
    await page.say(do="ask", subject=page.subject, key=str(uuid.uuid4()), question=question)
    await page.read(reply, frames=1)
    page.cut()
    return reply


async def come_back(page: Page, first: Reply) -> Reply:
    cursor = CURSOR.search(first.frames[0][1])
    assert cursor
    page.newest = number_of(first)
    await page.open(cursors={cursor[1]: int(cursor[2])})
    return await page.read(Reply(time.monotonic()))


def number_of(reply: Reply) -> int:
    number = NUMBER.search(reply.frames[0][1])
    assert number, reply.frames[0]
    return int(number[1])


def is_whole(first: Reply, rest: Reply) -> bool:
    seqs = [int(CURSOR.search(frame)[2]) for _at, frame in (*first.frames, *rest.frames)]  # type: ignore[index]
    return seqs == list(range(1, len(seqs) + 1))


async def quiet(pid: int) -> None:
    """Until a process has nothing to do."""
    before = cpu_seconds(pid)
    while True:
        await asyncio.sleep(1.0)
        now = cpu_seconds(pid)
        if before is None or now is None or now - before < 0.1:
            return
        before = now


async def submit(order: Order) -> Any:
    """The question as a form, without a socket: until the answer of the request."""
    seconds: list[float] = []
    for number in range(order["rounds"]):
        question = order["questions"][number % len(order["questions"])]
        seconds += await asyncio.gather(*(post(order, session, question) for session in order["sessions"]))
    return {"seconds": seconds}


async def post(order: Order, session: str, question: str) -> float:
    token = "t" * 32
    fields = {
        "csrfmiddlewaretoken": token,
        "subject": order["subject"],
        "question": question,
        "key": str(uuid.uuid4()),
        "section": "",
    }
    body = urllib.parse.urlencode(fields).encode()
    lines = [
        "POST /coach/ask/ HTTP/1.1",
        f"Host: 127.0.0.1:{order['port']}",
        f"Cookie: sessionid={session}; csrftoken={token}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *(["HX-Request: true"] if order["scripts"] else []),
    ]
    began = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", order["port"])
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    answer = await reader.read()
    took = time.monotonic() - began
    writer.close()
    status = answer.partition(b"\r\n")[0]
    assert status.split()[1] in {b"200", b"302"}, answer[:500]
    return took


async def listen(order: Order) -> Any:
    """Frames of a bare server, each of its sockets for itself."""
    address = f"ws://127.0.0.1:{order['port']}/{order['path']}/"
    sockets = [
        await websockets.connect(address, compression=None, ping_interval=None) for _ in order["sessions"]
    ]
    counted = Counted(order)
    frames = await asyncio.gather(
        *(
            later(place * order["spread_seconds"] / len(sockets), partial(heard, socket, order))
            for place, socket in enumerate(sockets)
        )
    )
    used = counted.used()
    await asyncio.gather(*(socket.close() for socket in sockets))
    return {"frames": frames, **used}


async def heard(socket: websockets.ClientConnection, order: Order) -> list[tuple[float, str]]:
    """Each frame's moment and first characters."""
    await socket.send(json.dumps(order["wanted"]))
    frames: list[tuple[float, str]] = []
    while len(frames) < order["wanted"]["frames"]:
        frame = str(await socket.recv())
        frames.append((time.monotonic(), frame[:20]))
        if frame == "end":
            break
    return frames


WHAT: dict[str, Callable[[Order], Awaitable[Any]]] = {
    "ask": ask,
    "storm": storm,
    "submit": submit,
    "listen": listen,
}


def main() -> None:
    order = json.load(sys.stdin)
    gc.disable()  # a pause here would be read as the server's
    print(json.dumps(asyncio.run(WHAT[order["what"]](order))))


if __name__ == "__main__":
    main()
