"""Ending asyncio tasks for certain."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any


async def stop(tasks: Iterable[asyncio.Task[Any]]) -> bool:
    """Cancel them and wait until all have ended; what they raise counts no more. True if the caller was
    cancelled meanwhile: it is not let go before."""
    stopped = tuple(tasks)
    for task in stopped:
        task.cancel()
    interrupted = False
    while left := [task for task in stopped if not task.done()]:
        try:
            await asyncio.wait(left)
        except asyncio.CancelledError:
            interrupted = True
    for task in stopped:
        if not task.cancelled():
            task.exception()  # taken note of
    return interrupted
