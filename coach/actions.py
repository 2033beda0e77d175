"""What is written. `write_batch` is the journal's: any number of turns' writes in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models import Max, OuterRef, Subquery
from django.db.models.functions import Now

from coach import states
from coach.beginning import Begin, begin_turns
from coach.crashing import crash_point
from coach.ladder import Step
from coach.leases import (
    AskStop,
    Claim,
    Release,
    Renew,
    ask_stop,
    claim_turns,
    release_turn,
    renew_leases,
)
from coach.ledger import Settle, book
from coach.models import Conversation, LadderStep, Turn, TurnEvent
from coach.reserving import Reserve
from lessons.models import User


@dataclass(frozen=True, slots=True)
class Append:
    """One event. Refused when another process has taken the turn, when it has ended, or when the event before
    it is missing."""

    event: TurnEvent
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finish:
    """The last event of a turn and what is kept of it."""

    event: TurnEvent
    epoch: int
    state: str
    text: str = ""
    citations: list[dict[str, str]] = field(default_factory=list)
    trace: dict[str, Any] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    learner_id: int | None = None
    exercise_id: int | None = None


MAY_WAIT = (Append, Finish, Release)
"""What a running turn writes: it goes on while the store is away, and is written when it is back."""

Write = Begin | Append | Finish | Renew | Release | AskStop | Claim | Reserve | Settle


@transaction.atomic
def write_batch(writes: Sequence[Write]) -> list[Any]:
    """Write all, in one transaction; the outcomes stand in the order of the writes.

    A Begin gives Begun or Refused; an Append or a Finish whether it is stored; those of money what they say;
    the others what their function in `coach.leases` gives. Those come after the events: what was ended here
    makes room for what waits. Money comes last: everybody's counter is held no longer than it must.
    """
    outcomes: dict[int, Any] = {}
    _write_begins(writes, outcomes)
    _write_events(writes, outcomes)
    for index, write in enumerate(writes):
        if isinstance(write, Renew | Release | AskStop | Claim):
            outcomes[index] = _LEASING[type(write)](write)
    _book(writes, outcomes)
    crash_point("before_commit")
    return [outcomes[index] for index in range(len(writes))]


_LEASING: dict[type[Any], Callable[[Any], Any]] = {
    Renew: renew_leases,
    Release: release_turn,
    AskStop: ask_stop,
    Claim: claim_turns,
}


def _write_begins(writes: Sequence[Write], outcomes: dict[int, Any]) -> None:
    begins = {index: write for index, write in enumerate(writes) if isinstance(write, Begin)}
    outcomes.update(zip(begins, begin_turns(list(begins.values())), strict=True))


def _write_events(writes: Sequence[Write], outcomes: dict[int, Any]) -> None:
    logs = _logs({write.event.turn_id for write in writes if isinstance(write, Append | Finish)})
    new = []
    for index, write in enumerate(writes):
        if isinstance(write, Append | Finish):
            log = logs.get(write.event.turn_id)
            if log is not None and log.takes(write):
                log.take(write)
                new.append(write)
            outcomes[index] = log is not None and log.has(write)
    for write in new:
        write.event.pk = None  # a number that a rolled-back try was given belongs to somebody else by now
    TurnEvent.objects.bulk_create([write.event for write in new])
    for write in new:
        if isinstance(write, Finish):
            _finish(write)


def _book(writes: Sequence[Write], outcomes: dict[int, Any]) -> None:
    booked = {index: write for index, write in enumerate(writes) if isinstance(write, Reserve | Settle)}
    outcomes.update(zip(booked, book(list(booked.values())) if booked else (), strict=True))


@dataclass(slots=True)
class _Log:
    """How far the log of a turn goes, and who may write on."""

    epoch: int
    is_open: bool
    last: int

    def takes(self, write: Append | Finish) -> bool:
        return self.is_open and write.epoch == self.epoch and write.event.seq == self.last + 1

    def take(self, write: Append | Finish) -> None:
        self.last = write.event.seq
        self.is_open = isinstance(write, Append)

    def has(self, write: Append | Finish) -> bool:
        """Whether it is stored: also by an earlier try, whose commit was never confirmed."""
        ended = isinstance(write, Finish)
        return write.epoch == self.epoch and write.event.seq <= self.last and not (ended and self.is_open)


def _logs(turn_ids: Collection[int]) -> dict[int, _Log]:
    if not turn_ids:
        return {}
    last = TurnEvent.objects.filter(turn=OuterRef("pk")).order_by("-seq").values("seq")[:1]
    turns = Turn.objects.filter(pk__in=turn_ids).order_by("pk").annotate(last=Subquery(last))
    # Held until the commit: nobody may take the turn over between this look and what is written on it.
    rows = turns.select_for_update(no_key=True).values_list("pk", "epoch", "state", "last")
    return {pk: _Log(epoch, state == Turn.State.RUNNING, seq or 0) for pk, epoch, state, seq in rows}


def _finish(write: Finish) -> None:
    states.move(
        Turn.objects.filter(pk=write.event.turn_id),
        states.ENDING[write.state],
        text=write.text,
        citations=write.citations,
        trace=write.trace,
        memory=write.memory,
        finished_at=Now(),
        lease_until_at=None,
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
