"""Background work inside the server's process, where no broker is configured: a timer for each piece."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Sequence

from coach.tasks import Periodic, RunInThread, run_periodic

logger = logging.getLogger(__name__)
FIRST_SECONDS = 5.0
"""The first round waits until who started the process has been served."""


class Clockwork:
    """Runs each piece of work every so often on this loop, until it is stopped."""

    def __init__(
        self, tasks: Sequence[Periodic], run: RunInThread, *, first_seconds: float = FIRST_SECONDS
    ) -> None:
        loop = asyncio.get_running_loop()
        self._run = run
        self._first_seconds = first_seconds
        self._tasks = [loop.create_task(self._come_round(task), name=f"coach-{task.name}") for task in tasks]

    async def _come_round(self, task: Periodic) -> None:
        # Processes that were started together do not come together.
        await asyncio.sleep(self._first_seconds * (1 + random.random()))
        while True:
            try:
                await run_periodic(task, self._run)
            except Exception as error:
                # The database is away: the next round finds it, or not.
                logger.warning("Background work “%s” could not be begun: %s", task.name, type(error).__name__)
            await asyncio.sleep(task.every_seconds)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
