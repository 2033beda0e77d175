"""What the requests of one call took, as they are settled: the account that is shown is the one that is paid.

Units: tokens, US dollars, seconds on the loop's clock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from typing import Any

from coach.engine.ports import Usage
from coach.providers.port import CANCELLED, ENOUGH, Attempt, Kept, Purse, Settled, Waited


class Receipts:
    """A purse in front of another one. `enough`: what is cancelled from now on had been heard as far as it
    was wanted. `sent_at`, `ended_at`: of the last request, which leaves once it is on record and is settled
    with its last byte."""

    def __init__(self, purse: Purse) -> None:
        self.attempts: list[Attempt] = []
        self.settled: list[Settled] = []
        self.enough = False
        self.sent_at = self.ended_at = 0.0
        self._purse, self._now = purse, asyncio.get_running_loop().time

    async def reserve(self, attempt: Attempt) -> Any:
        ticket = await self._purse.reserve(attempt)
        self.attempts.append(attempt)
        self.sent_at = self._now()
        return ticket

    async def settle(self, ticket: Any, settled: Settled) -> None:
        if self.enough and settled.outcome == CANCELLED:
            settled = replace(settled, outcome=ENOUGH)
        self.settled.append(settled)
        self.ended_at = self._now()
        await self._purse.settle(ticket, settled)

    async def recall(self, model: str, keys: Sequence[str]) -> Sequence[Kept]:
        return await self._purse.recall(model, keys)

    @property
    def model(self) -> str:
        """The one that was asked; "" where no request was made."""
        return self.attempts[-1].model if self.attempts else ""

    @property
    def usage(self) -> Usage:
        """What all of them took, those that failed included."""
        return _sum(each.usage for each in self.settled)

    @property
    def expected(self) -> Usage:
        """What the engine said of the prompts that were taken: one that was refused can read nothing."""
        return _sum(each.expected for each in self.settled if prompt_tokens(each.usage))

    @property
    def estimated(self) -> bool:
        return any(each.estimated for each in self.settled)

    @property
    def miss_reason(self) -> str:
        return next((each.miss_reason for each in reversed(self.settled) if each.miss_reason), "")

    @property
    def waited(self) -> Waited | None:
        return next((each.waited for each in reversed(self.attempts) if each.waited), None)


def prompt_tokens(usage: Usage) -> int:
    return usage.tokens_read + usage.tokens_written + usage.tokens_fresh


def _sum(usages: Iterable[Usage]) -> Usage:
    taken = list(usages)
    return Usage(**{each.name: sum(getattr(usage, each.name) for usage in taken) for each in fields(Usage)})
