"""Learners who hand in and ask as everybody does: by actions, turns and replies."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.core.management import call_command

from coach.beginning import Begin, Begun, begin_for_submission
from coach.evaluation.leaking import Desk, desk_at
from coach.evaluation.submissions import Scenario, scenario_of
from coach.frames import Subject
from coach.models import Turn, TurnEvent
from coach.queries import Authored, authored_for_many, settings_of_many, steps_of
from coach.replies import passages
from coach.replies.background import shared_texts
from coach.replies.plainness import Course, course_of
from coach.replies.situation import Words
from coach.turns import Supervisor
from exercises.actions import hand_in
from exercises.kinds.base import Finding
from exercises.models import Exercise, ExerciseRevision, Submission
from lessons.models import User

COURSE = Path(settings.BASE_DIR) / "fixtures" / "agent-latency"
WAIT_SECONDS = 30.0


class NotAnswered(RuntimeError):  # noqa: N818 - reads as what happened
    """A turn that did not come to its end: nothing can be measured on it."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What one turn showed. `asked` is empty for a critique."""

    asked: str
    sentences: tuple[Mapping[str, Any], ...]

    @property
    def texts(self) -> tuple[str, ...]:
        """Its sentences."""
        return tuple(str(sentence["text"]) for sentence in self.sentences)

    @property
    def text(self) -> str:
        """All of it in one line."""
        return " ".join(self.texts)


class Stage:
    """The shipped course, and every scenario that is played on it."""

    def __init__(self, supervisor: Supervisor) -> None:
        self.supervisor = supervisor
        self._scenarios: list[Scenario] = []
        self._revisions: dict[tuple[str, str], ExerciseRevision] = {}

    async def build(self) -> list[Scenario]:
        """Load the course, once; its exercises as scenarios."""
        if not self._scenarios:
            self._scenarios = await database_sync_to_async(self._build)()
        return self._scenarios

    def _build(self) -> list[Scenario]:
        call_command("load_course", COURSE, verbosity=0)
        exercises = Exercise.objects.select_related("published").order_by("lesson__position", "position")
        return [scenario_of(each.slug, each.kind, each.spec) for each in exercises]

    async def words_of(self, scenario: Scenario) -> Authored:
        """What the authors wrote about the findings of a scenario's exercise."""

        def read() -> Authored:
            pk = Exercise.objects.get(slug=scenario.slug).pk
            return authored_for_many([pk])[pk]

        words: Authored = await database_sync_to_async(read)()
        return words

    async def lesson_texts(self) -> tuple[str, ...]:
        """What everybody can read in the lessons, and what is answered in advance."""

        def read() -> tuple[str, ...]:
            index = passages.index()
            answers = (
                text for entry in index.bank.entries for text in (entry.question, entry.answer, entry.then)
            )
            terms = (term.definition for term in index.glossary)
            heads = (text for each in index.sections.values() for text in (each.title, each.question))
            return (*(passage.text for passage in index.passages), *answers, *terms, *heads)

        texts: tuple[str, ...] = await database_sync_to_async(read)()
        return texts

    async def desk_at(self, scenario: Scenario) -> Desk:
        """What stands round a model's replies at a scenario's exercise."""
        words = Words(authored=await self.words_of(scenario))

        def read() -> Course:
            exercise = Exercise.objects.select_related("lesson").get(slug=scenario.slug)
            setting = settings_of_many([exercise.pk])[exercise.pk]
            shared = shared_texts(passages.index(), exercise.lesson.slug, setting, words.authored)
            return course_of(tuple(text for _name, text in shared))

        return desk_at(scenario, course=await database_sync_to_async(read)(), words=words)

    async def learner(self, scenario: Scenario) -> Learner:
        """Somebody new."""
        user = await database_sync_to_async(User.objects.create_guest)()
        return Learner(self, scenario, user)

    def revision_of(self, scenario: Scenario) -> ExerciseRevision:
        """The published revision, or one with the scenario's own spec; hints and misconceptions stay."""
        spec = scenario.spec.model_dump(mode="json")
        key = (scenario.slug, scenario.spec.model_dump_json())
        if key not in self._revisions:
            exercise = Exercise.objects.select_related("published").get(slug=scenario.slug)
            published = exercise.published
            if published is None:
                raise NotAnswered(f"{scenario.slug} is not published")
            self._revisions[key] = published if published.spec == spec else _varied(published, spec)
        return self._revisions[key]


def _varied(published: ExerciseRevision, spec: Mapping[str, Any]) -> ExerciseRevision:
    number = published.exercise.revisions.count() + 1
    return ExerciseRevision.objects.create(
        exercise=published.exercise,
        number=number,
        title=published.title,
        brief=published.brief,
        brief_html=published.brief_html,
        spec=dict(spec),
        digest=f"evaluation-{number}",
    )


class Learner:
    """One learner at one exercise."""

    def __init__(self, stage: Stage, scenario: Scenario, user: User) -> None:
        self.scenario = scenario
        self.findings: tuple[Finding, ...] = ()
        self._stage = stage
        self._user = user

    async def hand_in(self, answer: Mapping[str, Any]) -> Reply:
        """Hand an answer in; the critique of it. Its findings are the learner's from now on."""
        submission = await database_sync_to_async(self._submit)(answer)
        self.findings = tuple(Finding.from_dict(row) for row in submission.findings)
        return await self._played(begin_for_submission(submission), "")

    def _submit(self, answer: Mapping[str, Any]) -> Submission:
        revision = self._stage.revision_of(self.scenario)
        made = hand_in(
            learner=self._user, revision=revision, answer=answer, prediction={}, client_key=uuid.uuid4()
        )
        if not made.is_graded:
            raise NotAnswered(f"{self.scenario.slug} was not graded")
        return Submission.objects.select_related("exercise").get(pk=made.pk)

    async def ask(self, question: str) -> Reply:
        """Ask beside the exercise; the coach's answer."""
        begin = Begin(key=uuid.uuid4(), subject=self._subject, learner_id=self._user.pk, question=question)
        return await self._played(begin, question)

    async def opened(self) -> frozenset[str]:
        """Keys of the findings whose answer this learner has asked to be shown."""
        exercise = self._stage.revision_of(self.scenario).exercise_id
        steps = await database_sync_to_async(steps_of)(learner_id=self._user.pk, exercise_id=exercise)
        return frozenset(key for key, step in steps.items() if step.answer_is_open)

    @cached_property
    def _subject(self) -> Subject:
        return Subject(kind="exercise", slug=self.scenario.slug)

    async def _played(self, begin: Begin, asked: str) -> Reply:
        outcome = await self._stage.supervisor.begin_and_wait(begin, WAIT_SECONDS)
        if not isinstance(outcome, Begun):
            raise NotAnswered(outcome.code)
        return Reply(asked, await database_sync_to_async(_sentences_of)(outcome.turn.pk))


def _sentences_of(turn_id: int) -> tuple[Mapping[str, Any], ...]:
    turn = Turn.objects.get(pk=turn_id)
    if turn.state != Turn.State.DONE:
        raise NotAnswered(f"turn {turn_id} is {turn.state}")
    rows = turn.events.filter(kind=TurnEvent.Kind.SENTENCE).order_by("seq")
    return tuple(row.payload for row in rows)
