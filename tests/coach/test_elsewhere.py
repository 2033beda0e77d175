"""Two processes on one database: what one stores, the sockets of the other show; with Redis and without."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import redis as redis_client
from django.db import InterfaceError, connection
from django.test.utils import CaptureQueriesContext

from coach import elsewhere, processes
from coach.beginning import Begin, Begun
from coach.frames import Subject
from coach.leases import RUNS_MAX
from coach.models import Turn, TurnEvent
from coach.queries import news_elsewhere
from coach.turns import Supervisor, attach, detach
from lessons.models import User
from tests.coach.factories import make_exercise, sign_in
from tests.coach.talking import Page, Unending, in_thread

pytestmark = pytest.mark.django_db(transaction=True)
TRAVEL = Subject(kind="exercise", slug="travel")
REDIS = "redis://127.0.0.1:6379/0"
NOBODY = "redis://127.0.0.1:9/0"


def redis_is_here() -> bool:
    try:
        return bool(redis_client.Redis.from_url(REDIS, socket_connect_timeout=1).ping())
    except redis_client.RedisError:
        return False


@pytest.fixture(params=[REDIS, NOBODY], ids=["redis", "redis is dead"])
async def two(
    request: pytest.FixtureRequest, transactional_db: None, settings: Any
) -> AsyncIterator[tuple[Supervisor, Supervisor]]:
    """The process that serves the sockets, and another one; a dead Redis must cost nothing but time."""
    if request.param == REDIS and not redis_is_here():
        pytest.skip("no Redis on the loopback")
    settings.REDIS_URL = request.param
    here = await attach()
    async with another() as there:
        yield here, there
    await detach()


@asynccontextmanager
async def another() -> AsyncIterator[Supervisor]:
    # Both share this process's pool of connections.
    supervisor = Supervisor("another process", readers=2)
    supervisor.start()
    try:
        yield supervisor
    finally:
        await supervisor.close()


@in_thread
def make_learner() -> tuple[User, str]:
    make_exercise()
    learner = User.objects.create_guest()
    return learner, sign_in(learner)


def ask(learner: User) -> Begin:
    return Begin(key=uuid.uuid4(), subject=TRAVEL, learner_id=learner.pk, question="What is slack?")


async def test_turn_of_another_process_is_shown_whole_and_once(two: tuple[Supervisor, Supervisor]):
    _here, there = two
    learner, session = await make_learner()
    page = await Page(session).open()
    for _ in range(2):
        begun = await there.begin(ask(learner))
        assert isinstance(begun, Begun)
        turn = await page.until_end()
        assert turn == str(begun.turn.uuid)
        assert page.seqs[turn] == list(range(1, len(page.seqs[turn]) + 1))
        assert page.text[turn]
    assert await page.quiet()
    await page.leave()


async def test_looks_that_fail_are_not_the_last(
    two: tuple[Supervisor, Supervisor], monkeypatch: pytest.MonkeyPatch
):
    here, there = two
    failed: list[Any] = []

    def fail(*asked: Any, **more: Any) -> Any:
        failed.append(asked)
        raise InterfaceError("connection already closed")

    learner, session = await make_learner()
    page = await Page(session).open()
    there.sources.lessons = Unending()
    begun = await there.begin(ask(learner))
    assert isinstance(begun, Begun)
    with monkeypatch.context() as patch:
        patch.setattr(elsewhere, "news_elsewhere", fail)
        patch.setattr("coach.turns.stops_asked", fail)
        async with asyncio.timeout(10):
            while len({len(asked) for asked in failed}) < 2:
                await asyncio.sleep(0.05)
    assert await here.stop(begun.turn.uuid, learner_id=learner.pk)
    assert await page.until_end() == str(begun.turn.uuid)
    await page.leave()


async def test_page_that_has_an_ended_turn_is_not_shown_it_again(two: tuple[Supervisor, Supervisor]):
    _here, there = two
    learner, session = await make_learner()
    await there.begin_and_wait(ask(learner), 10)
    page = await Page(session).open(after=1)
    await asyncio.sleep(2 * elsewhere.POLL_SECONDS)
    assert await page.quiet()
    await page.leave()


async def test_stop_reaches_the_process_that_runs_the_turn(two: tuple[Supervisor, Supervisor]):
    _here, there = two
    there.sources.lessons = Unending()
    learner, session = await make_learner()
    begun = await there.begin(ask(learner))
    assert isinstance(begun, Begun)
    page = await Page(session).open()
    await page.next()
    await page.say(do="stop", turn=begun.turn.uuid)
    assert await page.until_end() == str(begun.turn.uuid)
    await in_thread(begun.turn.refresh_from_db)()
    assert begun.turn.state == Turn.State.STOPPED
    await page.leave()


async def test_stop_is_heard_by_one_look_where_nobody_can_ring(two: tuple[Supervisor, Supervisor]):
    here, there = two
    there.sources.lessons = Unending()
    learner, _session = await make_learner()
    begun = await there.begin(ask(learner))
    assert isinstance(begun, Begun)
    for watching in (there._keeper, there._heeder):
        assert watching
        watching.cancel()
    run = there._runs[begun.turn.uuid]
    assert run.task
    await there.heed_stops()
    assert run.cut is None
    assert await here.stop(begun.turn.uuid, learner_id=learner.pk)
    await there.heed_stops()
    await run.task
    await in_thread(begun.turn.refresh_from_db)()
    assert begun.turn.state == Turn.State.STOPPED


async def test_turn_that_waits_here_goes_on_when_the_one_there_has_ended(two: tuple[Supervisor, Supervisor]):
    here, there = two
    there.sources.lessons = Unending()
    learner, session = await make_learner()
    first, second = await there.begin(ask(learner)), await here.begin(ask(learner))
    assert isinstance(first, Begun)
    assert isinstance(second, Begun)
    assert second.turn.state == Turn.State.QUEUED
    page = await Page(session).open()
    there.draining = True  # it would take the second one up itself, and never end it
    await there.stop(first.turn.uuid, learner_id=learner.pk)
    assert {await page.until_end(), await page.until_end()} == {str(first.turn.uuid), str(second.turn.uuid)}
    await page.leave()


async def test_stop_of_a_turn_there_wakes_what_waits_here(two: tuple[Supervisor, Supervisor]):
    here, there = two
    there.sources.lessons = Unending()
    learner, _session = await make_learner()
    first, second = await there.begin(ask(learner)), await here.begin(ask(learner))
    assert isinstance(first, Begun)
    assert isinstance(second, Begun)
    await here.stop(first.turn.uuid, learner_id=learner.pk)
    assert second.turn.pk in here._waiting


async def test_turn_that_waited_here_and_was_taken_up_there_is_forgotten_here(
    two: tuple[Supervisor, Supervisor],
):
    here, there = two
    there.sources.lessons = Unending()
    learner, _session = await make_learner()
    first, second = await there.begin(ask(learner)), await here.begin(ask(learner))
    assert isinstance(first, Begun)
    assert isinstance(second, Begun)
    here.draining = True  # it would take it up itself
    await there.stop(first.turn.uuid, learner_id=learner.pk)
    async with asyncio.timeout(5):
        while second.turn.uuid not in there._runs:
            await asyncio.sleep(0.01)
    await here.take_up()
    assert not here._waiting


async def test_turn_of_a_frozen_process_is_taken_over_and_its_late_words_are_refused(
    two: tuple[Supervisor, Supervisor],
):
    here, there = two
    learner, session = await make_learner()
    there.sources.lessons = Unending()
    begun = await there.begin(ask(learner))
    assert isinstance(begun, Begun)
    assert there._keeper
    there._keeper.cancel()
    await in_thread(Turn.objects.update)(lease_until_at=None)
    page = await Page(session).open()
    here.look()
    turn = await page.until_end()
    there.emit(there._runs[begun.turn.uuid], "status", {"text": "Late."})
    await there.renew()
    await there.drain(0)
    assert await page.quiet()
    await in_thread(begun.turn.refresh_from_db)()
    assert (begun.turn.state, begun.turn.epoch) == (Turn.State.DONE, 2)
    assert page.seqs[turn] == list(range(1, len(page.seqs[turn]) + 1))
    await page.leave()


async def test_end_of_a_turn_that_others_took_from_here_is_shown_here(
    two: tuple[Supervisor, Supervisor], monkeypatch: pytest.MonkeyPatch
):
    here, there = two
    # Both have one number: each would take the other for dead as it comes.
    monkeypatch.setattr(processes, "_lives", lambda _process: True)
    learner, session = await make_learner()
    here.sources.lessons = Unending()
    begun = await here.begin(ask(learner))
    assert isinstance(begun, Begun)
    page = await Page(session).open()
    await page.next()
    assert here._keeper
    here._keeper.cancel()
    # Begun too often already: who takes it ends it.
    await in_thread(Turn.objects.update)(lease_until_at=None, runs=RUNS_MAX)
    there.look()
    assert await page.until_end() == str(begun.turn.uuid)
    await in_thread(begun.turn.refresh_from_db)()
    assert begun.turn.state == Turn.State.FAILED
    await page.leave()


async def test_page_of_a_turn_that_was_lost_reads_what_became_of_it(supervisor: Supervisor):
    learner, session = await make_learner()
    supervisor.sources.lessons = Unending()
    begun = await supervisor.begin(ask(learner))
    assert isinstance(begun, Begun)
    page = await Page(session).open()
    await page.next()

    def end_it() -> None:
        Turn.objects.update(owner="other", epoch=2, state="failed")
        TurnEvent.objects.create(turn=begun.turn, seq=2, kind="end", payload={"state": "failed"})

    await in_thread(end_it)()
    await supervisor.renew()
    assert await page.until_end() == str(begun.turn.uuid)
    await page.leave()


async def test_same_key_fifty_times_in_two_processes_is_one_turn(two: tuple[Supervisor, Supervisor]):
    learner, _session = await make_learner()
    begin = ask(learner)
    outcomes = await asyncio.gather(*(two[n % 2].begin(begin) for n in range(50)))
    assert len({outcome.turn.uuid for outcome in outcomes if isinstance(outcome, Begun)}) == 1
    assert all(isinstance(outcome, Begun) for outcome in outcomes)
    assert await in_thread(Turn.objects.count)() == 1


async def test_questions_of_two_processes_in_one_conversation_get_numbers_of_their_own(
    two: tuple[Supervisor, Supervisor],
):
    learner, _session = await make_learner()
    outcomes = await asyncio.gather(*(two[n % 2].begin(ask(learner)) for n in range(4)))
    assert sorted(outcome.turn.number for outcome in outcomes if isinstance(outcome, Begun)) == [1, 2, 3, 4]


async def test_news_of_any_number_of_turns_cost_two_queries(two: tuple[Supervisor, Supervisor]):
    _here, there = two
    learner, _session = await make_learner()
    for _ in range(3):
        await there.begin_and_wait(ask(learner), 10)

    def count() -> tuple[int, int]:
        with CaptureQueriesContext(connection) as asked:
            found = news_elsewhere(owner="nobody", learner_ids=[learner.pk], heard={})
        return len(found), len(asked)

    assert await in_thread(count)() == (3, 2)
