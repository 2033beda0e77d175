"""A learner who talks to the built-in coach about the shipped course, without a server between them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from django.core.management import call_command

from coach.ladder import Step
from coach.queries import Attempt, Attempts, Authored, authored_for_many
from coach.replies import passages
from coach.replies.answering import answer
from coach.replies.asked import Asked, look_up
from coach.replies.intents import read_question
from coach.replies.memory import Memory
from coach.replies.parts import Sentence
from coach.replies.passages import Index
from coach.replies.situation import Words, changes_in
from coach.replies.telling import Teller, findings_in, guard_for
from exercises.kinds import kind_named
from exercises.models import Exercise

COURSE = Path(__file__).resolve().parents[2] / "fixtures" / "agent-latency"
FORBIDDEN = re.compile(
    r"\b(?:just(?! before| after)|simply|obviously|of course|great question|well done|good job)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Said:
    """One reply of the coach."""

    sentences: tuple[Sentence, ...]

    @property
    def text(self) -> str:
        return " ".join(sentence.text for sentence in self.sentences)

    @property
    def links(self) -> list[str]:
        """Places that are cited, as `lesson-slug#anchor`."""
        urls = [sentence.link.url for sentence in self.sentences if sentence.link]
        return [url.rstrip("/").split("/courses/agent-latency/")[1].replace("/#", "#") for url in urls]

    def of(self, role: str) -> str:
        return " ".join(sentence.text for sentence in self.sentences if sentence.role == role)


@dataclass(frozen=True, slots=True)
class Desk:
    """An exercise as it ships: its lesson, its authored words, and every wrong answer, graded."""

    lesson: str
    authored: Authored
    attempts: tuple[Attempts, ...]


@dataclass(frozen=True, slots=True)
class Shipped:
    index: Index
    desks: Mapping[str, Desk]


def shipped_course() -> Shipped:
    """The course of the repository, read into the database that is open and out again."""
    call_command("load_course", COURSE, verbosity=0)
    passages.forget()
    index = passages.index()
    passages.forget()
    exercises = Exercise.objects.select_related("published", "lesson")
    return Shipped(index, {exercise.slug: _desk(exercise) for exercise in exercises})


def _desk(exercise: Exercise) -> Desk:
    graded = tuple(_attempts(exercise, number) for number in range(len(exercise.wrong_answers)))
    return Desk(exercise.lesson.slug, authored_for_many([exercise.pk])[exercise.pk], graded)


def _attempts(exercise: Exercise, number: int) -> Attempts:
    assert exercise.published is not None
    kind = kind_named(exercise.kind)
    wrong = kind.Answer.model_validate(exercise.wrong_answers[number]["answer"])
    grade = kind.grade(kind.Spec.model_validate(exercise.published.spec), wrong, prediction=None)
    rows = grade.to_dict()
    return Attempts(
        exercise_id=exercise.pk,
        exercise_slug=exercise.slug,
        exercise_title=exercise.title,
        lesson_slug=exercise.lesson.slug,
        latest=Attempt(
            number=1,
            passed=grade.passed,
            score=grade.score,
            findings=tuple(rows["findings"]),
            measures=tuple(asdict(measure) for measure in grade.measures),
            prediction=None,
        ),
    )


@dataclass(slots=True)
class Talk:
    index: Index
    lesson: str = "trade-offs"
    here: str = ""
    attempts: Attempts | None = None
    authored: Authored = field(default_factory=lambda: Authored(hints={}, misconceptions={}))
    steps: dict[str, Step] = field(default_factory=dict)
    memory: Memory = field(default_factory=Memory)

    def ask(self, question: str) -> Said:
        said: list[Sentence] = []
        asked = self._asked(question)
        guard = guard_for(asked.findings, asked.with_opened_steps(), mastered=asked.mastered)
        done = answer(asked, Teller(said.append, guard, lambda _key: ()))
        questions = (question, *self.memory.questions)
        self.memory = replace(done.memory, questions=questions, turns=len(questions))
        self.steps |= {step.finding_key: step for step in done.steps}
        return Said(tuple(said))

    def _asked(self, question: str) -> Asked:
        reading = read_question(question)
        near = self.here or self.memory.topic
        return Asked(
            question=question,
            reading=reading,
            lesson=self.lesson,
            here=self.here,
            in_exercise=self.attempts is not None,
            attempts=self.attempts,
            findings=findings_in(self.attempts.latest if self.attempts else None),
            changes=changes_in(self.attempts) if self.attempts else None,
            steps=self.steps,
            words=Words(authored=self.authored),
            found=look_up(self.index, question, reading, near=near, lesson=self.lesson),
            index=self.index,
            memory=self.memory,
        )


def talk_at(shipped: Shipped, slug: str, number: int = 0) -> Talk:
    """On the page of an exercise, with one of its wrong answers handed in."""
    desk = shipped.desks[slug]
    return Talk(shipped.index, lesson=desk.lesson, attempts=desk.attempts[number], authored=desk.authored)
