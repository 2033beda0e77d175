"""A question becomes a task graph: who asks and what they handed in, the passages, the ladder, the answer."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from functools import partial
from typing import Any

from django.utils.translation import gettext as _

from coach.actions import Place
from coach.engine.graph import Condition, LogNormal, TaskGraph
from coach.engine.runner import Inputs, run
from coach.engine.task import Task
from coach.models import Turn
from coach.providers import builtin
from coach.queries import Attempts, Authored
from coach.replies.answering import Answer, Asked, answer
from coach.replies.intents import Intent, Reading, read_question
from coach.replies.ladder import Rung, Step
from coach.replies.memory import Memory, memory_of
from coach.replies.parts import Reply, Voice
from coach.replies.passages import Hit, Index
from coach.replies.situation import Words, changes_in
from coach.replies.sources import Sources
from coach.replies.telling import Teller, findings_in, guard_for

READ = LogNormal(0.0015, 0.006)
ABOUT_FINDINGS = frozenset({Intent.HINT, Intent.WHY, Intent.SHOW, Intent.NEXT, Intent.PRESSURE})


async def answer_question(
    turn: Turn,
    learner_id: int,
    place: Place,
    voice: Voice,
    *,
    sources: Sources,
    pool: Executor,
    deadline_seconds: float,
) -> Reply:
    """Answer in the built-in coach's words. What was asked is data: it selects, it never instructs."""
    result = await run(
        _graph(turn, learner_id, place, voice, sources),
        pool=pool,
        deadline_seconds=deadline_seconds,
        needed=_is_needed,
        on_output=lambda _task, sentence: voice.say(sentence),
    )
    said: Answer = result.values["reply"]
    attempts: Attempts | None = result.values["attempt"]
    return Reply(
        trace=result.trace.to_dict(),
        memory=said.memory.to_dict(),
        steps=said.steps,
        exercise_id=attempts.exercise_id if attempts else None,
    )


def _graph(turn: Turn, learner_id: int, place: Place, voice: Voice, sources: Sources) -> TaskGraph:
    exercise_id, lesson = place.exercise_id, place.lesson
    reading = partial(Task, duration=READ)
    here = f"{lesson}#{turn.section}" if turn.section else ""
    return TaskGraph(
        [
            Task("question", call=partial(_read, turn.question), label=_("Read the question")),
            reading("history", call=partial(_recall, turn, sources), label=_("Recall the conversation")),
            reading(
                "attempt",
                call=lambda _inputs: sources.attempts.load((learner_id, exercise_id, 0)),
                label=_("Read the attempts"),
            ),
            reading(
                "ladder",
                call=lambda _inputs: sources.steps.load((learner_id, exercise_id)),
                label=_("Look up the hint ladder"),
            ),
            reading(
                "authored",
                call=lambda _inputs: sources.authored.load(exercise_id),
                label=_("Fetch hints and misconceptions"),
            ),
            reading("lessons", call=lambda _inputs: sources.lessons.load(""), label=_("Open the lessons")),
            Task(
                "search",
                ("question", "history", "lessons"),
                call=partial(_search, turn.question, here, lesson, voice),
                label=_("Search the lessons"),
            ),
            Task(
                "finding-passage",
                ("attempt", "lessons"),
                # Most questions beside an attempt are about its first finding.
                condition=Condition("question", 0.5),
                speculative=True,
                call=_finding_passage,
                label=_("Look up the finding’s passage"),
            ),
            Task(
                "reply",
                (
                    "question",
                    "history",
                    "attempt",
                    "ladder",
                    "authored",
                    "search",
                    "finding-passage",
                    "lessons",
                ),
                call=partial(_reply, turn, place, here),
                duration=LogNormal(0.002, 0.01),
                label=_("Write the answer"),
                kind="model",
            ),
        ]
    )


def _is_needed(task: str, reading: Any) -> bool:
    return isinstance(reading, Reading) and reading.intent in ABOUT_FINDINGS


async def _read(question: str, inputs: Inputs) -> Reading:
    return read_question(question)


async def _recall(turn: Turn, sources: Sources, inputs: Inputs) -> Memory:
    return memory_of(await sources.history.load((turn.conversation_id, turn.number)))


async def _search(question: str, here: str, lesson: str, voice: Voice, inputs: Inputs) -> list[Hit]:
    reading: Reading = inputs["question"]
    if reading.intent not in {Intent.CONCEPT, Intent.STATEMENT, Intent.TOPICS, Intent.NEXT}:
        return []
    index: Index = inputs["lessons"]
    memory: Memory = inputs["history"]
    hits = index.find(question, near=here or memory.topic, lesson=lesson)
    if hits:
        voice.status(_("Looking up “%(title)s”…") % {"title": hits[0].passage.title})
    return hits


async def _finding_passage(inputs: Inputs) -> str:
    attempts: Attempts | None = inputs["attempt"]
    finding = next(iter(findings_in(attempts.latest if attempts else None)), None)
    return finding.passage if finding else ""


async def _reply(turn: Turn, place: Place, here: str, inputs: Inputs) -> Answer:
    attempts: Attempts | None = inputs["attempt"]
    authored: Authored = inputs["authored"]
    steps: Mapping[str, Step] = inputs["ladder"]
    findings = findings_in(attempts.latest if attempts else None)
    asked = Asked(
        question=turn.question,
        reading=inputs["question"],
        lesson=place.lesson,
        here=here,
        in_exercise=place.in_exercise,
        attempts=attempts,
        findings=findings,
        changes=changes_in(attempts) if attempts else None,
        steps=steps,
        words=Words(authored=authored),
        hits=tuple(inputs["search"]),
        index=inputs["lessons"],
        memory=inputs["history"],
    )
    mastered = bool(attempts and attempts.mastered)
    opened = asked.with_opened_steps()
    guard = guard_for(findings, opened, mastered=mastered)
    instead = partial(_instead, asked)
    return answer(asked, Teller(inputs.emit, guard, instead))


def _instead(asked: Asked, key: str) -> list[str]:
    finding = next((each for each in asked.findings if each.key == key), None)
    if finding is None:
        return []
    step = asked.steps.get(key)
    return [
        *asked.words.instead(finding, step.rung if step and step.rung else Rung.POINT),
        builtin.neutral(finding),
    ]
