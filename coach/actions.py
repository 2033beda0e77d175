"""What is written. `write_batch` is the journal's: any number of turns' writes in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from coach.beginning import Begin, Begun, Refused, begin_turns
from coach.ladder import Step
from coach.models import Conversation, LadderStep, Turn, TurnEvent
from lessons.models import User


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
