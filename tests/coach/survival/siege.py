"""Clients that ask and watch while somebody hurts the servers; then peace, and the final read."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Sequence
from contextlib import suppress

from tests.coach.survival.checker import Check, Final, Record, summary, violations
from tests.coach.survival.clients import Tab, final_read

QUESTIONS = (
    "What is the critical path?",
    "What is slack?",
    "What is a dependency graph?",
    "A hint, please.",
)
TURNS_MAX = 30
"""A page lists the newest 40 turns: the final read must see all of them."""
SETTLE_SECONDS = 40.0
ACKNOWLEDGED_WITHIN_SECONDS = 90.0


class Siege:
    """For each session one tab that asks, now and then by form, and one that watches.

    `pause_seconds`: the longest pause between two questions of a learner. They end by themselves after
    `TURNS_MAX`, so a siege of longer faults asks more slowly, or the faults meet silence.
    """

    def __init__(
        self,
        sessions: Sequence[str],
        address: Callable[[], str],
        *,
        seed: int = 1,
        pause_seconds: float = 0.4,
    ) -> None:
        self._pause_seconds = pause_seconds
        self.records: list[Record] = []
        self.kills = 0
        self._random = random.Random(seed)
        self._peace = asyncio.Event()
        self._askers = [
            Tab(f"asker {n}", key, address, self.records.append) for n, key in enumerate(sessions)
        ]
        self._watchers = [
            Tab(f"watcher {n}", key, address, self.records.append) for n, key in enumerate(sessions)
        ]
        self._living = [asyncio.create_task(tab.live()) for tab in self._tabs]
        self._asking = [asyncio.create_task(self._keep_asking(tab)) for tab in self._askers]

    async def _keep_asking(self, tab: Tab) -> None:
        for number in itertools.count(1):
            if self._peace.is_set() or number > TURNS_MAX:
                return
            # The words are unique, so that the page itself says which message became which turn.
            question = f"{self._random.choice(QUESTIONS)} ({tab.name}, {number})"
            if self._random.random() < 0.3:
                await tab.ask_by_form(question)
            else:
                await tab.ask(question, times=self._random.choice((1, 1, 2)))
            await asyncio.sleep(self._random.uniform(0.0, self._pause_seconds))

    @property
    def acknowledged(self) -> int:
        return sum(1 for record in self.records if record["op"] == "submit" and record["type"] == "ok")

    async def until_acknowledged(self, more: int) -> None:
        """Until so many questions more were acknowledged: whatever was hurt works again."""
        wanted = self.acknowledged + more
        async with asyncio.timeout(ACKNOWLEDGED_WITHIN_SECONDS):
            while self.acknowledged < wanted:
                await asyncio.sleep(0.05)

    @property
    def _tabs(self) -> list[Tab]:
        return [*self._askers, *self._watchers]

    @property
    def open_turns(self) -> set[str]:
        """What the askers were shown the beginning of, and not yet the end."""
        return {turn for tab in self._askers for turn in set(tab.cursors) - tab.ended}

    @property
    def closes(self) -> list[int]:
        """The codes with which sockets were closed."""
        return [code for tab in self._tabs for code in tab.closes]

    @property
    def statuses(self) -> list[int]:
        """What forms were told that did not go through."""
        return [status for tab in self._tabs for status in tab.statuses]

    async def end(self, address: str, *more: Check) -> tuple[list[str], list[Final]]:
        """The faults have stopped: what does not fit, and what is there."""
        self._peace.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(asyncio.gather(*self._asking), SETTLE_SECONDS)
            await asyncio.wait_for(self._all_settled(), SETTLE_SECONDS)
        final = []
        for asker, watcher in zip(self._askers, self._watchers, strict=True):
            turns = await final_read(asker.session, address)
            final += turns
            for tab in (asker, watcher):
                tab.settle([turn.turn for turn in turns])
        await self.leave()
        return violations(self.records, final, *more), final

    async def _all_settled(self) -> None:
        pairs = list(zip(self._askers, self._watchers, strict=True))
        while not all(set(a.cursors) == a.ended == w.ended for a, w in pairs):
            await asyncio.sleep(0.05)

    async def leave(self) -> None:
        for task in (*self._asking, *self._living):
            task.cancel()
        await asyncio.gather(*self._asking, *self._living, return_exceptions=True)

    def summary(self, found: Sequence[str]) -> str:
        return summary(self.records, found, kills=self.kills)
