"""A graded submission becomes a task graph; its last task speaks as soon as the first results are in."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from coach.engine.graph import Condition, LogNormal, TaskGraph
from coach.engine.runner import Inputs, RunResult, run
from coach.engine.task import Task
from coach.ladder import Rung, Step
from coach.material import Changes, Link
from coach.providers import builtin, builtin_talk
from coach.queries import Attempts
from coach.replies.job import Job, current, read_authored, read_ladder, read_lessons, stored
from coach.replies.memory import Memory, memory_of
from coach.replies.parts import Reply, Sentence
from coach.replies.situation import FINDINGS_MAX, Words, changes_in, steps_now
from coach.replies.telling import Teller, findings_in, guard_for
from exercises.kinds.base import Finding

WORDS_MAX = 120
READ = LogNormal(0.0015, 0.006)


async def write_critique(job: Job, *, pool: Executor, deadline_seconds: float) -> Reply:
    """Words for a grade that is stored already; it can add nothing to the grade and take nothing from it."""
    current.set(job)
    result = await run(
        _graph(get_language()),
        pool=pool,
        deadline_seconds=deadline_seconds,
        needed=concept_is_next,
        on_output=lambda _task, sentence: job.voice.say(sentence),
    )
    return reply_of(result)


def reply_of(result: RunResult) -> Reply:
    """What is kept of a critique's run."""
    attempts: Attempts | None = result.values["attempt"]
    if attempts is None or attempts.latest is None:
        return Reply(trace=stored(result.trace))
    steps: dict[str, Step] = result.values["rungs"]
    first = next(iter(findings_in(attempts.latest)), None)
    history: Memory = result.values["history"]
    memory = replace(
        history,
        finding=first.key if first else "",
        topic=result.values.get("next") or "",
        said=(*history.said, *result.values["reply"]),
    )
    return Reply(
        trace=stored(result.trace),
        steps=tuple(steps.values()),
        exercise_id=attempts.exercise_id,
        memory=memory.to_dict(),
    )


async def _recall(inputs: Inputs) -> Memory:
    turn = current.get().turn
    return memory_of(await current.get().sources.history.load((turn.conversation_id, turn.number)))


async def _attempt(inputs: Inputs) -> Attempts | None:
    job = current.get()
    key = (job.learner_id, job.place.exercise_id, job.turn.submission_id or 0)
    return await job.sources.attempts.load(key)


FACTS = ("changes", "rungs", "authored", "passage", "attempt", "history")
"""What a critique is made of, whoever words it."""


def reading_tasks() -> list[Task]:
    """The tasks that find out what a critique is made of."""
    reading = partial(Task, duration=READ)
    return [
        reading("attempt", call=_attempt, label=_("Read the attempts")),
        reading("history", call=_recall, label=_("Recall the conversation")),
        reading("ladder", call=read_ladder, label=_("Look up the hint ladder")),
        reading("authored", call=read_authored, label=_("Fetch hints and misconceptions")),
        reading("lessons", call=read_lessons, label=_("Open the lessons")),
        Task("changes", ("attempt",), call=_compare, label=_("Compare with the attempt before")),
        Task("rungs", ("attempt", "ladder", "changes"), call=_climb, label=_("Apply the ladder’s rule")),
        Task("passage", ("attempt", "authored", "lessons"), call=_look_up, label=_("Look up the passage")),
        Task(
            "next",
            ("attempt", "lessons"),
            # What the learner will likely ask next is the concept, unless this reply gives it already.
            condition=Condition("rungs", 0.8),
            speculative=True,
            effects="pure",
            call=_prepare_next,
            label=_("Prepare the next question"),
        ),
    ]


@lru_cache(maxsize=8)
def _graph(language: str) -> TaskGraph:
    reply = Task(
        "reply",
        FACTS,
        join="stream",
        call=_speak,
        duration=LogNormal(0.002, 0.01),
        label=_("Write the reply"),
        kind="model",
    )
    return TaskGraph([*reading_tasks(), reply])


async def _speak(inputs: Inputs) -> tuple[str, ...]:
    """What was asked, so that the next critique asks something else."""
    return await Speech().speak(inputs)


def concept_is_next(task: str, rungs: Any) -> bool:
    return all(step.rung is not None and step.rung < Rung.CONCEPT for step in rungs.values())


async def _compare(inputs: Inputs) -> Changes:
    attempts: Attempts | None = inputs["attempt"]
    return changes_in(attempts) if attempts else Changes()


async def _climb(inputs: Inputs) -> dict[str, Step]:
    attempts: Attempts | None = inputs["attempt"]
    return steps_now(attempts, inputs["ladder"], inputs["changes"]) if attempts else {}


async def _look_up(inputs: Inputs) -> Link | None:
    attempts: Attempts | None = inputs["attempt"]
    finding = next(iter(findings_in(attempts.latest if attempts else None)), None)
    if finding is None:
        return None
    section = inputs["lessons"].at(Words(authored=inputs["authored"]).passage(finding))
    if section is None:
        return None
    current.get().voice.status(_("Looking up “%(title)s”…") % {"title": section.title})
    return Link(section.link.label, section.link.url)


async def _prepare_next(inputs: Inputs) -> str:
    """The place in the lessons that the next question will stand on: what that turn's search begins with."""
    attempts: Attempts | None = inputs["attempt"]
    finding = next(iter(findings_in(attempts.latest if attempts else None)), None)
    section = inputs["lessons"].at(finding.passage) if finding else None
    return section.place if section else ""


class Speech:
    """Says each part as soon as what it stands on has arrived. `needs`: what its end waits for."""

    needs = frozenset({"passage", "history"})

    def __init__(self) -> None:
        self.teller: Teller | None = None
        self.asked = ""

    async def speak(self, inputs: Inputs) -> tuple[str, ...]:
        parts: dict[str, Any] = {}
        opened = finished = False
        async for name, value in inputs.arrivals():
            parts[name] = value
            if not opened and {"attempt", "changes", "rungs", "authored"} <= parts.keys():
                opened = self._open(inputs, parts)
            if opened and not finished and self.needs <= parts.keys():
                finished = True
                if self.teller is not None:
                    await self.close(inputs, self.teller, parts)
        return (self.asked,) if self.asked else ()

    def _open(self, inputs: Inputs, parts: Mapping[str, Any]) -> bool:
        attempts: Attempts | None = parts["attempt"]
        if attempts is None or attempts.latest is None:
            inputs.emit(
                Sentence(
                    text=_("This attempt has no grade yet, so there is nothing to say about it."), opens=True
                )
            )
            return True
        findings = findings_in(attempts.latest)
        words = Words(authored=parts["authored"])
        guard = guard_for(findings, parts["rungs"], mastered=attempts.mastered)
        self.teller = Teller(inputs.emit, guard, partial(_instead, findings, parts["rungs"], words))
        if not findings:
            self.teller.tell(builtin.passed(attempts.latest), role="good")
        if findings or parts["changes"].before_number:
            opening = builtin.opening(attempts.latest, parts["changes"])
            self.teller.tell(opening, role="say" if _is_worse(parts["changes"]) else "good")
        return True

    async def close(self, inputs: Inputs, teller: Teller, parts: Mapping[str, Any]) -> None:
        """All behind the opening, in the built-in coach's words."""
        self.asked = discuss(teller, parts)


def discuss(teller: Teller, parts: Mapping[str, Any]) -> str:
    """What a critique says behind its opening; returns what it asks."""
    attempts: Attempts = parts["attempt"]
    findings = findings_in(attempts.latest)
    if findings:
        return _discuss(teller, findings, parts)
    assert attempts.latest  # noqa: S101 - nothing is discussed before there is a grade
    teller.tell(builtin.surprise(attempts.latest.prediction))
    teller.tell(builtin.question_after_passing(attempts.latest), role="question")
    teller.tell(builtin.action_after_passing(), role="action")
    return ""


def _instead(findings: tuple[Finding, ...], steps: Mapping[str, Step], words: Words, key: str) -> list[str]:
    finding = next((each for each in findings if each.key == key), None)
    if finding is None:
        return []
    step = steps.get(key)
    rung = step.rung if step and step.rung else Rung.POINT
    return [*words.instead(finding, rung), builtin.neutral(finding)]


def _discuss(teller: Teller, findings: tuple[Finding, ...], parts: Mapping[str, Any]) -> str:
    """The gravest finding on its rung, the next two by name, one question (returned), an action."""
    finding = findings[0]
    words = Words(authored=parts["authored"])
    rung = rung_of(parts["rungs"], finding)
    say = partial(teller.tell, finding=finding.key)
    if rung is Rung.EXAMPLE:
        say(builtin.still_there(finding), role="finding", marker=finding.number)
    else:
        say(finding.message, role="finding", marker=finding.number)
    question = _question(words, finding, rung, said=parts["history"].said)
    hint = finding.fix if rung is Rung.ANSWER else words.hint(finding, rung)
    if not _names(finding, f"{finding.message} {hint if rung is not Rung.ASK else question}"):
        say(builtin_talk.about(finding))
    if rung is not Rung.ASK:
        say(
            hint,
            role="hint",
            link=parts["passage"] if rung >= Rung.CONCEPT else None,
        )
    closing = [question, builtin.action_for(finding, rung)]
    left = WORDS_MAX - teller.words - sum(len(text.split()) for text in closing)
    rest = findings[1:FINDINGS_MAX]
    if rest and len((also := builtin.others(rest, len(findings))).split()) <= left:
        teller.tell(also, role="others")
        left -= len(also.split())
    thought = words.belief(finding)
    if rung <= Rung.ASK and thought and len(builtin.belief(thought).split()) <= left:
        say(builtin.belief(thought), role="aside")
    say(closing[0], role="question")
    say(closing[1], role="action")
    return question


def _is_worse(changes: Changes) -> bool:
    return bool(changes.before_number and changes.fresh and not (changes.mended or changes.better))


def _names(finding: Finding, text: str) -> bool:
    return finding.place_label.casefold() in text.casefold()


def _question(words: Words, finding: Finding, rung: Rung, *, said: tuple[str, ...]) -> str:
    """The authored one from its rung on, else one for this kind of fault; not what was asked before."""
    authored = words.hint(finding, Rung.ASK) if rung >= Rung.ASK else ""
    return builtin.fresh_question(finding, authored, said=said)


def rung_of(steps: Mapping[str, Step], finding: Finding) -> Rung:
    step = steps.get(finding.key)
    return step.rung if step is not None and step.rung is not None else Rung.POINT
