"""The coach's socket: typed commands in, stored events out. It neither owns nor runs a turn."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from asgiref.sync import ThreadSensitiveContext
from channels.consumer import get_handler_name
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import Error
from django.http.cookie import parse_cookie

from coach import rendering
from coach.access import learner_of_session
from coach.beginning import Begin, Refused
from coach.frames import Ack, Again, Ask, Command, FrameRefused, Stop, Subscribe, parse_command
from coach.hub import Envelope, Subscription, topic_of
from coach.origins import headers_of, is_own_origin
from coach.queries import newest_number, turns_after
from coach.rendering import envelope_of
from coach.sockets import sockets
from coach.turns import Supervisor, attach

logger = logging.getLogger(__name__)
SIGNED_OUT = 4401
REFUSED = 4400
RESTART = 1012
SLOW = 1013
# How many frames may be under way to a page that has not said it showed them.
WINDOW_FRAMES = 64
# So long it may say nothing before it is closed, to come back and read the rows.
SLOW_SECONDS = 30.0
MALFORMED_MAX = 10
# So many commands of one page are worked on at once.
COMMANDS_MAX = 16


class CoachConsumer(AsyncWebsocketConsumer):  # type: ignore[misc]  # channels has no types
    async def __call__(
        self, scope: dict[str, Any], receive: Callable[..., Any], send: Callable[..., Any]
    ) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._pump: asyncio.Task[None] | None = None
        self._sent = self._shown = self._malformed = 0
        self._room = asyncio.Event()
        self._room.set()
        self.learner_id: int | None = None
        self.supervisor: Supervisor = await attach()
        async with ThreadSensitiveContext():
            try:
                await super().__call__(scope, receive, send)
            finally:
                await self._clean_up()

    async def dispatch(self, message: dict[str, Any]) -> None:
        # Without the base class's thread hop before each message: no handler here holds a connection.
        await getattr(self, get_handler_name(message))(message)

    async def _clean_up(self) -> None:
        """Whatever ended the socket: nothing of it goes on."""
        sockets.discard(self)
        tasks = [task for task in (*self._tasks, self._pump) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        """Handlers hand over and return; Stop and the disconnect must not wait behind a question."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # Coming and going

    async def connect(self) -> None:
        headers = headers_of(self.scope)
        secure = self.scope.get("scheme") in {"wss", "https"}
        if not is_own_origin(headers.get("origin"), host=headers.get("host", ""), secure=secure):
            await self.close()
            return
        self.session_key = parse_cookie(headers.get("cookie", "")).get(settings.SESSION_COOKIE_NAME, "")
        try:
            self.learner_id = await self._signed_in()
        except Error as error:
            # The store is away: refused like this, the page comes back, later each time.
            logger.warning("A page could not be let in: %s", error.__class__.__name__)
            await self.close()
            return
        await self.accept()
        if self.learner_id is None:
            # Accepted first: a refused handshake has no code, and the page would try for ever.
            await self.close(code=SIGNED_OUT)
        elif self.supervisor.draining:
            await self.close(code=RESTART)
        else:
            sockets.add(self)

    async def _signed_in(self) -> int | None:
        if not self.session_key:
            return None
        return await self.supervisor.read(partial(learner_of_session, self.session_key))

    async def sign_out(self) -> None:
        await self.close(code=SIGNED_OUT)

    async def restart(self) -> None:
        await self.close(code=RESTART)

    # Commands

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.learner_id is None:
            return
        if text_data is None:
            await self.close(code=REFUSED)
            return
        try:
            command = parse_command(text_data)
        except FrameRefused as refusal:
            await self._refuse(refusal.code)
            return
        if len(self._tasks) >= COMMANDS_MAX and not isinstance(command, Ack):
            await self._send_notice("busy")
            return
        self._COMMANDS[type(command)](self, command)

    async def _refuse(self, code: str) -> None:
        self._malformed += code in {"malformed", "too-large"}
        if self._malformed > MALFORMED_MAX:
            await self.close(code=REFUSED)
            return
        await self._send_notice(code)

    async def _send_notice(self, code: str) -> None:
        if code == "signed-out":
            await self.sign_out()
        elif self._room.is_set():
            await self._send_counted(rendering.notice(code))
        else:
            # Who reads nothing and goes on sending is told in the only way that takes no room.
            await self.close(code=SLOW)

    async def _send_counted(self, html: str) -> None:
        await self.send(text_data=html)
        self._sent += 1
        if self._sent - self._shown >= WINDOW_FRAMES:
            self._room.clear()

    def _on_ack(self, command: Ack) -> None:
        self._shown = max(self._shown, min(command.shown, self._sent))
        if self._sent - self._shown < WINDOW_FRAMES:
            self._room.set()

    def _on_ask(self, command: Ask) -> None:
        self._do(
            self._begin(
                Begin(
                    key=command.key,
                    subject=command.subject,
                    question=command.question,
                    section=command.section,
                )
            )
        )

    def _on_again(self, command: Again) -> None:
        self._do(self._begin(Begin(key=command.key, again=command.turn)))

    async def _begin(self, begin: Begin) -> None:
        signed = replace(begin, session_key=self.session_key, learner_id=self.learner_id)
        await self._guarded(partial(self._begin_or_refuse, signed))

    async def _begin_or_refuse(self, begin: Begin) -> None:
        outcome = await self.supervisor.begin(begin)
        if isinstance(outcome, Refused):
            await self._send_notice(outcome.code)

    def _on_stop(self, command: Stop) -> None:
        self._do(self._guarded(partial(self._stop, command.turn)))

    async def _stop(self, turn: uuid.UUID) -> None:
        learner = await self._signed_in()
        if learner is None or learner != self.learner_id:
            await self.sign_out()
        elif not await self.supervisor.stop(turn, learner_id=learner):
            await self._send_notice("unknown")

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except Error as error:
            logger.warning("The coach's store is not available: %s", error.__class__.__name__)
            await self._send_notice("unavailable")

    def _on_subscribe(self, command: Subscribe) -> None:
        if self._pump is not None:
            self._pump.cancel()
        self._pump = asyncio.create_task(self._pump_events(command))

    # Events

    async def _pump_events(self, command: Subscribe) -> None:
        try:
            await self._follow(command)
        except TimeoutError:
            await self.close(code=SLOW)
        except Exception as error:
            # A page to which nothing new is sent must hear of that: it comes back, and says what it has.
            logger.warning("A page could not be shown what is new: %s", error.__class__.__name__)
            await self.restart()

    async def _follow(self, command: Subscribe) -> None:
        """Join the hub, read the rows after the cursor, forward what comes after them: in that order."""
        learner = await self._signed_in()
        if learner is None or learner != self.learner_id:
            await self.sign_out()
            return
        newest = await self.supervisor.read(
            partial(newest_number, learner_id=learner, subject=command.subject)
        )
        # No page has turns that are not there yet: what comes after the newest one is news to all.
        cursors = _Cursors(min(command.after, newest), dict(command.cursors))
        with self.supervisor.hub.joined(topic_of(learner, command.subject)) as subscription:
            await self._send_rows(learner, command, cursors)
            while True:
                await self._forward(subscription, learner, command, cursors)

    async def _forward(
        self, subscription: Subscription, learner: int, command: Subscribe, cursors: _Cursors
    ) -> None:
        batch = await subscription.take()
        if batch is None:
            await self._send_rows(learner, command, cursors)
            return
        for envelope in batch:
            if cursors.has_gap_before(envelope):
                await self._send_rows(learner, command, cursors)
            await self._show(envelope, cursors)

    async def _send_rows(self, learner: int, command: Subscribe, cursors: _Cursors) -> None:
        ask = partial(
            turns_after,
            learner_id=learner,
            subject=command.subject,
            after=cursors.after,
            cursors=cursors.open(),
        )
        for turn, events in await self.supervisor.read(ask):
            for event in events:
                await self._show(envelope_of(turn, event), cursors)

    async def _show(self, envelope: Envelope, cursors: _Cursors) -> None:
        if not cursors.advance(envelope):
            return
        # A page that does not say what it showed is a slow reader: the server would buffer without bound.
        if not self._room.is_set():
            async with asyncio.timeout(SLOW_SECONDS):
                await self._room.wait()
        await self._send_counted(envelope.html)

    _COMMANDS: ClassVar[dict[type[Command], Callable[[CoachConsumer, Any], None]]] = {
        Subscribe: _on_subscribe,
        Ask: _on_ask,
        Again: _on_again,
        Stop: _on_stop,
        Ack: _on_ack,
    }


class _Cursors:
    """What this socket's page has of each turn. `after`: the newest turn that it has at all.

    Of a turn that is not newer and has no cursor the page has everything: it had ended.
    """

    def __init__(self, after: int, known: dict[uuid.UUID, int]) -> None:
        self.after = self._whole_until = after
        self._seqs = {str(key): seq for key, seq in known.items()}

    def open(self) -> dict[uuid.UUID, int]:
        return {uuid.UUID(key): seq for key, seq in list(self._seqs.items())[-40:]}

    def has_gap_before(self, envelope: Envelope) -> bool:
        """Whether the page lacks earlier events of this turn, or a whole turn before it."""
        is_ahead = envelope.seq > self._seqs.get(envelope.turn, 0) + 1 or envelope.number > self.after + 1
        return self._is_wanted(envelope) and is_ahead

    def _is_wanted(self, envelope: Envelope) -> bool:
        return envelope.number > self._whole_until or envelope.turn in self._seqs

    def advance(self, envelope: Envelope) -> bool:
        """Whether the event is next; True moves the cursor."""
        if not self._is_wanted(envelope) or envelope.seq <= self._seqs.get(envelope.turn, 0):
            return False
        self._seqs[envelope.turn] = envelope.seq
        self.after = max(self.after, envelope.number)
        return True
