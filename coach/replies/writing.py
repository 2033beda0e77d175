"""One way in: a turn becomes a reply, whatever kind it is."""

from __future__ import annotations

from concurrent.futures import Executor

from coach.actions import Place
from coach.models import Turn
from coach.replies.conversation import answer_question
from coach.replies.critique import write_critique
from coach.replies.parts import Reply, Voice
from coach.replies.sources import Sources

DEADLINE_SECONDS = 30.0


async def write_reply(
    turn: Turn, learner_id: int, place: Place, voice: Voice, *, sources: Sources, pool: Executor
) -> Reply:
    """Run the reply's graph; what it says goes to `voice` as it comes."""
    write = write_critique if turn.kind == Turn.Kind.CRITIQUE else answer_question
    return await write(
        turn, learner_id, place, voice, sources=sources, pool=pool, deadline_seconds=DEADLINE_SECONDS
    )
