"""One way in: a turn becomes a reply, whatever kind it is."""

from __future__ import annotations

from concurrent.futures import Executor

from coach.models import Turn
from coach.replies.conversation import answer_question
from coach.replies.critique import write_critique
from coach.replies.job import Job
from coach.replies.parts import Reply

DEADLINE_SECONDS = 30.0


async def write_reply(job: Job, *, pool: Executor) -> Reply:
    """Run the reply's graph; what it says goes to the job's voice as it comes."""
    write = write_critique if job.turn.kind == Turn.Kind.CRITIQUE else answer_question
    return await write(job, pool=pool, deadline_seconds=DEADLINE_SECONDS)
