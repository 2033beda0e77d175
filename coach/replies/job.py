"""The reply that is being made. A reply's graph is built once and run for everybody: what differs is here."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass

from coach.beginning import Place
from coach.engine.runner import Inputs
from coach.engine.trace import Span, Trace
from coach.ladder import Step
from coach.models import Turn
from coach.providers.port import Provider, Purse
from coach.queries import Authored
from coach.replies.parts import Voice
from coach.replies.passages import Index
from coach.replies.sources import Sources


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    turn: Turn
    learner_id: int
    place: Place
    voice: Voice
    sources: Sources
    # Who writes the words and who pays; without both the built-in coach does, for nothing.
    provider: Provider | None = None
    purse: Purse | None = None

    @property
    def here(self) -> str:
        """The open section, as passages are named; empty when none is known."""
        return f"{self.place.lesson}#{self.turn.section}" if self.turn.section else ""


current: ContextVar[Job] = ContextVar("coach_job")
"""Set round a run; the engine's tasks inherit it."""


async def read_ladder(inputs: Inputs) -> dict[str, Step]:
    job = current.get()
    return await job.sources.steps.load((job.learner_id, job.place.exercise_id))


async def read_authored(inputs: Inputs) -> Authored:
    job = current.get()
    return await job.sources.authored.load(job.place.exercise_id)


async def read_lessons(inputs: Inputs) -> Index:
    return await current.get().sources.lessons.load("")


def stored(trace: Trace) -> dict[str, object]:
    """A trace as `Trace.from_dict` reads it, without the fields that say nothing."""
    return {"note": trace.note, "spans": [_told(span) for span in trace.spans]}


def _told(span: Span) -> dict[str, object]:
    values = {**span._asdict(), "needs": list(span.needs)}
    return {name: value for name, value in values.items() if value or name in {"start", "end"}}
