"""Wakes the sockets of this process. It stores nothing: whoever missed something reads the rows."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

QUEUE_LIMIT = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """An event that is stored already, and its fragment, rendered once for all sockets."""

    turn: str
    number: int
    seq: int
    html: str


class Subscription:
    """One socket's queue. When it is full it is emptied and `overflowed` says: read the rows again."""

    def __init__(self, limit: int = QUEUE_LIMIT) -> None:
        self._queue: deque[Envelope] = deque()
        self._limit = limit
        self._arrived = asyncio.Event()
        self.overflowed = False

    def offer(self, envelope: Envelope) -> None:
        if len(self._queue) >= self._limit:
            self.overflow()
        elif not self.overflowed:
            self._queue.append(envelope)
        self._arrived.set()

    def overflow(self) -> None:
        self._queue.clear()
        self.overflowed = True
        self._arrived.set()

    async def take(self) -> list[Envelope] | None:
        """What has come, in order; None after an overflow."""
        await self._arrived.wait()
        self._arrived.clear()
        if self.overflowed:
            self.overflowed = False
            self._queue.clear()
            return None
        batch = list(self._queue)
        self._queue.clear()
        return batch


class Hub:
    def __init__(self) -> None:
        self._topics: dict[Hashable, set[Subscription]] = {}

    @contextmanager
    def joined(self, topic: Hashable, limit: int = QUEUE_LIMIT) -> Iterator[Subscription]:
        subscription = Subscription(limit)
        self._topics.setdefault(topic, set()).add(subscription)
        try:
            yield subscription
        finally:
            members = self._topics.get(topic, set())
            members.discard(subscription)
            if not members:
                self._topics.pop(topic, None)

    def publish(self, topic: Hashable, envelope: Envelope) -> None:
        for subscription in self._topics.get(topic, ()):
            subscription.offer(envelope)

    def topics(self) -> set[Any]:
        return set(self._topics)

    def miss(self, topics: Iterable[Hashable]) -> None:
        """Something may have been missed: the sockets of these topics read their rows."""
        for topic in topics:
            for subscription in self._topics.get(topic, ()):
                subscription.overflow()

    def has_listeners(self, topic: Hashable) -> bool:
        return bool(self._topics.get(topic))

    def __len__(self) -> int:
        return sum(len(members) for members in self._topics.values())


Topic = tuple[int, str, str]
"""Learner id, "lesson" or "exercise", slug."""


def topic_of(learner_id: int, subject: Any) -> Topic:
    return (learner_id, subject.kind, subject.slug)
