"""One request on record: reserved before it is sent, settled once on every way out, cancellation included."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from coach.crashing import crash_point
from coach.providers.faults import Failed
from coach.providers.port import CANCELLED, Attempt, Purse, Settled

logger = logging.getLogger(__name__)
T = TypeVar("T")


async def see_through(work: Coroutine[Any, Any, T]) -> T:
    """The result of work that is done even where its caller is cancelled; then that comes after it."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            if task.cancelled():
                raise
            cancelled = error
        except Exception:  # noqa: S112 - it is raised by `result` below
            continue
    if cancelled is not None:
        raise _Late(task) from cancelled
    return task.result()


class _Late(asyncio.CancelledError):
    """The caller was cancelled while `task` was seen through."""

    def __init__(self, task: asyncio.Future[Any]) -> None:
        super().__init__()
        self.task = task


class Booked:
    """`settled` gives what to book for an outcome; `outcome` is what the body says, or how it was left."""

    def __init__(self, purse: Purse, attempt: Attempt, settled: Callable[[str], Settled]) -> None:
        self._purse, self._attempt, self._settled = purse, attempt, settled
        self._ticket: Any = None
        self.outcome = "interrupted"

    async def __aenter__(self) -> Self:
        crash_point("before_attempt")
        try:
            self._ticket = await see_through(self._purse.reserve(self._attempt))
        except _Late as late:
            if late.task.exception() is None:
                self._ticket = late.task.result()
                await self._settle(CANCELLED)
            raise asyncio.CancelledError from None
        crash_point("after_attempt_row")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, Failed):
            self.outcome = error.fault.reason
        elif isinstance(error, asyncio.CancelledError | GeneratorExit):
            self.outcome = CANCELLED
        crash_point("after_response_before_settle")
        try:
            await self._settle(self.outcome)
        except _Late:
            raise asyncio.CancelledError from None

    async def _settle(self, outcome: str) -> None:
        """A settlement that fails takes nothing away from the answer: what is left open is found later."""
        try:
            await see_through(self._purse.settle(self._ticket, self._settled(outcome)))
        except Exception as error:
            logger.error("A request that ended as “%s” is not settled: %s", outcome, type(error).__name__)
