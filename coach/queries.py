"""What is read, and for whom."""

from __future__ import annotations

import re
import uuid
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from html import unescape
from typing import Any

from django.db.models import Count, F, Max, OuterRef, Prefetch, Q, QuerySet, Subquery, Window
from django.db.models.functions import Now, RowNumber
from django.utils.html import strip_tags
from pydantic import ValidationError

from coach.beginning import subject_of
from coach.frames import Subject
from coach.history import TURNS_MAX, left_out
from coach.ladder import Step
from coach.models import Conversation, LadderStep, Turn, TurnEvent
from exercises.kinds import UnknownKind, kind_named
from exercises.models import Exercise, Hint, Misconception, Submission
from lessons.models import AuthoredAnswer, GlossaryTerm, Lesson, LessonRevision, User

LISTED_TURNS = 40
FULL_SCORE = 0.999


def _with_events(turns: QuerySet[Turn]) -> QuerySet[Turn]:
    return turns.prefetch_related(Prefetch("events", TurnEvent.objects.order_by("seq")))


def turns_for_page(conversation: Conversation | None) -> list[Turn]:
    """The newest turns of a conversation with their events, oldest first."""
    if conversation is None:
        return []
    newest = conversation.turns.order_by("-number")[:LISTED_TURNS]
    return list(reversed(_with_events(newest)))


def _turns_of(learner_id: int, subject: Subject) -> QuerySet[Turn]:
    return Turn.objects.filter(
        conversation__learner=learner_id, **{f"conversation__{subject.kind}__slug": subject.slug}
    )


def newest_number(*, learner_id: int, subject: Subject) -> int:
    """The number of the newest turn of a conversation; 0 before the first one."""
    return _turns_of(learner_id, subject).aggregate(newest=Max("number"))["newest"] or 0


def turns_after(
    *, learner_id: int, subject: Subject, after: int, cursors: Mapping[uuid.UUID, int]
) -> list[tuple[Turn, list[TurnEvent]]]:
    """What a socket has not shown: later turns whole, known ones from their cursor. In order of the turns."""
    mine = _turns_of(learner_id, subject).order_by("number")
    newest = list(_with_events(mine.filter(number__gt=after).order_by("-number")[:LISTED_TURNS]))
    known = list(_with_events(mine.filter(uuid__in=list(cursors), number__lte=after))) if cursors else []
    return [
        (turn, [event for event in turn.events.all() if event.seq > cursors.get(turn.uuid, 0)])
        for turn in sorted([*newest, *known], key=lambda turn: turn.number)
    ]


FRESH_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """Events of one turn that another process has stored."""

    turn: Turn
    learner_id: int
    subject: Subject
    events: list[TurnEvent]


def news_elsewhere(*, owner: str, learner_ids: Collection[int], heard: Mapping[int, int]) -> list[News]:
    """What processes other than the owner have stored of turns that are open, or were until a moment ago.

    `heard`: the last event known of a turn, by its key. Two queries.
    """
    ended = Q(finished_at__gt=Now() - timedelta(seconds=FRESH_SECONDS))
    turns = Turn.objects.filter(Q(state__in=Turn.OPEN) | ended, conversation__learner__in=learner_ids)
    found = {
        turn.pk: turn
        for turn in turns.exclude(owner=owner)
        .annotate(last=Subquery(_last_seq()))
        .select_related("conversation__lesson", "conversation__exercise")
        .order_by("pk")
        if getattr(turn, "last", 0) > heard.get(turn.pk, 0)
    }
    new = Q(pk__in=[])
    for pk in found:
        new |= Q(turn=pk, seq__gt=heard.get(pk, 0))
    events: dict[int, list[TurnEvent]] = {}
    for event in TurnEvent.objects.filter(new).order_by("turn", "seq") if found else ():
        events.setdefault(event.turn_id, []).append(event)
    return [_news(turn, events.get(pk, [])) for pk, turn in found.items()]


def _last_seq() -> QuerySet[TurnEvent, int]:
    return TurnEvent.objects.filter(turn=OuterRef("pk")).order_by("-seq").values_list("seq", flat=True)[:1]


def _news(turn: Turn, events: list[TurnEvent]) -> News:
    conversation = turn.conversation
    subject = subject_of(conversation)
    return News(turn=turn, learner_id=conversation.learner_id, subject=subject, events=events)


def turn_with_events(turn_id: int) -> Turn | None:
    return _with_events(Turn.objects.filter(pk=turn_id)).first()


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
    """The attempt a reply is about, the one before it, and whether one was flawless."""

    exercise_id: int
    exercise_slug: str
    exercise_title: str
    lesson_slug: str
    latest: Attempt | None = None
    before: Attempt | None = None
    mastered: bool = False


AttemptKey = tuple[int, int, int]
"""Learner, exercise, and the submission up to which attempts count (0: all of them)."""

_ATTEMPT_FIELDS = ("pk", "number", "passed", "score", "findings", "measures", "result")


def attempts_of_many(keys: Collection[AttemptKey]) -> dict[AttemptKey, Attempts | None]:
    """The newest two graded attempts for each key; None for an unpublished exercise. Three queries."""
    exercises = _exercise_rows({exercise for _, exercise, _ in keys})
    graded = _graded_of({learner for learner, _, _ in keys}, exercises.keys())
    counted = {key: _counted(key, graded.get(key[:2], [])) for key in keys}
    wanted = {row["pk"] for rows in counted.values() for row in rows[:2]}
    whole = (
        {
            row["pk"]: _attempt(row)
            for row in Submission.objects.filter(pk__in=wanted).values(*_ATTEMPT_FIELDS)
        }
        if wanted
        else {}
    )
    return {key: _attempts(exercises.get(key[1]), counted[key], whole) for key in keys}


def attempts_of(*, learner_id: int, exercise_id: int, submission_id: int = 0) -> Attempts | None:
    key = (learner_id, exercise_id, submission_id)
    return attempts_of_many([key])[key]


def _exercise_rows(ids: Collection[int]) -> dict[int, dict[str, Any]]:
    rows = Exercise.objects.filter(pk__in=ids, published__isnull=False)
    return {row["pk"]: {**row} for row in rows.values("pk", "slug", "published__title", "lesson__slug")}


_Row = dict[str, Any]


def _graded_of(learners: Collection[int], exercises: Collection[int]) -> dict[tuple[int, int], list[_Row]]:
    """Number and outcome of every graded attempt, newest first."""
    rows = Submission.objects.filter(
        learner__in=learners, exercise__in=exercises, state=Submission.State.GRADED
    ).order_by("-number")
    graded: dict[tuple[int, int], list[_Row]] = {}
    for row in rows.values("pk", "learner_id", "exercise_id", "number", "passed", "score"):
        graded.setdefault((row["learner_id"], row["exercise_id"]), []).append({**row})
    return graded


def _counted(key: AttemptKey, rows: list[_Row]) -> list[_Row]:
    upto = next((row["number"] for row in rows if row["pk"] == key[2]), None)
    return rows if upto is None else [row for row in rows if row["number"] <= upto]


def _attempts(exercise: _Row | None, rows: list[_Row], whole: Mapping[int, Attempt]) -> Attempts | None:
    if exercise is None:
        return None
    newest = [whole[row["pk"]] for row in rows[:2] if row["pk"] in whole]
    return Attempts(
        exercise_id=exercise["pk"],
        exercise_slug=exercise["slug"],
        exercise_title=exercise["published__title"],
        lesson_slug=exercise["lesson__slug"],
        latest=newest[0] if newest else None,
        before=newest[1] if len(newest) > 1 else None,
        # Passing with something still marked is no mastery of what is marked.
        mastered=any(row["passed"] and (row["score"] or 0.0) >= FULL_SCORE for row in rows),
    )


def _attempt(row: Mapping[str, Any]) -> Attempt:
    return Attempt(
        number=row["number"],
        passed=row["passed"],
        score=row["score"] or 0.0,
        findings=tuple(row["findings"]),
        measures=tuple(row["measures"]),
        prediction=row["result"].get("prediction"),
    )


def steps_of_many(keys: Collection[tuple[int, int]]) -> dict[tuple[int, int], dict[str, Step]]:
    """The ladder of each learner and exercise, by finding. One query."""
    found: dict[tuple[int, int], dict[str, Step]] = {key: {} for key in keys}
    rows = LadderStep.objects.filter(
        learner__in={learner for learner, _ in keys}, exercise__in={exercise for _, exercise in keys}
    )
    for row in rows:
        found.setdefault((row.learner_id, row.exercise_id), {})[row.finding_key] = row.as_step()
    return found


def steps_of(*, learner_id: int, exercise_id: int) -> dict[str, Step]:
    return steps_of_many([(learner_id, exercise_id)])[learner_id, exercise_id]


@dataclass(frozen=True, slots=True, kw_only=True)
class Authored:
    """What the instructor wrote about an exercise's findings: hints by code and rung, beliefs by code."""

    hints: Mapping[str, Mapping[int, str]]
    misconceptions: Mapping[str, tuple[Mapping[str, Any], ...]]


def authored_for_many(exercise_ids: Collection[int]) -> dict[int, Authored]:
    """Hints and misconceptions of each exercise. Two queries."""
    hints: dict[int, dict[str, dict[int, str]]] = {}
    for row in Hint.objects.filter(exercise__in=exercise_ids).values(
        "exercise_id", "finding_code", "rung", "text"
    ):
        hints.setdefault(row["exercise_id"], {}).setdefault(row["finding_code"], {})[row["rung"]] = row[
            "text"
        ]
    beliefs: dict[int, dict[str, tuple[Mapping[str, Any], ...]]] = {}
    rows = Misconception.objects.filter(exercise__in=exercise_ids).order_by("pk")
    for belief in rows.values("exercise_id", "finding_code", "statement", "explanation", "passage"):
        by_code = beliefs.setdefault(belief["exercise_id"], {})
        by_code[belief["finding_code"]] = (*by_code.get(belief["finding_code"], ()), belief)
    return {pk: Authored(hints=hints.get(pk, {}), misconceptions=beliefs.get(pk, {})) for pk in exercise_ids}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """A published exercise as everybody sees it: title, brief in Markdown, scenario in plain words."""

    title: str
    brief: str
    scenario: str


def settings_of_many(exercise_ids: Collection[int]) -> dict[int, Setting | None]:
    """The published exercises among these, as a coach's prompt tells of them. One query."""
    rows = Exercise.objects.filter(pk__in=exercise_ids, published__isnull=False).select_related("published")
    found: dict[int, Setting | None] = dict.fromkeys(exercise_ids)
    for row in rows:
        if row.published is not None:
            found[row.pk] = Setting(
                title=row.published.title,
                brief=row.published.brief,
                scenario=_scenario(row.kind, row.published.spec),
            )
    return found


def _scenario(kind_name: str, spec: Mapping[str, Any]) -> str:
    try:
        kind = kind_named(kind_name)
        return kind.scenario(kind.Spec.model_validate(spec))
    except (UnknownKind, ValidationError):
        # Published under an earlier form of its kind: the brief alone tells of it.
        return ""


RECENT_TURNS = 6
SENT = "sent"
"""In a turn's memory: its message exactly as it went to a model."""
TurnKey = tuple[int, int]
"""Conversation, and the number of the turn before which others are recent."""


def recent_turns_of_many(keys: Collection[TurnKey]) -> dict[TurnKey, list[dict[str, Any]]]:
    """What was said before each turn, newest first: question, kind, state, memory. One query."""
    wanted = Q(pk__in=[])
    for conversation, number in keys:
        wanted |= Q(conversation=conversation, number__lt=number, number__gte=number - RECENT_TURNS)
    rows = Turn.objects.filter(wanted).order_by("-number")
    found: dict[TurnKey, list[dict[str, Any]]] = {key: [] for key in keys}
    for row in rows.values("conversation_id", "number", "kind", "state", "question", "memory"):
        for key in keys:
            if key[0] == row["conversation_id"] and row["number"] < key[1]:
                found[key].append({**row})
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """An earlier turn of a conversation: its message as it was sent to a model, and what was shown."""

    sent: str
    shown: str


def spoken_in_many(keys: Collection[TurnKey]) -> dict[TurnKey, tuple[Spoken, ...]]:
    """What a model was told and what it was shown to have said before each turn, oldest first, as far back as
    it is sent again. One query.

    Turns that were refused, and those without words, are left out: nothing of them is sent again.
    """
    wanted = Q(pk__in=[])
    for conversation, number in keys:
        wanted |= Q(conversation=conversation, number__lt=number)
    found: dict[TurnKey, list[Spoken]] = {key: [] for key in keys}
    for row in _newest_spoken(wanted):
        if row["place"] <= left_out(row["turns"]):
            continue
        spoken = Spoken(sent=row["memory"][SENT], shown=row["text"])
        for key in keys:
            if key[0] == row["conversation_id"] and row["number"] < key[1]:
                found[key].append(spoken)
    return {key: tuple(turns) for key, turns in found.items()}


def _newest_spoken(wanted: Q) -> Iterable[Mapping[str, Any]]:
    """The last that a model has worded of each conversation, with their `place` among its `turns`."""
    spoken = Turn.objects.filter(wanted, memory__has_key=SENT).exclude(text="")
    placed = spoken.annotate(
        place=Window(RowNumber(), partition_by="conversation", order_by="number"),
        turns=Window(Count("pk"), partition_by="conversation"),
    )
    newest = placed.filter(place__gt=F("turns") - TURNS_MAX).order_by("number")
    return newest.values("conversation_id", "number", "text", "memory", "place", "turns")


def published_key() -> tuple[object, ...]:
    """Changes when any lesson is published or withdrawn, and any answer or term changes."""
    published = Lesson.objects.filter(published__isnull=False).order_by("pk")
    written = [
        rows.aggregate(number=Count("pk"), changed=Max("changed_at"))
        for rows in (AuthoredAnswer.objects, GlossaryTerm.objects)
    ]
    return (
        *published.values_list("published_id", flat=True),
        *(value for row in written for value in row.values()),
    )


def authored_answers() -> list[dict[str, Any]]:
    """What authors answer to what learners ask."""
    rows = AuthoredAnswer.objects.values("question", "also", "answer", "passage", "then", "against")
    return [{**row} for row in rows]


def glossary_terms() -> list[dict[str, Any]]:
    return [{**row} for row in GlossaryTerm.objects.values("term", "definition", "passage")]


def published_lessons() -> list[dict[str, Any]]:
    """What is published, for search: slug, title, address, sections with their question, suggestions."""
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


def _paragraphs(section: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """The paragraphs and list items of a section, and whether something in them is stressed.

    A formula that has no reading in one line is marked.
    """
    pieces = [block["html"] for block in section["blocks"] if block["kind"] == "html"]
    found = _PARAGRAPH.findall(_STACKED.sub(UNSPEAKABLE, "\n".join(pieces)))
    return [(plain_of_html(inner), "<strong" in inner) for _tag, inner in found]


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
        "coach_hints": [
            {**step} for step in steps.values("exercise__slug", "finding_key", "rung", "shown_answer")
        ],
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
