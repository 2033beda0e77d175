"""The turns that run in this process: begun, watched, stopped, drained. A socket never owns one."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from django.db import DatabaseError, connection, connections
from django.utils import timezone

from coach import rendering
from coach.actions import Append, Finish, claim_waiting_turns, interrupt_abandoned_turns, write_batch
from coach.beginning import Begin, Begun, Place, Refused, places_of
from coach.frames import Subject
from coach.hub import Envelope, Hub, topic_of
from coach.journal import Journal
from coach.models import Turn, TurnEvent
from coach.queries import waiting_turn_ids
from coach.replies.job import Job
from coach.replies.parts import Reply, Sentence
from coach.replies.sources import Sources
from coach.replies.writing import write_reply

logger = logging.getLogger(__name__)
T = TypeVar("T")
READERS = 4
DRAIN_SECONDS = 8.0
DOOR_SECONDS = 0.05


@dataclass(eq=False)
class Run:
    """One turn while it is being answered."""

    turn: Turn
    place: Place
    learner_id: int
    subject: Subject
    seq: int = 1
    stored: int = 1
    sentences: list[Sentence] = field(default_factory=list)
    task: asyncio.Task[None] | None = None
    stopped: bool = False
    broken: bool = False


class Supervisor:
    """All turns of one event loop, the journal they write and the hub that wakes the sockets."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.owner = uuid.uuid4().hex
        self.hub = Hub()
        self.journal = Journal(write_batch)
        self.draining = False
        self._runs: dict[uuid.UUID, Run] = {}
        self._arriving: set[asyncio.Future[Begun | Refused]] = set()
        self._order: dict[int, asyncio.Lock] = {}
        self._reader_connections: list[Any] = []
        self._readers = ThreadPoolExecutor(READERS, "coach-reader", self._remember_connection)
        self.sources = Sources(self.read)

    def _remember_connection(self) -> None:
        reader = connections["default"]
        reader.inc_thread_sharing()
        self._reader_connections.append(reader)

    async def recover(self) -> None:
        await self.read(partial(interrupt_abandoned_turns, owner=self.owner))

    async def read(self, ask: Callable[[], T]) -> T:
        """Ask the database in a thread that keeps its connection."""
        return await self.loop.run_in_executor(self._readers, reading(ask))

    async def begin(self, begin: Begin) -> Begun | Refused:
        """Begin a turn, or find the one that this key began already."""
        if self.draining:
            return Refused("restarting")
        written = self.journal.put(replace(begin, owner=self.owner))
        self._arriving.add(written)
        written.add_done_callback(self._arrived)
        # Who asks may leave meanwhile; what was begun is answered all the same.
        outcome: Begun | Refused = await asyncio.shield(written)
        return outcome

    def _arrived(self, written: asyncio.Future[Begun | Refused]) -> None:
        self._arriving.discard(written)
        if written.cancelled() or written.exception() is not None:
            return
        outcome = written.result()
        if isinstance(outcome, Begun) and outcome.created:
            self._start(
                Run(
                    turn=outcome.turn,
                    place=outcome.place,
                    learner_id=outcome.learner_id,
                    subject=outcome.subject,
                )
            )

    async def begin_and_wait(self, begin: Begin, wait_seconds: float) -> Begun | Refused:
        outcome = await self.begin(begin)
        run = self._runs.get(outcome.turn.uuid) if isinstance(outcome, Begun) else None
        if run and run.task and wait_seconds:
            await asyncio.wait({run.task}, timeout=wait_seconds)
        return outcome

    async def take_up(self, learner_id: int, subject: Subject) -> None:
        """Run what was begun where no turns run."""
        waiting = await self.read(partial(waiting_turn_ids, learner_id=learner_id, subject=subject))
        if not waiting:
            return
        place = (await self.read(partial(places_of, [subject]))).get(subject)
        for turn in await self.read(partial(claim_waiting_turns, owner=self.owner, turn_ids=waiting)):
            if place is not None:
                self._start(Run(turn=turn, place=place, learner_id=learner_id, subject=subject))

    def stop(self, turn: uuid.UUID, *, learner_id: int) -> bool:
        """Stop a running turn of this learner at once; False when there is none."""
        run = self._runs.get(turn)
        if run is None or run.task is None or run.learner_id != learner_id:
            return False
        run.stopped = True
        run.task.cancel()
        return True

    def _start(self, run: Run) -> None:
        self._runs[run.turn.uuid] = run
        self._publish(run, TurnEvent(turn=run.turn, seq=1, kind=TurnEvent.Kind.BEGUN, payload={}))
        run.task = self.loop.create_task(self._answer(run), name=f"turn-{run.turn.pk}")

    async def _let_others_in(self) -> None:
        """Who has asked is told so before anybody is answered; a stream of askers holds nobody up long."""
        until = self.loop.time() + DOOR_SECONDS
        while self._arriving and self.loop.time() < until:
            await asyncio.wait({*self._arriving}, timeout=DOOR_SECONDS)

    def _job(self, run: Run) -> Job:
        return Job(
            turn=run.turn,
            learner_id=run.learner_id,
            place=run.place,
            voice=_Voice(self, run),
            sources=self.sources,
        )

    async def _answer(self, run: Run) -> None:
        reply: Reply | None = None
        state = Turn.State.FAILED
        try:
            await self._let_others_in()
            async with self._order.setdefault(run.turn.conversation_id, asyncio.Lock()):
                reply = await write_reply(self._job(run), pool=self._readers)
            state = Turn.State.FAILED if run.broken else Turn.State.DONE
        except asyncio.CancelledError:
            state = Turn.State.STOPPED if run.stopped else Turn.State.INTERRUPTED
            state = Turn.State.FAILED if run.broken else state
        except Exception:
            logger.exception("Turn %s failed.", run.turn.pk)
        await self._finish(run, state, reply)

    async def _finish(self, run: Run, state: str, reply: Reply | None) -> None:
        reply = reply or Reply()
        event = self._event(run, TurnEvent.Kind.END, {"state": state})
        finish = Finish(
            event=event,
            owner=self.owner,
            state=state,
            text=" ".join(sentence.text for sentence in run.sentences),
            citations=[sentence.link.to_dict() for sentence in run.sentences if sentence.link],
            trace=reply.trace,
            memory=reply.memory,
            steps=reply.steps,
            learner_id=run.learner_id,
            exercise_id=reply.exercise_id,
        )
        run.turn.state, run.turn.text, run.turn.finished_at = state, finish.text, timezone.now()
        try:
            if await self.journal.put(finish):
                self._publish(run, event)
        except Exception:
            logger.exception("The end of turn %s could not be stored.", run.turn.pk)
        finally:
            self._forget(run)

    def _forget(self, run: Run) -> None:
        self._runs.pop(run.turn.uuid, None)
        lock = self._order.get(run.turn.conversation_id)
        if lock is not None and not lock.locked():
            del self._order[run.turn.conversation_id]

    def _event(self, run: Run, kind: str, payload: dict[str, Any]) -> TurnEvent:
        # After a write that failed nothing later of this run is stored, so the numbers have no gap.
        run.seq = (run.stored if run.broken else run.seq) + 1
        return TurnEvent(turn=run.turn, seq=run.seq, kind=kind, payload=payload)

    def emit(self, run: Run, kind: str, payload: dict[str, Any], sentence: Sentence | None = None) -> None:
        """Store an event; it is shown once it is stored."""
        if run.broken or run.stopped:
            return
        if sentence is not None:
            run.sentences.append(sentence)
        event = self._event(run, kind, payload)
        written = self.journal.put(Append(event, self.owner))
        written.add_done_callback(partial(self._stored, run, event))

    def _stored(self, run: Run, event: TurnEvent, written: asyncio.Future[bool]) -> None:
        if written.cancelled():
            return
        if written.exception() is None and written.result():
            run.stored = event.seq
            self._publish(run, event)
        elif not run.broken:
            run.broken = True
            if run.task:
                run.task.cancel()

    def _publish(self, run: Run, event: TurnEvent) -> None:
        topic = topic_of(run.learner_id, run.subject)
        if self.hub.has_listeners(topic):
            self.hub.publish(topic, envelope_of(run.turn, event))

    async def drain(self, seconds: float = DRAIN_SECONDS) -> None:
        """Let the turns reach a stored state: finished if they can, else interrupted. No new ones begin."""
        self.draining = True
        if self._arriving:
            await asyncio.wait({*self._arriving}, timeout=seconds or DRAIN_SECONDS)
        tasks = {run.task for run in self._runs.values() if run.task}
        if not tasks:
            return
        _done, late = await asyncio.wait(tasks, timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def close(self) -> None:
        await self.drain(0)
        await self.journal.close()
        await asyncio.to_thread(self._close_readers)

    def _close_readers(self) -> None:
        self._readers.shutdown(wait=True)
        for reader in self._reader_connections:
            reader.close()


class _Voice:
    """What a reply may do: say what it is doing, and say a sentence. From any thread."""

    def __init__(self, supervisor: Supervisor, run: Run) -> None:
        self._supervisor = supervisor
        self._run = run

    def status(self, text: str) -> None:
        self._emit(TurnEvent.Kind.STATUS, {"text": text})

    def say(self, sentence: Sentence) -> None:
        self._emit(TurnEvent.Kind.SENTENCE, sentence.to_dict(), sentence)

    def _emit(self, kind: str, payload: dict[str, Any], sentence: Sentence | None = None) -> None:
        try:
            on_loop = asyncio.get_running_loop() is self._supervisor.loop
        except RuntimeError:
            on_loop = False
        if on_loop:
            self._supervisor.emit(self._run, kind, payload, sentence)
        else:
            self._supervisor.loop.call_soon_threadsafe(
                self._supervisor.emit, self._run, kind, payload, sentence
            )


def envelope_of(turn: Turn, event: TurnEvent) -> Envelope:
    html = rendering.fragment(turn, event)
    return Envelope(turn=str(turn.uuid), number=turn.number, seq=event.seq, html=html)


def reading(ask: Callable[[], T]) -> Callable[[], T]:
    """A read that survives a connection which the server has closed meanwhile."""

    def read() -> T:
        try:
            return ask()
        except DatabaseError:
            connection.close()
            return ask()

    return read


_supervisor: Supervisor | None = None


def supervisor() -> Supervisor | None:
    """The supervisor of this process, once its server has taken the first request."""
    return _supervisor


async def attach() -> Supervisor:
    """Called by the server's door, before anything else is done on this loop."""
    global _supervisor  # noqa: PLW0603 - one server loop a process
    if _supervisor is None or _supervisor.loop is not asyncio.get_running_loop():
        _supervisor = Supervisor()
        await _supervisor.recover()
    return _supervisor


async def detach() -> None:
    global _supervisor
    if _supervisor is not None:
        found, _supervisor = _supervisor, None
        await found.close()


def begin_turn(begin: Begin, *, wait_seconds: float = 0.0) -> Begun | Refused:
    """Begin a turn from a view's thread; wait so long for its end. Without a server loop it waits for one."""
    found = supervisor()
    if found is None or not found.loop.is_running():
        outcome = write_batch([begin])[0]
        assert isinstance(outcome, Begun | Refused)  # noqa: S101 - the outcome of a Begin
        return outcome
    future = asyncio.run_coroutine_threadsafe(found.begin_and_wait(begin, wait_seconds), found.loop)
    return future.result(timeout=wait_seconds + 30)


def stop_turn(turn: Turn, *, learner_id: int) -> None:
    """Stop from a view's thread."""
    found = supervisor()
    if found is not None and found.loop.is_running():
        found.loop.call_soon_threadsafe(partial(found.stop, turn.uuid, learner_id=learner_id))
