"""An event loop on which time passes only when nothing else is left to do: an hour of sleeping takes no
time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _JumpingSelector(selectors.DefaultSelector):
    """Instead of waiting, moves the loop's time to its next timer."""

    loop: VirtualTimeLoop

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("Nothing is left to run and nothing is left to wait for: a deadlock")
        if timeout > 0:
            self.loop.jump()
        return super().select(0)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        selector = _JumpingSelector()
        selector.loop = self
        self._now = 0.0
        super().__init__(selector)
        self._clock_resolution = 1e-12

    def time(self) -> float:
        return self._now

    def is_busy(self) -> bool:
        """Whether something is to be done at this moment, besides what asks."""
        return bool(self._ready)  # type: ignore[attr-defined]  # asyncio's own queue

    def hold(self, seconds: float) -> None:
        """What asks works for so long without a pause."""
        self._now += seconds

    def jump(self) -> None:
        self._now = max(self._now, self._scheduled[0].when())  # type: ignore[attr-defined]  # asyncio's own heap


def hold_the_loop(seconds: float) -> None:
    """Work for so long without a pause, on a `VirtualTimeLoop`."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    loop.hold(seconds)


def run_virtually(main: Coroutine[Any, Any, T]) -> T:
    """Like `asyncio.run`, in virtual time; fails if a task is left behind."""
    loop = VirtualTimeLoop()
    try:
        result = loop.run_until_complete(main)
        assert not asyncio.all_tasks(loop), "tasks are left behind"
        return result
    finally:
        loop.close()
