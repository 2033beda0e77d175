"""How a turn ends: in which state, what is kept of it, and that its learner pays for answers only."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from functools import partial
from typing import Any

from django.db import Error
from django.utils import timezone

from coach import ledger
from coach.actions import Finish
from coach.allowance import allowance_of
from coach.models import Turn, TurnEvent
from coach.providers.installation import wanted
from coach.replies.parts import Reply
from coach.running import Run

logger = logging.getLogger(__name__)
Read = Callable[[Callable[[], Any]], Awaitable[Any]]


def state_of(run: Run, reply: Reply | None) -> str:
    if run.cut == "stopped":
        return Turn.State.STOPPED
    return Turn.State.FAILED if run.cut or reply is None else reply.state


def is_answered(state: str, reply: Reply) -> bool:
    """Whether the words are a model's, to their end or as far as there was room."""
    return state == Turn.State.TRUNCATED or (state == Turn.State.DONE and "fallback" not in reply.trace)


def end_payload(state: str, reply: Reply, left: dict[str, Any]) -> dict[str, Any]:
    fallback = reply.trace.get("fallback", "") if state == Turn.State.DONE else ""
    return {"state": state, **({"fallback": fallback} if fallback else {}), **left}


def finish_of(run: Run, event: TurnEvent, reply: Reply) -> Finish:
    """What is stored; the turn of the run is by then what its row will be."""
    turn, state = run.turn, event.payload["state"]
    turn.state, turn.text = state, " ".join(sentence.text for sentence in run.sentences)
    turn.finished_at = timezone.now()
    return Finish(
        event=event,
        epoch=turn.epoch,
        state=state,
        text=turn.text,
        citations=[sentence.link.to_dict() for sentence in run.sentences if sentence.link],
        trace=reply.trace,
        memory=reply.memory,
        steps=reply.steps,
        learner_id=run.learner_id,
        exercise_id=reply.exercise_id,
    )


async def forgive(read: Read, turn: uuid.UUID, *, gone: bool = False) -> None:
    """Nothing is charged on the way to an answer of the model's that did not come. `gone`: nobody waits for
    what was sent any more, so that is given up too."""
    try:
        if gone:
            await read(partial(ledger.give_up_attempts, turn))
        await read(partial(ledger.forgive_turn, turn))
    except Error as error:
        logger.warning("Turn %s stays charged: %s", turn, error.__class__.__name__)


async def left(read: Read, learner_id: int) -> dict[str, Any]:
    """What the learner may still ask of models today, where there is one."""
    try:
        found = await read(partial(allowance_of, learner_id)) if wanted() else None
    except Error:
        found = None
    return {"allowance": asdict(found)} if found else {}
