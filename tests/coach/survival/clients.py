"""Learners' browsers from outside: they ask, watch, come back after a cut, write down what they are told."""

from __future__ import annotations

import asyncio
import html
import http.cookiejar
import json
import random
import re
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import websockets

from tests.coach.survival.checker import Event, Final, Record
from tests.coach.talking import CURSOR, SENTENCE

SUBJECT = "exercise:travel"
PAGE = "/coach/exercise/travel/"
NUMBER = re.compile(r'data-number="(\d+)"')
QUESTION = re.compile(r'<div class="coach-question"[^>]*>(?:<span[^>]*>[^<]*</span>)?(.*?)</div>', re.DOTALL)
ARTICLE = re.compile(r'<article class="coach-turn" id="turn-([0-9a-f-]+)".*?</article>', re.DOTALL)
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
BACKOFF_SECONDS = (0.1, 1.0)
Log = Callable[[Record], None]


def kind_of(frame: str) -> str:
    if 'class="coach-turn"' in frame:
        return "begun"
    if "data-again=" in frame:
        return "end"
    if SENTENCE.search(frame):
        return "sentence"
    return "restart" if re.search(r'-text" hx-swap-oob="innerHTML"></div>', frame) else "status"


def question_in(markup: str) -> str:
    found = QUESTION.search(markup)
    return html.unescape(found[1]).strip() if found else ""


def said_in(markup: str) -> str:
    return " ".join(html.unescape(text) for text in SENTENCE.findall(markup))


def event_in(frame: str) -> tuple[str, int, Event]:
    """Turn, its number, and the event of a frame."""
    cursor, number = CURSOR.search(frame), NUMBER.search(frame)
    assert cursor
    assert number
    kind = kind_of(frame)
    return (
        cursor[1],
        int(number[1]),
        Event(int(cursor[2]), kind, said_in(frame) if kind == "sentence" else ""),
    )


class Tab:
    """One page with its socket. `address()` is where a server listens now: there may be several."""

    def __init__(self, name: str, session: str, address: Callable[[], str], log: Log) -> None:
        self.name = name
        self.session = session
        self.address = address
        self.log = log
        self.after = 0
        self.cursors: dict[str, int] = {}
        self.ended: set[str] = set()
        self.asked: dict[str, str] = {}
        self.pending: dict[str, Any] | None = None
        self.acknowledged = asyncio.Event()
        self.closes: list[int] = []
        self.statuses: list[int] = []
        self.ends: list[str] = []
        self._connection: websockets.ClientConnection | None = None

    async def live(self) -> None:
        """Stay connected, whatever happens, until cancelled."""
        pause, longest = BACKOFF_SECONDS
        while True:
            try:
                await self._one_connection()
                pause = BACKOFF_SECONDS[0]
            except (OSError, websockets.WebSocketException, TimeoutError):
                pause = min(2 * pause, longest)
            self._connection = None
            await asyncio.sleep(pause * random.uniform(0.5, 1.5))

    async def _one_connection(self) -> None:
        address = self.address()
        async with websockets.connect(
            f"ws://{address}/ws/coach/",
            origin=websockets.Origin(f"http://{address}"),
            additional_headers={"Cookie": f"sessionid={self.session}"},
            open_timeout=5,
        ) as connection:
            open_turns = {turn: seq for turn, seq in self.cursors.items() if turn not in self.ended}
            await self._say(connection, do="subscribe", subject=SUBJECT, after=self.after, cursors=open_turns)
            self._connection = connection
            if self.pending:
                await self._say(connection, **self.pending)
            try:
                await self._read(connection)
            finally:
                self.closes.append(connection.close_code or 0)

    async def _say(self, connection: websockets.ClientConnection, **command: Any) -> None:
        await connection.send(json.dumps(command))

    async def _read(self, connection: websockets.ClientConnection) -> None:
        shown = 0
        while True:
            frame = str(await connection.recv())
            shown += 1
            if "data-code=" not in frame:
                self._take(frame)
            await self._say(connection, do="ack", shown=shown)

    def _take(self, frame: str) -> None:
        turn, number, event = event_in(frame)
        seen = {"turn": turn, "seq": event.seq, "kind": event.kind, "text": event.text}
        self.log({"log": "client", "op": "see", "client": self.name, **seen})
        self.cursors[turn] = event.seq
        self.after = max(self.after, number)
        if event.kind == "begun":
            self._acknowledge(turn, question_in(frame))
        if event.kind == "end":
            self.ended.add(turn)
            self.ends.append(frame)

    def _acknowledge(self, turn: str, question: str) -> None:
        key = self.asked.get(question)
        if key is None:
            return
        self._log_submit("ok", key, question, turn=turn)
        if self.pending and self.pending["key"] == key:
            self.pending = None
            self.acknowledged.set()

    def _log_submit(self, outcome: str, key: str, question: str, **more: str) -> None:
        record = {"log": "client", "op": "submit", "client": self.name, "type": outcome}
        self.log({**record, "key": key, "question": question, **more})

    async def ask(self, question: str, *, times: int = 1) -> None:
        """Ask, and wait until it is acknowledged; over a new connection, if need be, with the same key."""
        key = str(uuid.uuid4())
        self.asked[question] = key
        self.acknowledged.clear()
        self.pending = {"do": "ask", "subject": SUBJECT, "key": key, "question": question}
        self._log_submit("invoke", key, question)
        for _ in range(times):
            await self._nudge()
        while not self.acknowledged.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self.acknowledged.wait(), 3)
            if not self.acknowledged.is_set():
                await self._nudge()

    async def _nudge(self) -> None:
        if self._connection and self.pending:
            with suppress(websockets.WebSocketException):
                await self._say(self._connection, **self.pending)

    async def ask_by_form(self, question: str) -> None:
        """As a page without scripts does, with the same key until the redirect comes that acknowledges it."""
        key = str(uuid.uuid4())
        self._log_submit("invoke", key, question)
        while True:
            try:
                turn = await asyncio.to_thread(self._post, key, question)
            except (OSError, urllib.error.URLError, ValueError) as error:
                if isinstance(error, urllib.error.HTTPError):
                    self.statuses.append(error.code)
                await asyncio.sleep(random.uniform(0.1, 0.5))
            else:
                self._log_submit("ok", key, question, turn=turn)
                return

    def _post(self, key: str, question: str) -> str:
        page = fetch(self.address(), PAGE, self.session)
        fields = {"subject": SUBJECT, "question": question, "key": key, "section": ""}
        token = TOKEN.search(page.body)
        if token is None:
            raise ValueError("the page has no form")
        fields["csrfmiddlewaretoken"] = token[1]
        reply = fetch(self.address(), "/coach/ask/", self.session, fields, cookies=page.cookies)
        found = re.search(r"#turn-([0-9a-f-]+)", reply.address)
        if found is None:
            raise ValueError("the form led elsewhere")
        return found[1]

    def settle(self, turns: list[str]) -> None:
        self.log({"log": "client", "op": "settled", "client": self.name, "turns": turns})


class Fetched:
    def __init__(self, body: str, address: str, cookies: http.cookiejar.CookieJar) -> None:
        self.body, self.address, self.cookies = body, address, cookies


def fetch(
    address: str,
    path: str,
    session: str,
    fields: dict[str, str] | None = None,
    cookies: http.cookiejar.CookieJar | None = None,
) -> Fetched:
    jar = cookies if cookies is not None else http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))
    token = "".join(f"; {cookie.name}={cookie.value}" for cookie in jar if cookie.name == "csrftoken")
    data = urllib.parse.urlencode(fields).encode() if fields else None
    request = urllib.request.Request(f"http://{address}{path}", data=data)
    request.add_unredirected_header("Cookie", f"sessionid={session}{token}")
    with opener.open(request, timeout=30) as response:
        return Fetched(response.read().decode(), response.geturl(), jar)


async def final_read(session: str, address: str) -> list[Final]:
    """What a learner who comes now is shown: each turn by its events, and by the page."""
    page = (await asyncio.to_thread(fetch, address, PAGE, session)).body
    articles = {found[1]: found[0] for found in ARTICLE.finditer(page)}
    records: list[Record] = []
    tab = Tab("final", session, lambda: address, records.append)
    living = asyncio.create_task(tab.live())
    with suppress(TimeoutError):
        await asyncio.wait_for(_all_ended(tab, set(articles)), 10)
    living.cancel()
    await asyncio.gather(living, return_exceptions=True)
    return [
        Final(
            turn,
            question_in(article),
            [
                Event(r["seq"], r["kind"], r["text"])
                for r in records
                if r["op"] == "see" and r["turn"] == turn
            ],
            said_in(article),
            is_open='data-open="yes"' in article,
        )
        for turn, article in articles.items()
    ]


async def _all_ended(tab: Tab, turns: set[str]) -> None:
    while not turns <= tab.ended:
        await asyncio.sleep(0.05)
