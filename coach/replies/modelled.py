"""A reply with calls of models in it, while it is made: who is asked, what came of it, what is kept."""

from __future__ import annotations

from collections.abc import Awaitable
from contextvars import ContextVar
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from coach.engine.runner import Inputs, RunResult
from coach.engine.speculation import SpeculationDecision
from coach.engine.task import LogNormal, Task
from coach.queries import SENT, Setting, Spoken
from coach.replies.calling import Calls, Stream
from coach.replies.guarding import Closed
from coach.replies.job import Job, current, stored
from coach.replies.parts import Reply
from coach.replies.telling import Teller
from coach.replies.wording import ANSWER_TIER, Brief, Outcome, say_written, writing_status
from coach.warmth import Pauses

ANSWER_SECONDS = LogNormal(3.0, 6.0)
_READ = LogNormal(0.0015, 0.006)


@dataclass(slots=True)
class Making:
    """`sent`: the message to keep for later turns, "" when it is not to be sent again; `replaced`: sentences
    that the guard let nobody see."""

    calls: Calls
    outcome: Outcome | None = None
    sent: str = ""
    replaced: int = 0
    speculation: SpeculationDecision | None = None
    belief: str = ""


making: ContextVar[Making] = ContextVar("coach_making")
"""Set round a run; the engine's tasks inherit it."""


def begin(job: Job) -> Making:
    assert job.provider is not None  # noqa: S101 - a written reply is asked for where there is one
    assert job.purse is not None  # noqa: S101
    current.set(job)
    state = Making(Calls(job.provider, job.purse, str(job.turn.uuid)))
    making.set(state)
    return state


async def closing(state: Making, running: Awaitable[RunResult]) -> RunResult:
    """The run's result; whatever became of it, no call of its goes on."""
    try:
        return await running
    finally:
        await state.calls.close()


def kept(state: Making, result: RunResult, reply: Reply) -> Reply:
    outcome = state.outcome
    trace = {**stored(result.trace), "calls": state.calls.records(), "replaced": state.replaced}
    if outcome is not None and not outcome.by_model:
        trace["fallback"] = outcome.reason
    if state.speculation is not None:
        trace["speculation"] = f"{state.speculation.reason} ({state.belief})"
    memory = {**reply.memory, SENT: state.sent} if state.sent else reply.memory
    return replace(reply, trace=trace, memory=memory, state=outcome.state if outcome else "done")


def prompt_tasks() -> list[Task]:
    """What a prompt is made of beside the reply's own facts."""
    return [
        Task("spoken", call=_spoken, duration=_READ, label=_("Read what was said before")),
        Task("setting", call=_setting, duration=_READ, label=_("Read the exercise’s page")),
        Task("pauses", call=_pauses, duration=_READ, label=_("Read how often this is asked about")),
        Task("closed", call=_closed, duration=_READ, label=_("Look up which answers are closed")),
    ]


async def _spoken(inputs: Inputs) -> tuple[Spoken, ...]:
    turn = current.get().turn
    return await current.get().sources.spoken.load((turn.conversation_id, turn.number))


async def _setting(inputs: Inputs) -> Setting | None:
    place = current.get().place
    return await current.get().sources.settings.load(place.exercise_id) if place.in_exercise else None


async def _pauses(inputs: Inputs) -> Pauses:
    return await current.get().sources.pauses.load(current.get().place)


async def _closed(inputs: Inputs) -> Closed:
    job = current.get()
    return await job.sources.closed.load((job.learner_id, job.place.exercise_id, job.turn.submission_id or 0))


def stream_of(inputs: Inputs, brief: Brief) -> Stream:
    """The answer to this brief, asked for now."""
    calls, voice = making.get().calls, current.get().voice
    voice.status(writing_status())
    model = calls.provider.model(ANSWER_TIER)
    call = brief.call(calls.turn, model, lambda outlook: voice.status(writing_status(outlook)))
    return calls.begin(call, inputs)


async def say(stream: Stream, brief: Brief, teller: Teller) -> None:
    state = making.get()
    state.outcome = await say_written(stream, brief, teller, current.get().voice.status)
    state.replaced = teller.replaced
    if state.outcome.by_model and state.outcome.state != "refused":
        state.sent = brief.script.call
