"""A trial while it runs: begun from a view, bounded, stopped by its row, on record however it ends."""

from __future__ import annotations

import asyncio
import logging
import uuid
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from coach.budget import DatabasePurse, Put, RunInThread
from coach.engine.errors import DeadlineExceeded, TaskFailed
from coach.engine.runner import run
from coach.models import TrialRun
from coach.providers.choosing import choose
from coach.providers.port import OverLimit, Provider
from coach.trials.asking import SIDES, Answered, Asker
from coach.trials.records import LIMIT_SECONDS, OtherRuns, end_run, note_progress, open_run
from coach.turns import supervisor
from exercises.kinds import kind_named
from exercises.kinds.trials import Trial
from exercises.models import Submission

logger = logging.getLogger(__name__)
State = TrialRun.State
LOOK_SECONDS = 1.0


def trial_of(submission: Submission) -> Trial | None:
    """What can be tried of this attempt, against the revision it was made for."""
    kind = kind_named(submission.exercise.kind)
    spec = kind.Spec.model_validate(submission.revision.spec)
    trial: Trial | None = kind.trial(spec, kind.Answer.model_validate(submission.answer))
    return trial


def begin_trial(submission: Submission, key: uuid.UUID) -> str:
    """Begin a run, or find the one that was asked for already; "" or why there is none."""
    trial, provider, found = trial_of(submission), choose(), supervisor()
    if trial is None or provider is None:
        return "no-model"
    if found is None or found.draining or not found.loop.is_running():
        return "restarting"
    try:
        row = open_run(submission, key=key, owner=found.owner, total=len(SIDES) * len(trial.cases))
    except OtherRuns:
        return "other"
    if row is not None:
        conduct = Conduct(
            row.pk, submission.learner_id, trial, provider, read=found.read, put=found.journal.put
        )
        found.beside(conduct.to_its_end)
    return ""


@dataclass
class Conduct:
    """One run. `read` asks the database in a thread, `put` books what it costs."""

    key: int
    learner_id: int
    trial: Trial
    provider: Provider
    read: RunInThread
    put: Put
    answers: list[Answered] = field(default_factory=list)

    async def to_its_end(self) -> None:
        """Never raises: what was measured is kept whatever ends it."""
        state, scope = State.INTERRUPTED, ""
        try:
            state, scope = await self._ending()
        except asyncio.CancelledError:
            logger.info("Trial %s was cut short.", self.key)
        except Exception:
            logger.exception("Trial %s failed.", self.key)
        calls = [each.to_dict() for each in self.answers]
        await self.read(partial(end_run, self.key, state, calls, scope=scope))

    async def _ending(self) -> tuple[State, str]:
        purse = DatabasePurse(self.learner_id, self.put, self.read)
        asker = Asker(trial=self.trial, provider=self.provider, purse=purse, tell=self.answers.append)
        work = asyncio.ensure_future(run(asker.graph(), deadline_seconds=LIMIT_SECONDS))
        watch = asyncio.ensure_future(self._watch(work))
        try:
            await asyncio.wait({work})
            return _ending_of(work)
        finally:
            watch.cancel()
            work.cancel()
            await asyncio.gather(work, watch, return_exceptions=True)

    async def _watch(self, work: asyncio.Future[Any]) -> None:
        """Tell the page how far it is, and stop where the row says so."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if not await self.read(partial(note_progress, self.key, len(self.answers))):
                work.cancel()


def _ending_of(work: asyncio.Future[Any]) -> tuple[State, str]:
    if work.cancelled():
        return State.STOPPED, ""
    error = work.exception()
    if error is None:
        return State.DONE, ""
    if isinstance(error, DeadlineExceeded):
        return State.LATE, ""
    if isinstance(error, TaskFailed) and isinstance(error.__cause__, OverLimit):
        return State.LIMITED, error.__cause__.scope
    raise error
