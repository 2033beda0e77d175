"""The one place where a call is tried again: seldom, while nothing was shown, never past its deadline."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager

from coach.providers.breaker import Breaker
from coach.providers.faults import FIRST_PAUSE_SECONDS, Failed, Fault, pause
from coach.providers.port import Ended, ProviderError, Reason

logger = logging.getLogger(__name__)

Pieces = AsyncGenerator[str | Ended, None]

SAID: dict[Reason, str] = {
    "busy": "The model's service takes no more requests for a while.",
    "overloaded": "The model's service is overloaded or out of order.",
    "unreachable": "The model's service cannot be reached.",
    "interrupted": "The model's answer broke off.",
    "stalled": "The model's answer did not come in time.",
    "unusable": "The model's answer is empty, or ended in a way that nobody knows.",
    "spend": "A spending limit at the model's service is reached.",
    "rejected": "The model's service does not take the request.",
    "too_long": "The prompt is longer than the model's context.",
}


class Attempts:
    """At most `most` for each call; `breaker` is the service's."""

    def __init__(
        self, breaker: Breaker, *, most: int, first_pause_seconds: float = FIRST_PAUSE_SECONDS
    ) -> None:
        self._breaker = breaker
        self._most = most
        self._first_pause_seconds = first_pause_seconds
        self._random = random.Random()

    async def make(self, once: Callable[[int], Pieces], until: float) -> Pieces:
        """What `once(number)` gives, for the first attempt that does not fail; `until` on the loop's clock.

        Raises ProviderError.
        """
        number, shown = 1, False
        while True:
            try:
                with self._watched():
                    async with aclosing(once(number)) as pieces:
                        async for piece in pieces:
                            shown = shown or isinstance(piece, str)
                            yield piece
                return
            except Failed as failed:
                wait = self._wait(failed, number, until, shown=shown)
            await asyncio.sleep(wait)
            number += 1

    @contextmanager
    def _watched(self) -> Iterator[None]:
        if not self._breaker.admit():
            raise Failed(Fault(reason="unreachable", detail="left alone for a while"))
        try:
            yield
        except Failed as failed:
            self._breaker.failed() if failed.fault.outage else self._breaker.worked()
            raise
        except BaseException:
            self._breaker.left()
            raise
        self._breaker.worked()

    def _wait(self, failed: Failed, number: int, until: float, *, shown: bool) -> float:
        """Seconds until the next attempt. Raises ProviderError where there is none."""
        fault = failed.fault
        logger.warning(
            "Attempt %d ended: %s (%s) %s",
            number,
            fault.reason,
            fault.detail or "-",
            failed.request_id or "-",
        )
        seconds = None if shown or number >= self._most else self._pause(fault, number)
        if seconds is None or asyncio.get_running_loop().time() + seconds >= until:
            raise ProviderError(fault.reason, SAID[fault.reason], shown=shown) from None
        return seconds

    def _pause(self, fault: Fault, number: int) -> float | None:
        return pause(fault, number, self._random, first_seconds=self._first_pause_seconds)
