"""Processes and pages on the real tables, in one thread: each does one step when it is told to."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Callable, Coroutine, Generator, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from coach.actions import Append, Finish, Write, write_batch
from coach.beginning import Begin, Begun, Refused, first_event
from coach.consumers import CoachConsumer, _Cursors
from coach.frames import Ack, Subject, Subscribe
from coach.hub import Envelope, Hub, Subscription, topic_of
from coach.leases import AskStop, Claim, Claimed, Release, Renew
from coach.models import Conversation, Turn, TurnEvent
from coach.queries import turns_for_page
from coach.rendering import envelope_of, view_of
from coach.turns import Supervisor
from tests.coach.survival.checker import Event, Record, shown_text
from tests.coach.survival.clients import event_in

SUBJECT = Subject(kind="exercise", slug="travel")
Log = Callable[[Record], None]


class Store:
    """The storage as it is; a planted bug is a subclass."""

    def begin(self, begin: Begin) -> Iterator[Begun | Refused]:
        """One transaction after the other: a process may die after each."""
        yield write_batch([begin])[0]

    def write(self, write: Write) -> Any:
        return write_batch([write])[0]


@types.coroutine
def _until_told() -> Generator[None]:
    yield


class _Patient(Subscription):
    """Comes back to who drives it where a socket would wait for news."""

    async def take(self) -> list[Envelope] | None:
        while not self._arrived.is_set():
            await _until_told()
        return await super().take()


class Corridor(Hub):
    """The hub of all processes; its queues are so short that they overflow."""

    limit = 3
    is_silent = False
    """Whether news of what is stored gets lost on the way."""

    @contextmanager
    def joined(self, topic: Hashable, limit: int = limit) -> Iterator[Subscription]:
        subscription = _Patient(limit)
        members = self._topics.setdefault(topic, set())
        members.add(subscription)
        try:
            yield subscription
        finally:
            members.discard(subscription)

    async def read(self, ask: Callable[[], Any]) -> Any:
        return ask()

    @property
    def hub(self) -> Hub:
        return self


class Tab(CoachConsumer):
    """A page and its socket: the consumer's own code, from the subscription to the frame."""

    def __init__(self, name: str, learner_id: int, corridor: Corridor, log: Log) -> None:
        self.name, self.learner_id, self.log = name, learner_id, log
        self.supervisor = cast("Supervisor", corridor)
        self.newest = 0
        self.cursors: dict[str, int] = {}
        self.ended: set[str] = set()
        self._following: Coroutine[Any, Any, None] | None = None

    def load(self) -> None:
        """The page over HTTP, before its socket: everything that is there now."""
        conversation = Conversation.objects.filter(learner=self.learner_id).first()
        for turn in turns_for_page(conversation):
            events = [_as_seen(event) for event in turn.events.all()]
            view = view_of(turn, list(turn.events.all()))
            assert view.said == shown_text(events), f"the page reads {view.said!r}"
            for event in events:
                self._see(str(turn.uuid), turn.number, event)

    def connect_anew(self) -> None:
        self.leave()
        open_turns = {turn: seq for turn, seq in self.cursors.items() if turn not in self.ended}
        subscribe = {"do": "subscribe", "subject": SUBJECT, "after": self.newest, "cursors": open_turns}
        self._restart_socket()
        self._following = self._follow(Subscribe.model_validate(subscribe))
        self.go_on()

    def _restart_socket(self) -> None:
        self._sent = self._shown = 0
        self._room = asyncio.Event()
        self._room.set()

    def go_on(self) -> None:
        """Show what has arrived."""
        if self._following is not None:
            self._following.send(None)

    def leave(self) -> None:
        if self._following is not None:
            self._following.close()
            self._following = None

    async def _signed_in(self) -> int | None:
        return self.learner_id

    async def _show(self, envelope: Envelope, cursors: _Cursors) -> None:
        await super()._show(envelope, cursors)
        self._on_ack(Ack(do="ack", shown=self._sent))

    async def send(self, text_data: str = "", bytes_data: bytes | None = None, close: bool = False) -> None:  # noqa: FBT001, FBT002
        self._see(*event_in(text_data))

    def _see(self, turn: str, number: int, event: Event) -> None:
        seen = {"turn": turn, "seq": event.seq, "kind": event.kind, "text": event.text}
        self.log({"op": "see", "client": self.name, **seen})
        self.cursors[turn] = event.seq
        self.newest = max(self.newest, number)
        if event.kind == "end":
            self.ended.add(turn)


def _as_seen(event: TurnEvent) -> Event:
    return Event(event.seq, event.kind, event.payload.get("text", "") if event.kind == "sentence" else "")


def log_of(turn: Turn) -> list[Event]:
    return [_as_seen(event) for event in turn.events.order_by("seq")]


@dataclass(eq=False)
class Reply:
    """A reply that a process is writing, and the claim under which it does."""

    turn: Turn
    epoch: int
    seq: int = 1
    said: list[str] = field(default_factory=list)


class Process:
    """A server process, as far as it writes turns. It may be silent for long and then go on."""

    def __init__(self, name: str, store: Store, corridor: Corridor, log: Log) -> None:
        self.name, self.store, self.corridor, self.log = name, store, corridor, log
        self.replies: dict[int, Reply] = {}

    def begin(self, begin: Begin, *, dies_after: int | None = None) -> Begun | Refused | None:
        """None when it dies after so many transactions; who asked hears nothing then."""
        outcome: Begun | Refused | None = None
        for made, said in enumerate(self.store.begin(begin), start=1):
            if made == dies_after:
                return None
            outcome = said
        if isinstance(outcome, Begun) and outcome.created:
            self._tell(outcome.turn, first_event(outcome.turn))
            if outcome.turn.state == Turn.State.RUNNING:
                self._start(Reply(outcome.turn, outcome.turn.epoch))
        return outcome

    def _start(self, reply: Reply) -> None:
        self.log({"op": "claim", "turn": str(reply.turn.uuid), "epoch": reply.epoch})
        self.replies[reply.turn.pk] = reply

    def _tell(self, turn: Turn, event: TurnEvent) -> None:
        if not self.corridor.is_silent:
            self.corridor.publish(topic_of(turn.conversation.learner_id, SUBJECT), envelope_of(turn, event))

    def take_up(self) -> None:
        for claimed in self.store.write(Claim(owner=self.name, busy=frozenset(self.replies))):
            self._take(claimed)

    def _take(self, claimed: Claimed) -> None:
        for event in claimed.events:
            self._tell(claimed.turn, event)
        if claimed.place is not None and not claimed.is_ended:
            self._start(Reply(claimed.turn, claimed.turn.epoch, claimed.seq))

    def say(self, reply: Reply, text: str, *, times: int = 1) -> None:
        """A sentence; more than once when its commit is not confirmed. Refused, the reply is over."""
        sentence = {"text": text, "opens": True}
        reply.said.append(text)
        tries = [self._write(reply, TurnEvent.Kind.SENTENCE, sentence) for _ in range(times)]
        if all(tries):
            reply.seq += 1
        else:
            self.finish(reply, Turn.State.FAILED)

    def _write(self, reply: Reply, kind: str, payload: dict[str, Any], state: str = "") -> bool:
        event = TurnEvent(turn=reply.turn, seq=reply.seq + 1, kind=kind, payload=payload)
        text = " ".join(reply.said)
        finish = Finish(event=event, epoch=reply.epoch, state=state, text=text)
        stored: bool = self.store.write(finish if state else Append(event, reply.epoch))
        turn = str(reply.turn.uuid)
        self.log({"op": "write", "turn": turn, "epoch": reply.epoch, "stored": stored})
        if stored:
            reply.turn.text = text
            self._tell(reply.turn, event)
        return stored

    def finish(self, reply: Reply, state: str) -> None:
        self._write(reply, TurnEvent.Kind.END, {"state": state}, state)
        self.replies.pop(reply.turn.pk, None)

    def renew(self) -> None:
        kept = self.store.write(Renew(owner=self.name, turn_ids=frozenset(self.replies)))
        for pk, reply in list(self.replies.items()):
            if kept.get(pk):
                self.finish(reply, Turn.State.STOPPED)
            elif pk not in kept:
                del self.replies[pk]

    def stop(self, turn: Turn) -> None:
        """Asked of this process by the turn's learner."""
        if turn.pk in self.replies:
            self.finish(self.replies[turn.pk], Turn.State.STOPPED)
            return
        found = self.store.write(AskStop(turn=turn.uuid, learner_id=turn.conversation.learner_id))
        if found is not None:
            self._take(found)

    def drain(self) -> None:
        for reply in self.replies.values():
            self.store.write(Release(turn_id=reply.turn.pk, epoch=reply.epoch))
        self.replies.clear()
