"""How turns begin: who asks, about what, in which conversation; a fixed number of queries for any number."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from django.db.models import Count, Max, Min, Q

from coach.access import learners_of_sessions
from coach.dbclock import lease_end
from coach.frames import Subject
from coach.models import Conversation, Turn, TurnEvent
from coach.states import TRANSITIONS
from exercises.models import Exercise, Submission
from lessons.models import Lesson

OPEN_TURNS_MAX = 4
_CRITIQUES = uuid.UUID("6c0f0b5c-3d1e-4f62-9f0a-0d7a4f1f7c11")


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """Begin a turn: of a question, of a submission, or once more of an earlier turn.

    Who asks is a learner; a session key is checked in the same transaction, and must be that learner's.
    The owner runs the turn at once, unless one before it in the conversation is still open: then it waits, as
    it does without an owner.
    """

    key: uuid.UUID
    subject: Subject | None = None
    session_key: str = ""
    learner_id: int | None = None
    question: str = ""
    section: str = ""
    submission_id: int | None = None
    again: uuid.UUID | None = None
    owner: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a subject stands for: its row, the exercise worked on (0 for none), the slug of its lesson."""

    pk: int
    exercise_id: int
    lesson: str
    in_exercise: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    turn: Turn
    place: Place
    learner_id: int
    subject: Subject
    created: bool


@dataclass(frozen=True, slots=True)
class Refused:
    code: str


def begin_for_submission(submission: Submission, *, owner: str = "") -> Begin:
    """A submission's one critique: the key is made from it, so a signal sent twice begins one turn."""
    return Begin(
        key=uuid.uuid5(_CRITIQUES, str(submission.pk)),
        subject=Subject(kind="exercise", slug=submission.exercise.slug),
        learner_id=submission.learner_id,
        submission_id=submission.pk,
        owner=owner,
    )


def begin_turns(begins: Sequence[Begin]) -> list[Begun | Refused]:
    """Begin many turns with a fixed number of queries; each outcome stands at its begin's place."""
    if not begins:
        return []
    outcomes: dict[int, Begun | Refused] = {}
    known = _with_learners(begins, outcomes)
    known = _with_sources(known, outcomes)
    located = _with_conversations(known, outcomes)
    _create(located, outcomes)
    return [outcomes[index] for index in range(len(begins))]


_Begins = dict[int, Begin]


def _with_learners(begins: Sequence[Begin], outcomes: dict[int, Begun | Refused]) -> _Begins:
    keys = {begin.session_key for begin in begins if begin.session_key}
    learners = learners_of_sessions(keys) if keys else {}
    known: _Begins = {}
    for index, begin in enumerate(begins):
        learner = learners.get(begin.session_key) if begin.session_key else begin.learner_id
        if learner is None or (begin.learner_id or learner) != learner:
            outcomes[index] = Refused("signed-out")
        else:
            known[index] = replace(begin, learner_id=learner)
    return known


def _with_sources(begins: _Begins, outcomes: dict[int, Begun | Refused]) -> _Begins:
    """Once more: the question or the submission of an earlier turn of the same learner."""
    wanted = {begin.again for begin in begins.values() if begin.again}
    if not wanted:
        return begins
    turns = Turn.objects.select_related("conversation__lesson", "conversation__exercise").filter(
        uuid__in=wanted
    )
    sources = {(turn.uuid, turn.conversation.learner_id): turn for turn in turns}
    known: _Begins = {}
    for index, begin in begins.items():
        source = sources.get((begin.again, begin.learner_id)) if begin.again and begin.learner_id else None
        if begin.again is None:
            known[index] = begin
        elif source is None or source.is_open:
            outcomes[index] = Refused("unknown")
        else:
            known[index] = _from_source(begin, source)
    return known


def _from_source(begin: Begin, source: Turn) -> Begin:
    return replace(
        begin,
        subject=subject_of(source.conversation),
        question=source.question,
        section=source.section,
        submission_id=source.submission_id,
    )


def subject_of(conversation: Conversation) -> Subject:
    if conversation.lesson is not None:
        return Subject(kind="lesson", slug=conversation.lesson.slug)
    assert conversation.exercise is not None  # noqa: S101 - a constraint of the table
    return Subject(kind="exercise", slug=conversation.exercise.slug)


def places_of(subjects: Collection[Subject]) -> dict[Subject, Place]:
    """The published lessons and exercises among these subjects."""
    lessons = [subject.slug for subject in subjects if subject.kind == "lesson"]
    exercises = [subject.slug for subject in subjects if subject.kind == "exercise"]
    found: dict[Subject, Place] = {}
    if lessons:
        rows = Lesson.objects.filter(slug__in=lessons, published__isnull=False).annotate(
            exercise=Min("exercises", filter=Q(exercises__published__isnull=False))
        )
        for slug, pk, exercise in rows.values_list("slug", "pk", "exercise"):
            found[Subject(kind="lesson", slug=slug)] = Place(pk=pk, exercise_id=exercise or 0, lesson=slug)
    if exercises:
        published = Exercise.objects.filter(slug__in=exercises, published__isnull=False)
        for slug, pk, lesson in published.values_list("slug", "pk", "lesson__slug"):
            found[Subject(kind="exercise", slug=slug)] = Place(
                pk=pk, exercise_id=pk, lesson=lesson, in_exercise=True
            )
    return found


_Where = tuple[int, Subject]
_Located = dict[int, tuple[Begin, int, Place]]


def _with_conversations(begins: _Begins, outcomes: dict[int, Begun | Refused]) -> _Located:
    places = places_of({begin.subject for begin in begins.values() if begin.subject})
    wheres: dict[int, _Where] = {}
    for index, begin in begins.items():
        if begin.subject in places and begin.learner_id and begin.subject:
            wheres[index] = (begin.learner_id, begin.subject)
        else:
            outcomes[index] = Refused("subject")
    conversations = _conversations(
        set(wheres.values()), {subject: place.pk for subject, place in places.items()}
    )
    return {index: (begins[index], conversations[where], places[where[1]]) for index, where in wheres.items()}


def _conversations(places: set[_Where], ids: Mapping[Subject, int]) -> dict[_Where, int]:
    if not places:
        return {}
    wanted = {(learner, subject.kind, ids[subject]): (learner, subject) for learner, subject in places}
    rows = Conversation.objects.filter(learner__in={learner for learner, _ in places}).filter(
        Q(lesson__in=[pk for _, kind, pk in wanted if kind == "lesson"])
        | Q(exercise__in=[pk for _, kind, pk in wanted if kind == "exercise"])
    )
    # Locked: another process may be numbering turns of the same conversation.
    rows = rows.order_by("pk").select_for_update(no_key=True)
    found: dict[_Where, int] = {}
    for row in rows:
        key = (
            (row.learner_id, "lesson", row.lesson_id)
            if row.lesson_id
            else (row.learner_id, "exercise", row.exercise_id)
        )
        if key in wanted:
            found[wanted[key]] = row.pk
    missing = [place for place in wanted.values() if place not in found]
    created = Conversation.objects.bulk_create(
        [
            Conversation(learner_id=learner, **{f"{subject.kind}_id": ids[subject]})
            for learner, subject in missing
        ]
    )
    return found | {place: row.pk for place, row in zip(missing, created, strict=True)}


def _create(located: _Located, outcomes: dict[int, Begun | Refused]) -> None:
    if not located:
        return
    conversations = {conversation for _, conversation, _ in located.values()}
    keys = {begin.key for begin, _, _ in located.values()}
    asked = {
        (turn.conversation_id, turn.client_key): turn
        for turn in Turn.objects.filter(conversation__in=conversations, client_key__in=keys)
    }
    counts = _counts(conversations)
    new: dict[tuple[int, uuid.UUID], Turn] = {}
    for index, (begin, conversation, place) in located.items():
        twin = asked.get((conversation, begin.key)) or new.get((conversation, begin.key))
        last, waiting = counts.get(conversation, (0, 0))
        if twin is None and waiting >= OPEN_TURNS_MAX:
            outcomes[index] = Refused("busy")
            continue
        turn = twin or _turn(begin, conversation, last + 1, ahead=waiting)
        if twin is None:
            counts[conversation] = (last + 1, waiting + 1)
            new[conversation, begin.key] = turn
        assert begin.subject  # noqa: S101 - `_with_conversations` left no other
        assert begin.learner_id  # noqa: S101
        outcomes[index] = Begun(
            turn=turn,
            place=place,
            learner_id=begin.learner_id,
            subject=begin.subject,
            created=twin is None,
        )
    Turn.objects.bulk_create(new.values())
    TurnEvent.objects.bulk_create(first_event(turn) for turn in new.values())


def first_event(turn: Turn) -> TurnEvent:
    return TurnEvent(turn=turn, seq=1, kind=TurnEvent.Kind.BEGUN, payload={})


def _counts(conversations: set[int]) -> dict[int, tuple[int, int]]:
    """Last number and open turns of each conversation that has any."""
    rows = Turn.objects.filter(conversation__in=conversations).values("conversation").order_by()
    rows = rows.annotate(last=Max("number"), waiting=Count("pk", filter=Q(state__in=Turn.OPEN)))
    return {row["conversation"]: (row["last"], row["waiting"]) for row in rows}


def _turn(begin: Begin, conversation: int, number: int, *, ahead: int) -> Turn:
    claims = bool(begin.owner) and not ahead
    turn = Turn(
        conversation_id=conversation,
        number=number,
        kind=Turn.Kind.CRITIQUE if begin.submission_id else Turn.Kind.ANSWER,
        client_key=begin.key,
        question=begin.question,
        section=begin.section,
        submission_id=begin.submission_id,
        state=TRANSITIONS[None, "begin and claim" if claims else "begin"],
    )
    if claims:
        turn.owner, turn.epoch, turn.runs, turn.lease_until_at = begin.owner, 1, 1, lease_end()
    return turn
