"""A critique in a model's words: what is computed is said at once, a model words the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from functools import lru_cache
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from coach.engine.graph import TaskGraph
from coach.engine.runner import Inputs, run
from coach.engine.task import Task
from coach.queries import Attempts
from coach.replies import critique
from coach.replies.background import shared_texts
from coach.replies.drafting import Note, note_taker, tell_all
from coach.replies.job import Job, current
from coach.replies.modelled import ANSWER_SECONDS, begin, closing, kept, prompt_tasks, say, stream_of
from coach.replies.parts import Reply
from coach.replies.situating import attempt_lines, focus_lines, message
from coach.replies.situation import Words
from coach.replies.telling import Teller, findings_in
from coach.replies.wording import Brief, brief_of


async def write_critique(job: Job, *, pool: Executor, deadline_seconds: float) -> Reply:
    """Words for a grade that is stored already; it can add nothing to the grade and take nothing from it."""
    state = begin(job)
    running = run(
        _graph(get_language()),
        pool=pool,
        deadline_seconds=deadline_seconds,
        needed=critique.concept_is_next,
        on_output=lambda _task, sentence: job.voice.say(sentence),
    )
    result = await closing(state, running)
    return kept(state, result, critique.reply_of(result))


@lru_cache(maxsize=8)
def _graph(language: str) -> TaskGraph:
    reply = Task(
        "reply",
        (*critique.FACTS, "lessons", "spoken", "setting", "pauses", "closed"),
        join="stream",
        call=_speak,
        duration=ANSWER_SECONDS,
        label=_("Write the reply"),
        kind="model",
    )
    return TaskGraph([*critique.reading_tasks(), *prompt_tasks(), reply])


async def _speak(inputs: Inputs) -> tuple[str, ...]:
    return await _Speech().speak(inputs)


class _Speech(critique.Speech):
    needs = frozenset({"passage", "history", "lessons", "spoken", "setting", "pauses", "closed"})

    async def close(self, inputs: Inputs, teller: Teller, parts: Mapping[str, Any]) -> None:
        taker = note_taker()
        taker.words = teller.words
        self.asked = critique.discuss(taker, parts)
        found, rest = _parted(taker.notes)
        # What is wrong, and where, is the program's to say: no model can leave it out.
        tell_all(found, teller)
        brief = _brief(parts, rest)
        await say(stream_of(inputs, brief), brief, teller)


def _parted(notes: Sequence[Note]) -> tuple[tuple[Note, ...], tuple[Note, ...]]:
    """The finding's own words, and what a model is to word."""
    found = tuple(note for note in notes if note.role == "finding")
    return found, tuple(note for note in notes if note.role != "finding")


def _brief(parts: Mapping[str, Any], notes: tuple[Note, ...]) -> Brief:
    attempts: Attempts = parts["attempt"]
    findings = findings_in(attempts.latest)
    first = next(iter(findings), None)
    lines = attempt_lines(attempts, parts["changes"], findings)
    if first is not None:
        words = Words(authored=parts["authored"])
        lines += focus_lines(first, critique.rung_of(parts["rungs"], first), words)
    lines.append("What changed since the last attempt, and what is marked, has been told; go on from there.")
    return brief_of(
        shared=shared_texts(
            parts["lessons"], current.get().place.lesson, parts["setting"], parts["authored"]
        ),
        spoken=parts["spoken"],
        pauses=parts["pauses"],
        message=message(
            lines,
            notes,
            language=get_language() or "en",
            ending="The attempt has just been graded. Write what the learner should look at now.",
        ),
        notes=notes,
        index=parts["lessons"],
        finding=first.key if first else "",
        closed=parts["closed"],
    )
