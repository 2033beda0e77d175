"""One way in: a turn becomes a reply, whatever kind it is and whoever words it."""

from __future__ import annotations

from concurrent.futures import Executor

from coach.models import Turn
from coach.replies import conversation, critique, written_answer, written_critique
from coach.replies.job import Job
from coach.replies.parts import Reply

DEADLINE_SECONDS = 30.0
MODEL_DEADLINE_SECONDS = 90.0


async def write_reply(job: Job, *, pool: Executor) -> Reply:
    """Run the reply's graph; what it says goes to the job's voice as it comes."""
    is_critique = job.turn.kind == Turn.Kind.CRITIQUE
    if job.provider is None or job.purse is None:
        write = critique.write_critique if is_critique else conversation.answer_question
        return await write(job, pool=pool, deadline_seconds=DEADLINE_SECONDS)
    write = written_critique.write_critique if is_critique else written_answer.answer_question
    return await write(job, pool=pool, deadline_seconds=MODEL_DEADLINE_SECONDS)
