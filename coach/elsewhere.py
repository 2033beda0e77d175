"""Shows the sockets of this process what others have stored: when they ring, and every while anyway."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from coach.hub import Hub, Topic, topic_of
from coach.queries import FRESH_SECONDS, News, news_elsewhere
from coach.rendering import envelope_of

logger = logging.getLogger(__name__)
POLL_SECONDS = 1.5
# So long rings are gathered: a stream of them costs twenty looks a second at most.
GATHER_SECONDS = 0.05
Read = Callable[[Callable[[], Any]], Any]


class Elsewhere:
    def __init__(self, hub: Hub, read: Read, owner: str) -> None:
        self._hub = hub
        self._read = read
        self._owner = owner
        self._rung: set[Topic] = set()
        self._all = True
        self._new = asyncio.Event()
        self._heard: dict[int, int] = {}
        self._looked_at = asyncio.get_running_loop().time()
        self._task = asyncio.create_task(self._watch(), name="coach-elsewhere")

    def rung(self, topics: set[Topic] | None) -> None:
        """There is news about these topics; None: there may be about any."""
        self._all |= topics is None
        self._rung |= {topic for topic in topics or () if self._hub.has_listeners(topic)}
        if self._all or self._rung:
            self._new.set()

    async def _watch(self) -> None:
        while True:
            try:
                async with asyncio.timeout(POLL_SECONDS):
                    await self._new.wait()
                await asyncio.sleep(GATHER_SECONDS)
            except TimeoutError:
                self._all = True
            self._new.clear()
            topics = self._hub.topics() if self._all else self._rung
            self._rung, self._all = set(), False
            try:
                await self._look(topics)
            except Exception as error:
                # Whatever it was, it is not the last news there are.
                logger.warning("News of other processes could not be read: %s", error.__class__.__name__)

    async def _look(self, topics: set[Topic]) -> None:
        now = asyncio.get_running_loop().time()
        learners = {learner for learner, _kind, _slug in topics}
        if learners:
            ask = partial(news_elsewhere, owner=self._owner, learner_ids=learners, heard=dict(self._heard))
            for news in await self._read(ask):
                self._tell(news)
        # What ended while this could not look is fresh no more: each socket reads its own rows.
        if now - self._looked_at > FRESH_SECONDS / 2:
            self._hub.miss(self._hub.topics())
        self._looked_at = now

    def _tell(self, news: News) -> None:
        turn = news.turn
        topic = topic_of(news.learner_id, news.subject)
        for event in news.events:
            self._heard[turn.pk] = event.seq
            if self._hub.has_listeners(topic):
                self._hub.publish(topic, envelope_of(turn, event))
        while len(self._heard) > 10_000:
            self._heard.pop(next(iter(self._heard)))

    async def close(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
