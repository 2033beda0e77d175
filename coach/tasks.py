"""Work that comes round, whoever does it: this process by `clockwork`, or Celery's workers where there is a
broker. Every piece is safe to run twice and at two places: its row decides who does it."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from coach.chores import claim_chore, end_chore, grade_again
from coach.ledger import sweep_attempts
from coach.providers.choosing import choose
from coach.replies.warming import warm_what_is_due

logger = logging.getLogger(__name__)

RunInThread = Callable[[Callable[[], Any]], Awaitable[Any]]
Work = Callable[[RunInThread], Awaitable[str]]
"""Does it; `RunInThread` asks the database. Says in a few words what it did, nothing when that is nothing."""

SLACK = 0.5
"""A piece is due again a little early: who comes on time must not find that it is not time yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Periodic:
    name: str
    every_seconds: float
    work: Work


async def run_periodic(task: Periodic, run: RunInThread) -> bool:
    """Do it if it is due and nobody else does; whether it was done."""
    if not await run(partial(claim_chore, task.name, every_seconds=task.every_seconds * SLACK)):
        return False
    try:
        did = await task.work(run)
    except Exception:
        logger.exception("Background work “%s” failed.", task.name)
        await run(partial(end_chore, task.name, failed=True))
        return True
    await run(partial(end_chore, task.name, did=did))
    return True


async def _grade_again(run: RunInThread) -> str:
    graded = await run(grade_again)
    return f"{graded} graded" if graded else ""


async def _sweep_attempts(run: RunInThread) -> str:
    lost = await run(sweep_attempts)
    return f"{lost} given up" if lost else ""


async def _warm(run: RunInThread) -> str:
    provider = choose()
    warmed = await warm_what_is_due(provider, run) if provider is not None else 0
    return f"{warmed} warmed" if warmed else ""


PERIODIC = (
    Periodic(name="grade-again", every_seconds=60.0, work=_grade_again),
    Periodic(name="sweep-attempts", every_seconds=60.0, work=_sweep_attempts),
    Periodic(name="warm", every_seconds=20.0, work=_warm),
)
