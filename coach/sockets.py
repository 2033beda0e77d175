"""The open sockets of this process: signed out together, closed together."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from functools import partial
from typing import Protocol

from coach.access import learners_of_sessions
from coach.turns import Supervisor

logger = logging.getLogger(__name__)
SIGN_IN_CHECK_SECONDS = 5.0


class Socket(Protocol):
    session_key: str
    learner_id: int | None

    async def sign_out(self) -> None: ...

    async def restart(self) -> None: ...


class Sockets:
    def __init__(self) -> None:
        self._open: set[Socket] = set()

    def add(self, socket: Socket) -> None:
        self._open.add(socket)

    def discard(self, socket: Socket) -> None:
        self._open.discard(socket)

    def __len__(self) -> int:
        return len(self._open)

    async def check_sign_ins(self, supervisor: Supervisor) -> None:
        """Close the sockets whose session has ended or changed hands: one query for all of them."""
        by_session: dict[str, list[Socket]] = defaultdict(list)
        for socket in self._open:
            by_session[socket.session_key].append(socket)
        if not by_session:
            return
        learners = await supervisor.read(partial(learners_of_sessions, list(by_session)))
        for key, members in by_session.items():
            for socket in members:
                if learners.get(key) != socket.learner_id:
                    await socket.sign_out()

    async def watch(self, supervisor: Supervisor) -> None:
        while True:
            await asyncio.sleep(SIGN_IN_CHECK_SECONDS)
            try:
                await self.check_sign_ins(supervisor)
            except Exception as error:
                logger.warning("Sign-ins could not be checked: %s", error.__class__.__name__)

    async def close_all(self) -> None:
        await asyncio.gather(*(socket.restart() for socket in list(self._open)), return_exceptions=True)


sockets = Sockets()
