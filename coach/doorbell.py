"""Tells other processes that there is something new about a conversation. What it is they read themselves.

It goes through Redis, which may lose it or be away: that costs others the time until they look anyway.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.crypto import salted_hmac

from coach.hub import Topic

if TYPE_CHECKING:
    from redis.asyncio import Redis

logger = logging.getLogger(__name__)
OnRing = Callable[[set[Topic] | None], None]
GATHER_SECONDS = 0.01
_SEND_SECONDS = 2.0
_AGAIN_SECONDS = (0.2, 5.0)


def channel() -> str:
    """Redis's channels know no database numbers: one for each installation."""
    return f"critical-path:{salted_hmac('coach.doorbell', '').hexdigest()[:16]}"


class Doorbell:
    """`on_ring` is called with the topics that others have news about; with None after a time of deafness."""

    def __init__(self, url: str, owner: str, on_ring: OnRing) -> None:
        self._url = url
        self._owner = owner
        self._on_ring = on_ring
        self._channel = channel()
        self._rung: set[Topic] = set()
        self._new = asyncio.Event()
        self._tasks = [
            asyncio.create_task(work, name="coach-doorbell") for work in (self._hear(), self._send())
        ]

    def ring(self, topic: Topic) -> None:
        self._rung.add(topic)
        self._new.set()

    async def _hear(self) -> None:
        pause, longest = _AGAIN_SECONDS
        while True:
            try:
                # Between two rings may lie hours; the pings find out whether anybody is there.
                async with (
                    self._redis(socket_timeout=None, health_check_interval=15) as redis,
                    redis.pubsub(ignore_subscribe_messages=True) as ears,
                ):
                    await ears.subscribe(self._channel)
                    self._on_ring(None)
                    pause = _AGAIN_SECONDS[0]
                    async for message in ears.listen():
                        self._heard(message["data"])
            except Exception as error:
                logger.warning("Redis cannot be heard: %s", error.__class__.__name__)
            await asyncio.sleep(pause)
            pause = min(2 * pause, longest)

    def _heard(self, data: bytes) -> None:
        try:
            sender, topics = json.loads(data)
            rung = {(int(learner), str(kind), str(slug)) for learner, kind, slug in topics}
        except (ValueError, TypeError):
            return
        if sender != self._owner:
            self._on_ring(rung)

    async def _send(self) -> None:
        async with self._redis(socket_timeout=_SEND_SECONDS) as redis:
            while True:
                await self._new.wait()
                await asyncio.sleep(GATHER_SECONDS)
                self._new.clear()
                rung, self._rung = self._rung, set()
                try:
                    await redis.publish(self._channel, json.dumps([self._owner, sorted(rung)]))
                except Exception as error:
                    logger.warning("Redis cannot be told: %s", error.__class__.__name__)
                    await asyncio.sleep(_AGAIN_SECONDS[0])

    def _redis(self, **options: Any) -> Redis:
        from redis.asyncio import Redis

        return Redis.from_url(self._url, socket_connect_timeout=_SEND_SECONDS, **options)

    async def close(self) -> None:
        # Redis's client may take a cancellation for a fault of the connection: told again until it is heard.
        while pending := [task for task in self._tasks if not task.done()]:
            for task in pending:
                task.cancel()
            await asyncio.wait(pending, timeout=0.1)


def doorbell(owner: str, on_ring: OnRing) -> Doorbell | None:
    """Where the installation has several processes."""
    return Doorbell(settings.REDIS_URL, owner, on_ring) if settings.REDIS_URL else None
