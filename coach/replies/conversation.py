"""A question becomes a task graph: who asks and what they handed in, the passages, the ladder, the answer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor
from functools import lru_cache, partial
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from coach.engine.graph import Condition, LogNormal, TaskGraph
from coach.engine.runner import Inputs, run
from coach.engine.task import Task
from coach.ladder import Rung
from coach.providers import builtin
from coach.queries import Attempts, Authored
from coach.replies.answering import answer
from coach.replies.asked import Answer, Asked, Found, look_up
from coach.replies.intents import Intent, Reading, read_question
from coach.replies.job import Job, current, read_authored, read_ladder, read_lessons, stored
from coach.replies.memory import Memory, memory_of
from coach.replies.parts import Reply, Sentence
from coach.replies.passages import Index
from coach.replies.situation import Words, changes_in
from coach.replies.telling import Teller, findings_in, guard_for

READ = LogNormal(0.0015, 0.006)
ABOUT_FINDINGS = frozenset({Intent.HINT, Intent.WHY, Intent.SHOW, Intent.NEXT, Intent.PRESSURE})


async def answer_question(job: Job, *, pool: Executor, deadline_seconds: float) -> Reply:
    """Answer in the built-in coach's words. What was asked is data: it selects, it never instructs."""
    current.set(job)
    result = await run(
        _graph(get_language()),
        pool=pool,
        deadline_seconds=deadline_seconds,
        needed=is_about_findings,
        on_output=lambda _task, sentence: job.voice.say(sentence),
    )
    said: Answer = result.values["reply"]
    attempts: Attempts | None = result.values["attempt"]
    return Reply(
        trace=stored(result.trace),
        memory=said.memory.to_dict(),
        steps=said.steps,
        exercise_id=attempts.exercise_id if attempts else None,
    )


async def _attempts(inputs: Inputs) -> Attempts | None:
    job = current.get()
    return await job.sources.attempts.load((job.learner_id, job.place.exercise_id, 0))


@lru_cache(maxsize=8)
def _graph(language: str) -> TaskGraph:
    return TaskGraph(
        [
            *reading_tasks(),
            Task(
                "reply",
                FACTS,
                call=_reply,
                duration=LogNormal(0.002, 0.01),
                label=_("Write the answer"),
                kind="model",
            ),
        ]
    )


FACTS = ("question", "history", "attempt", "ladder", "authored", "search", "finding-passage", "lessons")
"""What an answer is made of, whoever words it."""


def reading_tasks() -> list[Task]:
    """The tasks that find out what an answer is made of."""
    reading = partial(Task, duration=READ)
    return [
        Task("question", call=_read, label=_("Read the question")),
        reading("history", call=_recall, label=_("Recall the conversation")),
        reading("attempt", call=_attempts, label=_("Read the attempts")),
        reading("ladder", call=read_ladder, label=_("Look up the hint ladder")),
        reading("authored", call=read_authored, label=_("Fetch hints and misconceptions")),
        reading("lessons", call=read_lessons, label=_("Open the lessons")),
        Task("search", ("question", "history", "lessons"), call=_search, label=_("Search the lessons")),
        Task(
            "finding-passage",
            ("attempt", "lessons"),
            # Most questions beside an attempt are about its first finding.
            condition=Condition("question", 0.5),
            speculative=True,
            effects="pure",
            call=_finding_passage,
            label=_("Look up the finding’s passage"),
        ),
    ]


def is_about_findings(task: str, reading: Any) -> bool:
    return isinstance(reading, Reading) and reading.intent in ABOUT_FINDINGS


async def _read(inputs: Inputs) -> Reading:
    return read_question(current.get().turn.question)


async def _recall(inputs: Inputs) -> Memory:
    turn = current.get().turn
    return memory_of(await current.get().sources.history.load((turn.conversation_id, turn.number)))


async def _search(inputs: Inputs) -> Found:
    job = current.get()
    found = search(job, inputs["question"], inputs["lessons"], inputs["history"])
    section = inputs["lessons"].at(found.place)
    if section is not None:
        job.voice.status(_("Looking up “%(title)s”…") % {"title": section.title})
    return found


def search(job: Job, reading: Reading, index: Index, memory: Memory) -> Found:
    near = job.here or memory.topic
    return look_up(index, job.turn.question, reading, near=near, lesson=job.place.lesson)


async def _finding_passage(inputs: Inputs) -> dict[str, str]:
    """Where the lessons explain the first finding, if that section is still published."""
    attempts: Attempts | None = inputs["attempt"]
    finding = next(iter(findings_in(attempts.latest if attempts else None)), None)
    section = inputs["lessons"].at(finding.passage) if finding else None
    return {finding.key: section.place} if finding and section else {}


def asked_of(inputs: Inputs, *, reading: Reading | None = None) -> Asked:
    """The question with all that was found around it; `reading`: a second opinion on what is wanted."""
    job = current.get()
    attempts: Attempts | None = inputs["attempt"]
    authored: Authored = inputs["authored"]
    found: Found = inputs["search"]
    if reading is not None:
        found = search(job, reading, inputs["lessons"], inputs["history"])
    return Asked(
        question=job.turn.question,
        reading=reading or inputs["question"],
        lesson=job.place.lesson,
        here=job.here,
        in_exercise=job.place.in_exercise,
        attempts=attempts,
        findings=findings_in(attempts.latest if attempts else None),
        changes=changes_in(attempts) if attempts else None,
        steps=inputs["ladder"],
        words=Words(authored=authored, looked_up=inputs.get("finding-passage") or {}),
        found=found,
        index=inputs["lessons"],
        memory=inputs["history"],
        by_model=job.provider is not None,
    )


def teller_for(asked: Asked, emit: Callable[[Sentence], None]) -> Teller:
    guard = guard_for(asked.findings, asked.with_opened_steps(), mastered=asked.mastered)
    return Teller(emit, guard, partial(_instead, asked))


async def _reply(inputs: Inputs) -> Answer:
    asked = asked_of(inputs)
    return answer(asked, teller_for(asked, inputs.emit))


def _instead(asked: Asked, key: str) -> list[str]:
    finding = next((each for each in asked.findings if each.key == key), None)
    if finding is None:
        return []
    step = asked.steps.get(key)
    return [
        *asked.words.instead(finding, step.rung if step and step.rung else Rung.POINT),
        builtin.neutral(finding),
    ]
