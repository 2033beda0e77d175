"""The turns that run in this process: begun, taken up, watched, stopped, drained. A socket never owns one."""

from __future__ import annotations

import asyncio
import logging
import random
import uuid
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from django.db import Error, connections

from coach import processes
from coach.actions import MAY_WAIT, Append, write_batch
from coach.beginning import Begin, Begun, Refused, first_event
from coach.budget import DatabasePurse
from coach.crashing import crash_point
from coach.doorbell import doorbell
from coach.elsewhere import Elsewhere
from coach.ending import end_payload, finish_of, forgive, is_answered, left, state_of
from coach.frames import Subject
from coach.hub import Hub, Topic, topic_of
from coach.journal import Journal
from coach.leases import (
    SUSPECT_RUNS,
    AskStop,
    Claim,
    Claimed,
    Release,
    Renew,
    is_work_waiting,
    still_queued,
    stops_asked,
)
from coach.models import Turn, TurnEvent
from coach.providers.choosing import choose
from coach.providers.port import Provider, Purse
from coach.rendering import envelope_of
from coach.replies.job import Job
from coach.replies.parts import Reply, Sentence
from coach.replies.sources import Sources
from coach.replies.writing import write_reply
from coach.running import Cut, Run, Voice, reading

logger = logging.getLogger(__name__)
T = TypeVar("T")
READERS = 4
DRAIN_SECONDS = 8.0
DOOR_SECONDS = 0.05
# So long a view waits for the journal; then the store is away for it, and the key finds what was stored.
STORED_SECONDS = 30.0
KEEP_SECONDS = 2.5
KEEP_JITTER = 0.2
# A wish to stop that came to another process is heard by its ring; where nobody rings, by asking this often.
STOP_SECONDS = 0.8


class Supervisor:
    """All turns of one event loop, the journal they write and the hub that wakes the sockets."""

    def __init__(self, owner: str = "", *, readers: int = READERS) -> None:
        self.loop = asyncio.get_running_loop()
        self.owner = owner or processes.this_process()
        self.hub = Hub()
        self.journal = Journal(write_batch, can_wait=lambda write: isinstance(write, MAY_WAIT))
        self.draining = False
        self._runs: dict[uuid.UUID, Run] = {}
        self._arriving: set[asyncio.Future[Begun | Refused]] = set()
        self._beside: set[asyncio.Task[None]] = set()
        self._look = asyncio.Event()
        # The conversation of each turn that waits here for the one before it.
        self._waiting: dict[int, int] = {}
        self._renew_at = 0.0
        self._keeper: asyncio.Task[None] | None = None
        self._heeder: asyncio.Task[None] | None = None
        self._bell = doorbell(self.owner, self._rung)
        self._elsewhere = Elsewhere(self.hub, self.read, self.owner) if self._bell else None
        self._reader_connections: list[Any] = []
        self._readers = ThreadPoolExecutor(readers, "coach-reader", self._remember_connection)
        self.sources = Sources(self.read)
        # Who writes the words and who pays; without a provider the built-in coach writes, for nothing.
        self.provider: Provider | None = choose()
        self.purse_of: Callable[[int], Purse] = partial(DatabasePurse, put=self.journal.put, run=self.read)

    def _remember_connection(self) -> None:
        reader = connections["default"]
        reader.inc_thread_sharing()
        self._reader_connections.append(reader)

    def start(self) -> None:
        """Keep the turns that run here, and take up those that nobody runs."""
        self.look()
        self._keeper = self.loop.create_task(self._keep(), name="coach-keeper")
        if self._bell is not None:
            self._heeder = self.loop.create_task(self._heed(), name="coach-heeder")

    def look(self) -> None:
        """Something may be waiting that could run now."""
        self._look.set()

    def _rung(self, topics: set[Topic] | None) -> None:
        """Another process has news: an event, an end that others waited for, a wish to stop."""
        if self._elsewhere is not None:
            self._elsewhere.rung(topics)
        here = {topic_of(run.learner_id, run.subject) for run in self._runs.values()}
        if topics is None or topics & here or self._waiting:
            self._renew_at = 0.0
            self.look()

    async def _keep(self) -> None:
        beat_at = 0.0
        while True:
            now = self.loop.time()
            try:
                if now >= beat_at:
                    await self.read(partial(processes.enter, self.owner))
                    beat_at = now + processes.BEAT_SECONDS
                if now >= self._renew_at:
                    self._renew_at = now + KEEP_SECONDS / 2
                    await self.renew()
                await self.take_up()
            except Exception as error:
                # The store is away: what runs here is kept as long as its lease, and this tries again.
                logger.warning("Turns could not be kept: %s", error.__class__.__name__)
            await self._until_looked_for(KEEP_SECONDS * random.uniform(1 - KEEP_JITTER, 1 + KEEP_JITTER))

    async def _until_looked_for(self, seconds: float) -> None:
        with suppress(TimeoutError):
            # Not `wait_for`: in Python 3.11 it swallows a cancellation that comes together with the event.
            async with asyncio.timeout(seconds):
                await self._look.wait()
        self._look.clear()

    async def renew(self) -> None:
        """Say that this process is alive and answers these turns; hear which of them to stop, or lost."""
        runs = {run.turn.pk: run for run in self._runs.values()}
        if not runs:
            return
        kept = await self.journal.put(Renew(owner=self.owner, turn_ids=frozenset(runs)))
        for pk, run in runs.items():
            if kept.get(pk):
                self._cancel(run, "stopped")
            elif pk not in kept and run.turn.uuid in self._runs:
                self._cancel(run, "lost")

    async def _heed(self) -> None:
        while True:
            await asyncio.sleep(STOP_SECONDS)
            try:
                await self.heed_stops()
            except Exception as error:
                logger.warning("Wishes to stop could not be read: %s", error.__class__.__name__)

    async def heed_stops(self) -> None:
        """End what runs here and was asked, wherever, to stop."""
        runs = {run.turn.pk: run for run in self._runs.values()}
        for pk in await self.read(partial(stops_asked, set(runs))) if runs else ():
            self._cancel(runs[pk], "stopped")

    async def take_up(self) -> None:
        """Run what was begun where no turns run, and what a dead process left."""
        busy = frozenset(run.turn.pk for run in self._runs.values())
        await self._forget_taken()
        if self.draining or not await self.read(partial(is_work_waiting, busy)):
            return
        crash_point("before_claim")
        taken = await self.journal.put(Claim(owner=self.owner, busy=busy))
        for claimed in taken:
            crash_point("after_claim")
            self._take(claimed)
        for claimed in taken:
            if claimed.is_ended:
                self.look()
                await forgive(self.read, claimed.turn.uuid, gone=True)

    async def _forget_taken(self) -> None:
        """What waited here and was taken up elsewhere does not wait any more."""
        if waiting := set(self._waiting):
            for pk in waiting - await self.read(partial(still_queued, waiting)):
                self._waiting.pop(pk, None)

    def _take(self, claimed: Claimed) -> None:
        self._waiting.pop(claimed.turn.pk, None)
        for event in claimed.events:
            self._tell(claimed.learner_id, claimed.subject, claimed.turn, event)
        if claimed.place is not None and not claimed.is_ended:
            self._start(
                Run(
                    turn=claimed.turn,
                    place=claimed.place,
                    learner_id=claimed.learner_id,
                    subject=claimed.subject,
                    seq=claimed.seq,
                    stored=claimed.seq,
                )
            )

    async def read(self, ask: Callable[[], T]) -> T:
        """Ask the database in a thread that keeps its connection."""
        return await self.loop.run_in_executor(self._readers, reading(ask))

    def beside(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do this beside the turns, from any thread. It is cancelled, and waited for, when this drains."""
        self.loop.call_soon_threadsafe(self._begin_beside, work)

    def _begin_beside(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        task = self.loop.create_task(work(), name="coach-beside")
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

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
        if not isinstance(outcome, Begun):
            return
        turn = outcome.turn
        if outcome.created:
            crash_point("after_commit_before_ack")
            if turn.state == Turn.State.QUEUED:
                self._wait(turn)
            self._tell(outcome.learner_id, outcome.subject, turn, first_event(turn))
        # Also what an earlier try stored whose commit was never confirmed.
        if turn.state == Turn.State.RUNNING and turn.owner == self.owner and turn.uuid not in self._runs:
            self._start(
                Run(turn=turn, place=outcome.place, learner_id=outcome.learner_id, subject=outcome.subject)
            )

    def _wait(self, turn: Turn) -> None:
        self._waiting[turn.pk] = turn.conversation_id
        if not any(run.turn.conversation_id == turn.conversation_id for run in self._runs.values()):
            # The one before it may have ended in the same commit: nobody's end will wake this one.
            self.look()

    async def begin_and_wait(self, begin: Begin, wait_seconds: float) -> Begun | Refused:
        outcome = await self.begin(begin)
        run = self._runs.get(outcome.turn.uuid) if isinstance(outcome, Begun) else None
        if run and run.task and wait_seconds:
            await asyncio.wait({run.task}, timeout=wait_seconds)
        return outcome

    async def stop(self, turn: uuid.UUID, *, learner_id: int) -> bool:
        """Stop an open turn of this learner, wherever it runs; False when there is none."""
        run = self._runs.get(turn)
        if run is not None:
            if run.learner_id == learner_id:
                self._cancel(run, "stopped")
            return run.learner_id == learner_id
        found = await self.journal.put(AskStop(turn=turn, learner_id=learner_id))
        if found is not None:
            self._take(found)
            self._ring(found.learner_id, found.subject)
            if found.is_ended:
                await forgive(self.read, turn, gone=True)
        return found is not None

    def _cancel(self, run: Run, cut: Cut) -> None:
        # Its end is being written already: that must not be cut off from being told.
        if run.task and not run.ending:
            run.cut = cut
            run.task.cancel()

    def _start(self, run: Run) -> None:
        self._runs[run.turn.uuid] = run
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
            voice=Voice(run, self.loop, self.emit),
            sources=self.sources,
            provider=self.provider,
            purse=self.purse_of(run.learner_id) if self.provider else None,
        )

    async def _answer(self, run: Run) -> None:
        reply: Reply | None = None
        try:
            await self._let_others_in()
            if run.turn.epoch > 1:
                # What an earlier run was sent is not shown any more.
                await forgive(self.read, run.turn.uuid, gone=True)
            crash_point("before_first_event")
            reply = await write_reply(self._job(run), pool=self._readers)
        except asyncio.CancelledError:
            run.cut = run.cut or "released"
        except Exception:
            logger.exception("Turn %s failed.", run.turn.pk)
        run.ending = True
        if run.cut == "lost":
            self._forget(run)
            self.hub.miss([topic_of(run.learner_id, run.subject)])
        elif run.cut == "released":
            await self._release(run)
        else:
            await self._finish(run, reply)

    async def _release(self, run: Run) -> None:
        crash_point("before_release")
        try:
            await self.journal.put(Release(turn_id=run.turn.pk, epoch=run.turn.epoch))
        except Exception as error:
            logger.warning("Turn %s waits for its lease: %s", run.turn.pk, error.__class__.__name__)
        finally:
            self._forget(run)

    async def _finish(self, run: Run, reply: Reply | None) -> None:
        try:
            state, reply = state_of(run, reply), reply or Reply()
            if state == Turn.State.REFUSED:
                run.sentences.clear()
            if self.provider is not None and not is_answered(state, reply):
                await forgive(self.read, run.turn.uuid)
            payload = end_payload(state, reply, await left(self.read, run.learner_id))
            event = self._event(run, TurnEvent.Kind.END, payload)
            finish = finish_of(run, event, reply)
            crash_point("before_finish")
            if await self.journal.put(finish):
                crash_point("after_finish_before_publish")
                self._publish(run, event)
        except Exception:
            logger.exception("The end of turn %s could not be stored.", run.turn.pk)
        finally:
            self._forget(run)

    def _forget(self, run: Run) -> None:
        if self._runs.get(run.turn.uuid) is run:
            del self._runs[run.turn.uuid]
        if run.turn.conversation_id in self._waiting.values() or run.turn.runs > SUSPECT_RUNS:
            self.look()

    def _event(self, run: Run, kind: str, payload: dict[str, Any]) -> TurnEvent:
        # After a write that failed nothing later of this run is stored, so the numbers have no gap.
        run.seq = (run.stored if run.broken else run.seq) + 1
        return TurnEvent(turn=run.turn, seq=run.seq, kind=kind, payload=payload)

    def emit(self, run: Run, kind: str, payload: dict[str, Any], sentence: Sentence | None = None) -> None:
        """Store an event; it is shown once it is stored."""
        if run.cut or run.ending:
            return
        if sentence is not None:
            run.sentences.append(sentence)
        event = self._event(run, kind, payload)
        written = self.journal.put(Append(event, run.turn.epoch))
        written.add_done_callback(partial(self._stored, run, event))

    def _stored(self, run: Run, event: TurnEvent, written: asyncio.Future[bool]) -> None:
        if written.cancelled():
            return
        if written.exception() is None and written.result():
            run.stored = event.seq
            crash_point("mid_stream")
            self._publish(run, event)
        else:
            self._cancel(run, run.cut or "broken")
            run.broken = True

    def _publish(self, run: Run, event: TurnEvent) -> None:
        self._tell(run.learner_id, run.subject, run.turn, event)

    def _tell(self, learner_id: int, subject: Subject, turn: Turn, event: TurnEvent) -> None:
        """Show what is stored to the sockets of this process, and let others know that there is something."""
        topic = topic_of(learner_id, subject)
        if self.hub.has_listeners(topic):
            self.hub.publish(topic, envelope_of(turn, event))
        self._ring(learner_id, subject)

    def _ring(self, learner_id: int, subject: Subject) -> None:
        if self._bell is not None:
            self._bell.ring(topic_of(learner_id, subject))

    async def drain(self, seconds: float = DRAIN_SECONDS) -> None:
        """Let the turns reach a stored state: finished if they can, else handed back. No new ones begin."""
        self.draining = True
        for work in self._beside:
            work.cancel()
        if self._beside:
            await asyncio.wait(self._beside, timeout=seconds or DRAIN_SECONDS)
        if self._arriving:
            await asyncio.wait({*self._arriving}, timeout=seconds or DRAIN_SECONDS)
        tasks = {run.task: run for run in self._runs.values() if run.task}
        if not tasks:
            return
        _done, late = await asyncio.wait(tasks, timeout=seconds)
        for task in late:
            self._cancel(tasks[task], "released")
        await asyncio.gather(*late, return_exceptions=True)

    async def close(self) -> None:
        await self.drain(0)
        watching = [task for task in (self._keeper, self._heeder) if task is not None]
        for task in watching:
            task.cancel()
        await asyncio.gather(*watching, return_exceptions=True)
        if self._keeper is not None:
            await self.leave()
        for other in (self._elsewhere, self._bell):
            if other is not None:
                await other.close()
        await self.journal.close()
        await asyncio.to_thread(self._close_readers)

    async def leave(self) -> None:
        with suppress(Error):
            await self.read(partial(processes.leave, self.owner))

    def _close_readers(self) -> None:
        self._readers.shutdown(wait=True)
        for reader in self._reader_connections:
            reader.close()


_supervisor: Supervisor | None = None


def supervisor() -> Supervisor | None:
    """The supervisor of this process, once its server has taken the first request."""
    return _supervisor


async def attach() -> Supervisor:
    """Called by the server's door, before anything else is done on this loop."""
    global _supervisor  # noqa: PLW0603 - one server loop a process
    if _supervisor is None or _supervisor.loop is not asyncio.get_running_loop():
        _supervisor = Supervisor()
        _supervisor.start()
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
    return future.result(timeout=wait_seconds + STORED_SECONDS)


def stop_turn(turn: Turn, *, learner_id: int) -> None:
    """Stop from a view's thread."""
    found = supervisor()
    if found is not None and found.loop.is_running():
        stopping = found.stop(turn.uuid, learner_id=learner_id)
        asyncio.run_coroutine_threadsafe(stopping, found.loop).result(timeout=STORED_SECONDS)
