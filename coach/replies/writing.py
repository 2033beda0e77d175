"""One way in: a turn becomes a reply, whatever kind it is."""

from __future__ import annotations

from concurrent.futures import Executor

from coach.actions import Place
from coach.models import Turn
from coach.replies.conversation import answer_question
from coach.replies.critique import write_critique
from coach.replies.parts import Reply, Voice

DEADLINE_SECONDS = 30.0


async def write_reply(turn: Turn, learner_id: int, place: Place, voice: Voice, *, pool: Executor) -> Reply:
    """Run the reply's graph; what it says goes to `voice` as it comes."""
    if turn.kind == Turn.Kind.CRITIQUE:
        return await write_critique(
            turn, learner_id, place, voice, pool=pool, deadline_seconds=DEADLINE_SECONDS
        )
    return await answer_question(turn, learner_id, place, voice, pool=pool, deadline_seconds=DEADLINE_SECONDS)
