"""What is read, and for whom."""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.utils.html import strip_tags

from coach.frames import Subject
from coach.models import Conversation, LadderStep, Turn, TurnEvent
from coach.replies.ladder import Step
from exercises.models import Exercise, Hint, Misconception, Submission
from lessons.models import Lesson, LessonRevision, User

LISTED_TURNS = 40


def _with_events(turns: QuerySet[Turn]) -> QuerySet[Turn]:
    return turns.prefetch_related(Prefetch("events", TurnEvent.objects.order_by("seq")))


def turns_for_page(conversation: Conversation | None) -> list[Turn]:
    """The newest turns of a conversation with their events, oldest first."""
    if conversation is None:
        return []
    newest = conversation.turns.order_by("-number")[:LISTED_TURNS]
    return list(reversed(_with_events(newest)))


def turns_after(
    *, learner_id: int, subject: Subject, after: int, cursors: Mapping[uuid.UUID, int]
) -> list[tuple[Turn, list[TurnEvent]]]:
    """What a socket has not shown: later turns whole, known ones from their cursor. In order of the turns."""
    mine = Turn.objects.filter(
        conversation__learner=learner_id, **{f"conversation__{subject.kind}__slug": subject.slug}
    ).order_by("number")
    newest = list(_with_events(mine.filter(number__gt=after).order_by("-number")[:LISTED_TURNS]))
    known = list(_with_events(mine.filter(uuid__in=list(cursors), number__lte=after))) if cursors else []
    return [
        (turn, [event for event in turn.events.all() if event.seq > cursors.get(turn.uuid, 0)])
        for turn in sorted([*newest, *known], key=lambda turn: turn.number)
    ]


def turn_with_events(turn_id: int) -> Turn | None:
    return _with_events(Turn.objects.filter(pk=turn_id)).first()


def waiting_turn_ids(*, learner_id: int, subject: Subject) -> list[int]:
    """Turns that were begun where none run, such as by a command or another kind of server."""
    mine = Turn.objects.filter(
        conversation__learner=learner_id, **{f"conversation__{subject.kind}__slug": subject.slug}
    )
    return list(mine.filter(state=Turn.State.QUEUED, owner="").values_list("pk", flat=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One graded submission, as a reply needs it."""

    number: int
    passed: bool
    score: float
    findings: tuple[Mapping[str, Any], ...]
    measures: tuple[Mapping[str, Any], ...]
    prediction: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempts:
    """The attempt a reply is about, the one before it, and whether one before had passed."""

    exercise_id: int
    exercise_slug: str
    exercise_title: str
    lesson_slug: str
    latest: Attempt | None = None
    before: Attempt | None = None
    mastered: bool = False


_ATTEMPT_FIELDS = ("number", "state", "passed", "score", "findings", "measures", "result")


def attempts_of(*, learner_id: int, exercise_id: int, submission_id: int | None = None) -> Attempts | None:
    """The newest two graded attempts of a learner, up to a submission if one is given."""
    upto = submission_number(submission_id) if submission_id else None
    exercise = _exercise_row(exercise_id)
    if exercise is None:
        return None
    graded = Submission.objects.filter(
        learner=learner_id, exercise=exercise_id, state=Submission.State.GRADED
    ).order_by("-number")
    if upto is not None:
        graded = graded.filter(number__lte=upto)
    rows = [_attempt(row) for row in graded.values(*_ATTEMPT_FIELDS)[:2]]
    return Attempts(
        exercise_id=exercise_id,
        exercise_slug=exercise["slug"],
        exercise_title=exercise["published__title"],
        lesson_slug=exercise["lesson__slug"],
        latest=rows[0] if rows else None,
        before=rows[1] if len(rows) > 1 else None,
        mastered=graded.filter(passed=True).exists() if rows else False,
    )


def _exercise_row(exercise_id: int) -> dict[str, Any] | None:
    rows = Exercise.objects.filter(pk=exercise_id, published__isnull=False)
    return rows.values("slug", "published__title", "lesson__slug").first()


def _attempt(row: Mapping[str, Any]) -> Attempt:
    return Attempt(
        number=row["number"],
        passed=row["passed"],
        score=row["score"] or 0.0,
        findings=tuple(row["findings"]),
        measures=tuple(row["measures"]),
        prediction=row["result"].get("prediction"),
    )


def submission_number(submission_id: int) -> int | None:
    return Submission.objects.filter(pk=submission_id).values_list("number", flat=True).first()


def steps_of(*, learner_id: int, exercise_id: int) -> dict[str, Step]:
    rows = LadderStep.objects.filter(learner=learner_id, exercise=exercise_id)
    return {row.finding_key: row.as_step() for row in rows}


@dataclass(frozen=True, slots=True, kw_only=True)
class Authored:
    """What the instructor wrote about an exercise's findings: hints by code and rung, misconceptions by code."""

    hints: Mapping[str, Mapping[int, str]]
    misconceptions: Mapping[str, tuple[Mapping[str, str], ...]]


def authored_for(exercise_id: int) -> Authored:
    hints: dict[str, dict[int, str]] = {}
    for code, rung, text in Hint.objects.filter(exercise=exercise_id).values_list(
        "finding_code", "rung", "text"
    ):
        hints.setdefault(code, {})[rung] = text
    beliefs: dict[str, tuple[Mapping[str, str], ...]] = {}
    rows = Misconception.objects.filter(exercise=exercise_id).order_by("pk")
    for row in rows.values("finding_code", "statement", "explanation", "passage"):
        beliefs[row["finding_code"]] = (*beliefs.get(row["finding_code"], ()), row)
    return Authored(hints=hints, misconceptions=beliefs)


def recent_turns(turn: Turn, *, limit: int = 6) -> list[dict[str, Any]]:
    """What was said before a turn, newest first: question, kind, state, what each turn left in memory."""
    earlier = Turn.objects.filter(conversation=turn.conversation_id, number__lt=turn.number)
    return list(earlier.order_by("-number").values("number", "kind", "state", "question", "memory")[:limit])


def published_key() -> tuple[int, ...]:
    """Changes when any lesson is published or withdrawn."""
    published = Lesson.objects.filter(published__isnull=False).order_by("pk")
    return tuple(pk for pk in published.values_list("published_id", flat=True) if pk is not None)


def published_lessons() -> list[dict[str, Any]]:
    """What is published, for search: slug, title, address, sections with their question, authors' questions."""
    rows = Lesson.objects.filter(published__isnull=False).select_related("course", "published")
    return [_searchable(lesson, lesson.published) for lesson in rows if lesson.published]


def _searchable(lesson: Lesson, revision: LessonRevision) -> dict[str, Any]:
    return {
        "slug": lesson.slug,
        "title": revision.title,
        "url": lesson.get_absolute_url(),
        "questions": list(revision.coach_questions),
        "sections": [
            {
                "anchor": section["anchor"],
                "title": section["title"],
                "paragraphs": _paragraphs(section),
                "question": _question_text(section),
            }
            for section in revision.sections
        ],
    }


def _question_text(section: Mapping[str, Any]) -> str:
    blocks = [block for block in section["blocks"] if block["kind"] == "question"]
    return plain_of_html(blocks[0]["prompt_html"]) if blocks else ""


UNSPEAKABLE = "\ufffc"
_PARAGRAPH = re.compile(r"<(p|li)\b[^>]*>(.*?)</\1>", re.DOTALL)
_STACKED = re.compile(
    r"<math\b(?:(?!</math>).)*<(?:mfrac|msup|msub|msqrt|munder|mtable)\b.*?</math>", re.DOTALL
)


def _paragraphs(section: Mapping[str, Any]) -> list[str]:
    """The paragraphs and list items of a section; a formula that has no reading in one line is marked."""
    pieces = [block["html"] for block in section["blocks"] if block["kind"] == "html"]
    found = _PARAGRAPH.findall(_STACKED.sub(UNSPEAKABLE, "\n".join(pieces)))
    return [plain_of_html(inner) for _tag, inner in found]


def plain_of_html(html: str) -> str:
    return " ".join(unescape(strip_tags(html)).split())


def rows_of_learner(learner: User) -> dict[str, list[dict[str, Any]]]:
    """All that the coach keeps of a learner, JSON-safe."""
    turns = Turn.objects.filter(conversation__learner=learner).order_by("pk")
    steps = LadderStep.objects.filter(learner=learner).order_by("pk")
    return {
        "coach_turns": [
            {
                "about": turn["conversation__lesson__slug"] or turn["conversation__exercise__slug"],
                "asked": turn["question"],
                "answered": turn["text"],
                "state": turn["state"],
                "at": turn["created_at"].isoformat(),
            }
            for turn in turns.values(
                "conversation__lesson__slug",
                "conversation__exercise__slug",
                "question",
                "text",
                "state",
                "created_at",
            )
        ],
        "coach_hints": list(steps.values("exercise__slug", "finding_key", "rung", "shown_answer")),
    }


SUGGESTED = 3


def suggestions_for(subject: Subject, *, section: str) -> tuple[str, list[str]]:
    """What the coach asks first, and questions a learner may want to ask; those of the open section first."""
    lesson = {"slug": subject.slug} if subject.kind == "lesson" else {"exercises__slug": subject.slug}
    revision = LessonRevision.objects.filter(pk__in=Lesson.objects.filter(**lesson).values("published"))
    row = revision.values("coach_opening", "coach_questions").first()
    if row is None or subject.kind == "exercise":
        return "", []
    ordered = sorted(row["coach_questions"], key=lambda question: question.get("anchor") != section)
    return row["coach_opening"], [question["question"] for question in ordered[:SUGGESTED]]
