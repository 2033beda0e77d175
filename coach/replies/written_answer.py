"""An answer in a model's words: the graph of an answer, with calls of models in it.

    question ┐             ┌ sure ─ (classify, small tier) ─ verdict ┐
    history  ├─ … search ──┤                                         ├─ reply, said as it comes
    attempt … lessons      └ plan ─ (begin the answer, ahead) ───────┘

The plan is what the built-in coach would say: it decides what is open, and it is the reply if no model writes
one. A classifier is asked only where the rules that read a question are unsure; whether the answer begins
before it has spoken is the engine's to decide.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from coach.engine.beliefs import load_beliefs, outcomes_in, with_beliefs
from coach.engine.graph import Condition, LogNormal, TaskGraph
from coach.engine.pricing import Price, cost_usd
from coach.engine.runner import Inputs, run
from coach.engine.speculation import decide
from coach.engine.task import Task
from coach.ladder import Rung
from coach.queries import Attempts
from coach.replies import conversation
from coach.replies.answering import answer
from coach.replies.asked import Answer, Asked
from coach.replies.background import shared_texts
from coach.replies.calling import Stream
from coach.replies.drafting import Note, note_taker, tell_all
from coach.replies.intents import Intent, Reading
from coach.replies.job import Job, current
from coach.replies.modelled import (
    ANSWER_SECONDS,
    begin,
    closing,
    kept,
    making,
    prompt_tasks,
    say,
    stream_of,
)
from coach.replies.parts import Reply
from coach.replies.prompts import VALUE_OF_SECOND_USD
from coach.replies.situating import attempt_lines, focus_lines, message, passage_lines
from coach.replies.sorting import sort_call, sorted_reading
from coach.replies.telling import ANSWER_ROLE
from coach.replies.wording import ANSWER_TIER, Brief, brief_of

CONTEXT = "answer"
"""Under which name the graph's outcomes are counted."""
UNSURE, AGREED = 0.3, 0.8
"""First guesses: how often a question is put to the classifier, and how often it agrees with the rules."""
CLASSIFY_SECONDS = LogNormal(0.45, 0.9)

BY_RULE = frozenset(
    {
        Intent.SHOW,
        Intent.PRESSURE,
        Intent.GREETING,
        Intent.THANKS,
        Intent.WHO,
        Intent.ABLE,
        Intent.PROGRESS,
        Intent.COMPARE,
        Intent.TOPICS,
    }
)
"""What the built-in coach answers itself: what is computed or authored to the word needs no model."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the built-in coach would say, and what of the answer is kept. `brief`: what a model is asked, None
    where none is."""

    asked: Asked
    answer: Answer
    notes: tuple[Note, ...]
    brief: Brief | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the question is to be read; `stands`: what was planned stands, and a model words it."""

    reading: Reading
    stands: bool


async def answer_question(job: Job, *, pool: Executor, deadline_seconds: float) -> Reply:
    """Answer in a model's words. What was asked is data: it selects, it never instructs."""
    state = begin(job)
    outcomes = job.sources.outcomes
    beliefs = await load_beliefs(_graph(ahead=False), outcomes, CONTEXT)
    agreed = beliefs["ahead"]
    wasted_usd = begun_in_vain_usd(state.calls.provider.model(ANSWER_TIER).price)
    state.speculation = decide(agreed.probability, CLASSIFY_SECONDS.typical, wasted_usd, VALUE_OF_SECOND_USD)
    state.belief = str(agreed)
    graph = with_beliefs(_graph(ahead=state.speculation.worth_it), beliefs)
    running = run(
        graph,
        pool=pool,
        deadline_seconds=deadline_seconds,
        needed=_is_needed,
        on_output=lambda _task, sentence: job.voice.say(sentence),
    )
    result = await closing(state, running)
    found = outcomes_in(graph, result.trace)
    if found.get("classify") is not True:
        # Only where it was put to the classifier is it known whether that agrees.
        found.pop("ahead", None)
    await outcomes.add(CONTEXT, found)
    plan: Plan = result.values["reply"]
    attempts: Attempts | None = result.values["attempt"]
    reply = Reply(
        memory=plan.answer.memory.to_dict(),
        steps=plan.answer.steps,
        exercise_id=attempts.exercise_id if attempts else None,
    )
    return kept(state, result, reply)


def begun_in_vain_usd(price: Price) -> float:
    """An answer that is not wanted: a conversation read, a question sent fresh, the first words written."""
    return cost_usd(price, read=10_000, fresh=400, output=40)


def _graph(*, ahead: bool) -> TaskGraph:
    needs = ("plan", "spoken", "setting", "pauses", "closed")
    return TaskGraph(
        [
            *conversation.reading_tasks(),
            *prompt_tasks(),
            Task("sure", ("question", "search"), call=_sure, label=_("Is the question clear?")),
            Task(
                "classify",
                ("question", "attempt", "history", "sure"),
                condition=Condition("sure", UNSURE),
                call=_classify,
                duration=CLASSIFY_SECONDS,
                label=_("Classify with the small model"),
                kind="model",
            ),
            Task("verdict", ("question", "sure", "classify"), call=_verdict, label=_("Decide what is asked")),
            Task(
                "plan",
                (*conversation.FACTS, "spoken", "setting", "pauses", "closed"),
                call=_plan,
                label=_("Plan the answer by the ladder’s rule"),
            ),
            Task(
                "ahead",
                needs,
                condition=Condition("verdict", AGREED),
                speculative=ahead,
                effects="pure",
                call=_begin_answer,
                duration=LogNormal(0.8, 1.6),
                label=_("Begin the answer"),
                kind="model",
            ),
            Task(
                "reply",
                (*conversation.FACTS, *needs, "verdict", "ahead"),
                call=_reply,
                duration=ANSWER_SECONDS,
                label=_("Say the answer, sentence by sentence"),
                kind="model",
            ),
        ]
    )


def _is_needed(task: str, decided: Any) -> bool:
    if task == "classify":
        return decided is False
    if task == "ahead":
        return isinstance(decided, Verdict) and decided.stands
    return conversation.is_about_findings(task, decided)


async def _sure(inputs: Inputs) -> bool:
    """A rule has read the question, or the course has something that was written to it."""
    reading: Reading = inputs["question"]
    if reading.number or reading.intent not in {Intent.CONCEPT, Intent.STATEMENT}:
        return True
    return bool(inputs["search"].matches and inputs["search"].matches[0].exact)


async def _classify(inputs: Inputs) -> Reading | None:
    job = current.get()
    attempts: Attempts | None = inputs["attempt"]
    call = sort_call(
        job.turn.question,
        turn=str(job.turn.uuid),
        graded=bool(attempts and attempts.latest),
        topic=inputs["history"].topic,
    )
    return sorted_reading(await making.get().calls.ask(call, inputs))


async def _verdict(inputs: Inputs) -> Verdict:
    first: Reading = inputs["question"]
    second: Reading | None = inputs.get("classify")
    reading = second or first
    return Verdict(reading, stands=reading == first and first.intent not in BY_RULE)


async def _plan(inputs: Inputs) -> Plan:
    return _planned(inputs, None)


def _planned(inputs: Inputs, reading: Reading | None) -> Plan:
    """What is open is decided here, whoever words it."""
    asked = conversation.asked_of(inputs, reading=reading)
    taker = note_taker()
    plan = Plan(asked, answer(asked, taker), tuple(taker.notes))
    return plan if _is_by_rule(plan) else replace(plan, brief=_brief(inputs, plan))


def _is_by_rule(plan: Plan) -> bool:
    """Nothing is to be worded: what is computed or authored to the word, the answer to whom it is open, and
    what is said before there is an attempt."""
    told = any(note.role == ANSWER_ROLE for note in plan.notes)
    return plan.asked.reading.intent in BY_RULE or told or plan.answer.attempt_first


def _brief(inputs: Inputs, plan: Plan) -> Brief:
    asked = plan.asked
    finding = next((each for each in asked.findings if each.key == _spoken_of(plan)), None)
    lines = attempt_lines(asked.attempts if asked.in_exercise else None, asked.changes, asked.findings)
    lines.append(f"The program reads the message as: {asked.reading.intent.value}.")
    if asked.here:
        lines.append(f"Open section: [{asked.here}]")
    lines += passage_lines(asked)
    if finding is not None:
        steps = (step for step in plan.answer.steps if step.finding_key == finding.key)
        rung = next(steps, asked.step(finding)).rung or Rung.POINT
        lines += focus_lines(finding, rung, asked.words)
    return brief_of(
        shared=shared_texts(asked.index, asked.lesson, inputs["setting"], inputs["authored"]),
        spoken=inputs["spoken"],
        pauses=inputs["pauses"],
        message=message(
            lines,
            plan.notes,
            language=get_language() or "en",
            learner=asked.question,
            ending="Answer the learner now.",
        ),
        notes=plan.notes,
        index=asked.index,
        finding=finding.key if finding else "",
        marker=finding.number if finding else 0,
        question=asked.question,
        closed=inputs["closed"],
    )


def _spoken_of(plan: Plan) -> str:
    """The finding that the notes are about, if any."""
    return next((note.finding for note in plan.notes if note.finding), "")


async def _begin_answer(inputs: Inputs) -> Stream | None:
    plan: Plan = inputs["plan"]
    if plan.brief is None:
        return None
    stream = stream_of(inputs, plan.brief)
    await stream.begun()
    return stream


async def _reply(inputs: Inputs) -> Plan:
    verdict: Verdict = inputs["verdict"]
    stream: Stream | None = inputs.get("ahead")
    plan: Plan = inputs["plan"]
    if stream is None:
        # What was begun ahead and is not wanted goes no further.
        await making.get().calls.close()
        plan = plan if verdict.reading == inputs["question"] else _planned(inputs, verdict.reading)
    teller = conversation.teller_for(plan.asked, inputs.emit)
    if plan.brief is None:
        tell_all(plan.notes, teller)
    else:
        await say(stream or stream_of(inputs, plan.brief), plan.brief, teller)
    return plan
