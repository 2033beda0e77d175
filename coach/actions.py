"""What is written. `write_batch` is the journal's: any number of turns' writes in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, Min, Q
from django.utils import timezone

from coach.access import learners_of_sessions
from coach.frames import Subject
from coach.ladder import Step
from coach.models import Conversation, LadderStep, Turn, TurnEvent
from exercises.models import Exercise, Submission
from lessons.models import Lesson, User

OPEN_TURNS_MAX = 4
_CRITIQUES = uuid.UUID("6c0f0b5c-3d1e-4f62-9f0a-0d7a4f1f7c11")


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """Begin a turn: of a question, of a submission, or once more of an earlier turn.

    Who asks is a learner; a session key is checked in the same transaction, and must be that learner's.
    An empty owner leaves the turn waiting for a process that runs turns.
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


@dataclass(frozen=True, slots=True)
class Append:
    """One event. Refused, by leaving it out, when another process has taken the turn or it has ended."""

    event: TurnEvent
    owner: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """The last event of a turn and what is kept of it."""

    event: TurnEvent
    owner: str
    state: str
    text: str = ""
    citations: list[dict[str, str]] = field(default_factory=list)
    trace: dict[str, Any] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    learner_id: int | None = None
    exercise_id: int | None = None


Write = Begin | Append | Finish


def begin_for_submission(submission: Submission, *, owner: str = "") -> Begin:
    """A submission's one critique: the key is made from it, so a signal sent twice begins one turn."""
    return Begin(
        key=uuid.uuid5(_CRITIQUES, str(submission.pk)),
        subject=Subject(kind="exercise", slug=submission.exercise.slug),
        learner_id=submission.learner_id,
        submission_id=submission.pk,
        owner=owner,
    )


@transaction.atomic
def write_batch(writes: Sequence[Write]) -> list[Begun | Refused | bool]:
    """Write all, in one transaction; the outcomes stand in the order of the writes.

    A Begin gives Begun or Refused; an Append or a Finish gives whether it was accepted.
    """
    begun = iter(begin_turns([write for write in writes if isinstance(write, Begin)]))
    accepted = _owned([write for write in writes if not isinstance(write, Begin)])
    appended = [write for write in writes if not isinstance(write, Begin) and _turn_id(write) in accepted]
    TurnEvent.objects.bulk_create([write.event for write in appended])
    for write in appended:
        if isinstance(write, Finish):
            _finish(write)
    return [next(begun) if isinstance(write, Begin) else _turn_id(write) in accepted for write in writes]


def _turn_id(write: Append | Finish) -> tuple[int, str]:
    return (write.event.turn_id, write.owner)


def _owned(writes: Sequence[Append | Finish]) -> set[tuple[int, str]]:
    if not writes:
        return set()
    turns = Turn.objects.filter(pk__in={write.event.turn_id for write in writes}, state__in=Turn.OPEN)
    return set(turns.values_list("pk", "owner"))


def _finish(write: Finish) -> None:
    Turn.objects.filter(pk=write.event.turn_id).update(
        state=write.state,
        text=write.text,
        citations=write.citations,
        trace=write.trace,
        memory=write.memory,
        finished_at=timezone.now(),
    )
    if write.steps and write.learner_id and write.exercise_id:
        climb_ladder(learner_id=write.learner_id, exercise_id=write.exercise_id, steps=write.steps)


def climb_ladder(*, learner_id: int, exercise_id: int, steps: Iterable[Step]) -> None:
    """Keep what was said. A step never goes down, and an answer once shown stays shown."""
    known = {
        row.finding_key: row
        for row in LadderStep.objects.filter(
            learner_id=learner_id,
            exercise_id=exercise_id,
            finding_key__in=[step.finding_key for step in steps],
        )
    }
    rows = []
    for step in steps:
        old = known.get(step.finding_key)
        rows.append(
            LadderStep(
                learner_id=learner_id,
                exercise_id=exercise_id,
                finding_key=step.finding_key,
                rung=max(int(step.rung or 1), old.rung if old else 1),
                shown_answer=step.shown_answer or bool(old and old.shown_answer),
            )
        )
    LadderStep.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["learner", "exercise", "finding_key"],
        update_fields=["rung", "shown_answer", "updated_at"],
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
        turn = twin or _turn(begin, conversation, last + 1)
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
    TurnEvent.objects.bulk_create(
        TurnEvent(turn=turn, seq=1, kind=TurnEvent.Kind.BEGUN, payload={}) for turn in new.values()
    )


def _counts(conversations: set[int]) -> dict[int, tuple[int, int]]:
    """Last number and open turns of each conversation that has any."""
    rows = Turn.objects.filter(conversation__in=conversations).values("conversation").order_by()
    rows = rows.annotate(last=Max("number"), waiting=Count("pk", filter=Q(state__in=Turn.OPEN)))
    return {row["conversation"]: (row["last"], row["waiting"]) for row in rows}


def _turn(begin: Begin, conversation: int, number: int) -> Turn:
    return Turn(
        conversation_id=conversation,
        number=number,
        kind=Turn.Kind.CRITIQUE if begin.submission_id else Turn.Kind.ANSWER,
        state=Turn.State.RUNNING if begin.owner else Turn.State.QUEUED,
        owner=begin.owner,
        client_key=begin.key,
        question=begin.question,
        section=begin.section,
        submission_id=begin.submission_id,
    )


@transaction.atomic
def interrupt_abandoned_turns(*, owner: str) -> int:
    """At the start of a process: turns that another one was running are over, and say so."""
    turns = list(Turn.objects.filter(state__in=Turn.OPEN).exclude(owner=owner).exclude(owner=""))
    for turn in turns:
        interrupt_turn(turn)
    return len(turns)


def interrupt_turn(turn: Turn) -> None:
    events = list(turn.events.order_by("seq"))
    last = events[-1].seq if events else 0
    said = [event.payload.get("text", "") for event in events if event.kind == TurnEvent.Kind.SENTENCE]
    TurnEvent.objects.create(
        turn=turn, seq=last + 1, kind=TurnEvent.Kind.END, payload={"state": Turn.State.INTERRUPTED}
    )
    Turn.objects.filter(pk=turn.pk).update(
        state=Turn.State.INTERRUPTED, text=" ".join(said), finished_at=timezone.now()
    )


def claim_waiting_turns(*, owner: str, turn_ids: Iterable[int]) -> list[Turn]:
    """Turns that were begun where none run; the claimer runs them."""
    Turn.objects.filter(pk__in=list(turn_ids), state=Turn.State.QUEUED, owner="").update(
        state=Turn.State.RUNNING, owner=owner
    )
    return list(Turn.objects.filter(pk__in=list(turn_ids), owner=owner, state=Turn.State.RUNNING))


@transaction.atomic
def move_conversations(*, guest: User, learner: User) -> None:
    """A guest turned out to be a known learner: turns join the conversation there is, after its own."""
    for conversation in Conversation.objects.filter(learner=guest):
        same = {
            "learner": learner,
            "lesson_id": conversation.lesson_id,
            "exercise_id": conversation.exercise_id,
        }
        target = Conversation.objects.filter(**same).first()
        if target is None:
            Conversation.objects.filter(pk=conversation.pk).update(learner=learner)
        else:
            _join(conversation, target)
    _move_ladder(guest, learner)


def _join(source: Conversation, target: Conversation) -> None:
    last = target.turns.aggregate(last=Max("number"))["last"] or 0
    for offset, turn in enumerate(source.turns.order_by("number"), start=1):
        key = uuid.uuid4() if target.turns.filter(client_key=turn.client_key).exists() else turn.client_key
        Turn.objects.filter(pk=turn.pk).update(conversation=target, number=last + offset, client_key=key)
    source.delete()


def _move_ladder(guest: User, learner: User) -> None:
    by_exercise: dict[int, list[Step]] = {}
    for row in LadderStep.objects.filter(learner=guest):
        by_exercise.setdefault(row.exercise_id, []).append(row.as_step())
    for exercise_id, steps in by_exercise.items():
        climb_ladder(learner_id=learner.pk, exercise_id=exercise_id, steps=steps)
    LadderStep.objects.filter(learner=guest).delete()
