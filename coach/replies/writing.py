"""One way in: a turn becomes a reply, whatever kind it is and whoever words it."""

from __future__ import annotations

import logging
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from coach.engine.errors import RunError
from coach.models import Turn
from coach.replies import conversation, critique, written_answer, written_critique
from coach.replies.job import Job
from coach.replies.parts import Reply, Sentence, Voice
from coach.replies.wording import fallback_text

logger = logging.getLogger(__name__)
DEADLINE_SECONDS = 30.0
MODEL_DEADLINE_SECONDS = 90.0
FAULT = "fault"
"""Why the built-in coach wrote it where our own code failed on the way to a model."""


async def write_reply(job: Job, *, pool: Executor) -> Reply:
    """Run the reply's graph; what it says goes to the job's voice as it comes."""
    if job.provider is None or job.purse is None:
        return await _built_in(job, pool)
    voice = _Heard(job.voice)
    try:
        return await _written(replace(job, voice=voice), pool)
    except RunError:
        if voice.spoken:
            raise
        # A fault of ours on the way to a model: it costs the wording, not the reply.
        logger.exception("The reply of turn %s is the built-in coach’s.", job.turn.pk)
        job.voice.status(fallback_text(FAULT))
        reply = await _built_in(job, pool)
        return replace(reply, trace={**reply.trace, "fallback": FAULT})


async def _built_in(job: Job, pool: Executor) -> Reply:
    write = critique.write_critique if _is_critique(job) else conversation.answer_question
    return await write(job, pool=pool, deadline_seconds=DEADLINE_SECONDS)


async def _written(job: Job, pool: Executor) -> Reply:
    write = written_critique.write_critique if _is_critique(job) else written_answer.answer_question
    return await write(job, pool=pool, deadline_seconds=MODEL_DEADLINE_SECONDS)


def _is_critique(job: Job) -> bool:
    return str(job.turn.kind) == str(Turn.Kind.CRITIQUE)


@dataclass(slots=True)
class _Heard:
    """A voice that remembers whether it has said something."""

    voice: Voice
    spoken: bool = False

    def status(self, text: str) -> None:
        self.voice.status(text)

    def say(self, sentence: Sentence) -> None:
        self.spoken = True
        self.voice.say(sentence)
