"""Who runs a turn, and for how long its word counts: by the database's clock, which all processes share."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from coach.beginning import Place, places_of, subject_of
from coach.dbclock import lease_end
from coach.frames import Subject
from coach.models import Turn, TurnEvent
from coach.states import TRANSITIONS, Event, S, move

# A turn whose process died each time is not tried for ever: it may be what kills them.
RUNS_MAX = 3
# One that was there so often when its process died runs without others of its kind: who dies then was it, and
# those that were beside it before are not ended with it.
SUSPECT_RUNS = RUNS_MAX - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Take turns that nobody runs: those that wait, and those whose process let its lease run out.

    `busy`: the ids of the turns that the claimer is running; they are never taken from it by itself.
    """

    owner: str
    busy: frozenset[int] = frozenset()
    limit: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """A turn that was taken up, or ended instead; `events` were stored with that, `seq` is the last one's."""

    turn: Turn
    place: Place | None
    learner_id: int
    subject: Subject
    events: tuple[TurnEvent, ...]
    seq: int

    @property
    def is_ended(self) -> bool:
        return bool(self.events) and self.events[-1].kind == TurnEvent.Kind.END


@dataclass(frozen=True, slots=True, kw_only=True)
class Renew:
    """Keep turns for another while. Gives the ids that are still the owner's, and those to stop."""

    owner: str
    turn_ids: frozenset[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Hand a running turn back, to be begun again by whoever comes next."""

    turn_id: int
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AskStop:
    """Stop an open turn that does not run here. Gives it, ended if nobody had begun it; or None."""

    turn: Any
    learner_id: int


def claimable_turns(busy: Collection[int] = ()) -> QuerySet[Turn]:
    """Turns that somebody should run. The turns of one conversation are answered one after the other."""
    earlier = Turn.objects.filter(
        conversation=OuterRef("conversation"), number__lt=OuterRef("number"), state__in=Turn.OPEN
    )
    silent = Q(lease_until_at__isnull=True) | Q(lease_until_at__lt=Now())
    waiting = Turn.objects.filter(Q(state=S.QUEUED) | Q(state=S.RUNNING) & silent)
    if busy and Turn.objects.filter(pk__in=busy, runs__gt=SUSPECT_RUNS).exists():
        waiting = waiting.exclude(runs=SUSPECT_RUNS)
    return waiting.exclude(pk__in=busy).filter(~Exists(earlier)).order_by("pk")


def is_work_waiting(busy: Collection[int]) -> bool:
    return claimable_turns(busy).exists()


def claim_turns(claim: Claim) -> list[Claimed]:
    """Inside a transaction. Two processes that claim at once get different turns."""
    found = _with_one_suspect(claimable_turns(claim.busy)).select_for_update(skip_locked=True, of=("self",))
    turns = list(found.select_related(*_SUBJECTS)[: claim.limit])
    subjects = [subject_of(turn.conversation) for turn in turns]
    places = places_of(set(subjects)) if turns else {}
    events = events_of([turn.pk for turn in turns])
    taken = []
    for turn, subject in zip(turns, subjects, strict=True):
        said = _Said(turn, events.get(turn.pk, []))
        made = _take(turn, said, claim.owner, gone=subject not in places)
        if made is not None:
            taken.append(_claimed(turn, subject, places.get(subject), said, made))
    return taken


def _with_one_suspect(turns: QuerySet[Turn]) -> QuerySet[Turn]:
    suspects = turns.filter(runs=SUSPECT_RUNS)
    return turns.exclude(~Q(pk__in=suspects.values("pk")[:1]), runs=SUSPECT_RUNS)


_SUBJECTS = ("conversation__lesson", "conversation__exercise")


def _claimed(
    turn: Turn, subject: Subject, place: Place | None, said: _Said, made: tuple[TurnEvent, ...]
) -> Claimed:
    learner = turn.conversation.learner_id
    return Claimed(turn=turn, place=place, learner_id=learner, subject=subject, events=made, seq=said.seq)


def events_of(turn_ids: Collection[int]) -> dict[int, list[TurnEvent]]:
    found: dict[int, list[TurnEvent]] = {}
    if turn_ids:
        for event in TurnEvent.objects.filter(turn__in=turn_ids).order_by("turn", "seq"):
            found.setdefault(event.turn_id, []).append(event)
    return found


class _Said:
    """What stands in the log of a turn: its last number, and the text that is shown now."""

    def __init__(self, turn: Turn, events: list[TurnEvent]) -> None:
        self.turn = turn
        self.seq = events[-1].seq if events else 0
        self.texts: list[str] = []
        for event in events:
            if event.kind == TurnEvent.Kind.RESTART:
                self.texts.clear()
            elif event.kind == TurnEvent.Kind.SENTENCE:
                self.texts.append(event.payload.get("text", ""))

    def store(self, kind: str, payload: dict[str, Any]) -> tuple[TurnEvent]:
        self.seq += 1
        return (TurnEvent.objects.create(turn=self.turn, seq=self.seq, kind=kind, payload=payload),)


def _take(turn: Turn, said: _Said, owner: str, *, gone: bool) -> tuple[TurnEvent, ...] | None:
    """The events that this stored; None when another process was faster."""
    if turn.stop_asked:
        return _end(turn, said, "stop")
    if gone or turn.runs >= RUNS_MAX:
        return _end(turn, said, "fail")
    if said.texts and turn.attempts.exists():
        # What a model wrote was paid for: what there is of it is kept, and only its asker may buy it again.
        return _end(turn, said, "interrupt")
    event: Event = "claim" if turn.state == S.QUEUED else "take over"
    epoch = turn.epoch + 1
    fields = {"owner": owner, "epoch": epoch, "runs": turn.runs + 1, "lease_until_at": lease_end()}
    if not move(_as_read(turn), event, **fields):
        return None
    turn.state, turn.owner, turn.epoch, turn.runs = S.RUNNING, owner, epoch, turn.runs + 1
    # Nothing shown yet: answered as if for the first time. Else the page takes back what it shows.
    return said.store(TurnEvent.Kind.RESTART, {"epoch": epoch}) if said.texts else ()


def _as_read(turn: Turn) -> QuerySet[Turn]:
    return Turn.objects.filter(pk=turn.pk, epoch=turn.epoch)


def _end(turn: Turn, said: _Said, event: Event) -> tuple[TurnEvent, ...] | None:
    state = TRANSITIONS[S(turn.state), event]
    text = " ".join(said.texts)
    # No epoch is ever equal to this one again: who ran it may not go on. It is nobody's, so that whoever had
    # it hears of this end as of any other process's.
    fields = {
        "owner": "",
        "text": text,
        "finished_at": Now(),
        "lease_until_at": None,
        "epoch": turn.epoch + 1,
    }
    if not move(_as_read(turn), event, **fields):
        return None
    turn.state, turn.owner, turn.text, turn.epoch = state, "", text, turn.epoch + 1
    return said.store(TurnEvent.Kind.END, {"state": state})


def renew_leases(renew: Renew) -> dict[int, bool]:
    """The turns that are still the owner's, and whether each was asked to stop."""
    mine = Turn.objects.filter(pk__in=renew.turn_ids, owner=renew.owner, state=S.RUNNING)
    mine.update(lease_until_at=lease_end())
    return dict(mine.values_list("pk", "stop_asked"))


def stops_asked(turn_ids: Collection[int]) -> set[int]:
    """Those of these turns that their learner has had enough of."""
    return set(Turn.objects.filter(pk__in=turn_ids, stop_asked=True).values_list("pk", flat=True))


def still_queued(turn_ids: Collection[int]) -> set[int]:
    return set(Turn.objects.filter(pk__in=turn_ids, state=S.QUEUED).values_list("pk", flat=True))


def release_turn(release: Release) -> bool:
    turns = Turn.objects.filter(pk=release.turn_id, epoch=release.epoch)
    fields = {"owner": "", "lease_until_at": None, "epoch": release.epoch + 1}
    return bool(move(turns, "release", runs=F("runs") - 1, **fields))


def ask_stop(ask: AskStop) -> Claimed | None:
    turns = Turn.objects.filter(uuid=ask.turn, conversation__learner=ask.learner_id, state__in=Turn.OPEN)
    turn = turns.select_related(*_SUBJECTS).select_for_update(of=("self",)).first()
    if turn is None:
        return None
    said = _Said(turn, events_of([turn.pk]).get(turn.pk, []))
    made: tuple[TurnEvent, ...] | None = ()
    if turn.state == S.RUNNING:
        Turn.objects.filter(pk=turn.pk).update(stop_asked=True)
    else:
        made = _end(turn, said, "stop")
    return _claimed(turn, subject_of(turn.conversation), None, said, made or ())
