"""A store that is locked or full: who asks hears "try again" and keeps the words; nothing is half there."""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client

from coach import turns
from coach.beginning import Begin, Begun
from coach.frames import Subject
from coach.models import Conversation, Turn
from coach.turns import Supervisor
from lessons.models import User
from tests.coach.factories import make_exercise, sign_in
from tests.coach.talking import Page, in_thread

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(connection.vendor != "sqlite", reason="SQLite's locks and SQLite's page limit"),
]
TRAVEL = Subject(kind="exercise", slug="travel")


@contextmanager
def locked() -> Iterator[None]:
    """Another process writes and does not end."""
    other = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.rollback()
        other.close()


def impatient() -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 50")


def full(*, pages: int = 1) -> None:
    """No page more may be taken: what SQLite answers is what it answers on a full disk."""
    with connection.cursor() as cursor:
        # Pages that earlier tests left free would be room for many turns.
        cursor.execute("VACUUM")
        cursor.execute(f"PRAGMA max_page_count = {pages}")


@in_thread
def make_learner() -> tuple[User, str]:
    make_exercise()
    learner = User.objects.create_guest()
    return learner, sign_in(learner)


async def in_journal(supervisor: Supervisor, work: Callable[[], Any]) -> None:
    await supervisor.loop.run_in_executor(supervisor.journal._thread, work)


async def test_store_locked_submit_is_refused_and_the_same_key_works_afterwards(supervisor: Supervisor):
    _learner, session = await make_learner()
    await in_journal(supervisor, impatient)
    page, key = await Page(session).open(), uuid.uuid4()
    with locked():
        await page.ask("What is slack?", key=key)
        assert await page.until_code() == "unavailable"
    await page.ask("What is slack?", key=key)
    turn = await page.until_end()
    assert page.seqs[turn][0] == 1
    assert await in_thread(Turn.objects.count)() == 1
    await page.leave()


async def test_store_locked_running_turn_goes_on_when_it_is_free(supervisor: Supervisor):
    learner, session = await make_learner()
    await in_journal(supervisor, impatient)
    page = await Page(session).open()
    begin = Begin(key=uuid.uuid4(), subject=TRAVEL, learner_id=learner.pk, question="What is slack?")
    assert isinstance(await supervisor.begin(begin), Begun)
    with locked():
        await asyncio.sleep(0.5)
    turn = await page.until_end()
    assert page.seqs[turn] == list(range(1, len(page.seqs[turn]) + 1))
    assert (await in_thread(Turn.objects.get)()).state == Turn.State.DONE
    await page.leave()


async def test_disk_full_submit_is_refused_and_works_by_itself_when_there_is_room(supervisor: Supervisor):
    _learner, session = await make_learner()
    page, key = await Page(session).open(), uuid.uuid4()
    await in_journal(supervisor, full)
    long = "What is slack? " * 130
    refused = False
    for _ in range(20):
        await page.say(do="ack", shown=page.shown)
        await page.ask(long, key=key)
        refused = "unavailable" in await page.next()
        if refused:
            break
        ended = asyncio.create_task(page.until_end())
        await asyncio.wait({ended}, timeout=2)
        if not ended.done():
            ended.cancel()  # its end does not fit any more, and waits
            break
        key = uuid.uuid4()
    while not refused:
        await page.say(do="ack", shown=page.shown)
        await page.ask(long, key=(key := uuid.uuid4()))
        refused = "unavailable" in await page.next()
    assert await in_thread(Conversation.objects.count)() == 1  # reads work
    await in_journal(supervisor, lambda: full(pages=2**30))
    await page.say(do="ack", shown=page.shown)
    await page.ask(long, key=key)
    async with asyncio.timeout(20):
        while not await in_thread(Turn.objects.filter(client_key=key, state=Turn.State.DONE).exists)():
            await asyncio.sleep(0.05)
    assert not await in_thread(Turn.objects.filter(state=Turn.State.FAILED).exists)()
    await page.leave()


def test_store_away_a_form_gets_503_with_what_was_typed_and_its_key(settings: Any):
    make_exercise()
    client = Client(raise_request_exception=False)
    client.cookies["sessionid"] = sign_in(User.objects.create_guest())
    connection.ensure_connection()
    impatient()
    key = uuid.uuid4()
    fields = {"subject": "exercise:travel", "question": "Why <b>?", "key": str(key), "section": ""}
    with locked():
        response = client.post("/coach/ask/", fields)
    assert response.status_code == 503
    assert response.headers["Retry-After"]
    page = response.content.decode()
    assert "Why &lt;b&gt;?" in page
    assert f'name="key" value="{key}"' in page
    assert not Turn.objects.exists()
    assert client.post("/coach/ask/", fields).status_code == 302
    assert Turn.objects.count() == 1


async def test_store_away_for_longer_than_a_form_waits_is_503_too(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
):
    learner, session = await make_learner()
    monkeypatch.setattr(turns, "STORED_SECONDS", 0.2)
    fields = {"subject": "exercise:travel", "question": "Why?", "key": str(uuid.uuid4()), "section": ""}

    def post() -> int:
        client = Client(raise_request_exception=False, headers={"HX-Request": "true"})
        client.cookies["sessionid"] = session
        return client.post("/coach/ask/", fields).status_code

    with locked():
        assert await asyncio.to_thread(post) == 503
    monkeypatch.undo()
    assert await asyncio.to_thread(post) == 200
    assert await in_thread(Turn.objects.filter(conversation__learner=learner).count)() == 1


def test_store_away_a_form_without_a_key_is_not_offered_again():
    with locked():
        connection.ensure_connection()
        impatient()
        response = Client(raise_request_exception=False).post(
            "/accounts/signup/", {"email": "a@example.org", "password1": "x" * 20, "password2": "x" * 20}
        )
    assert response.status_code == 503
    assert "x" * 20 not in response.content.decode()


def test_operational_error_is_what_a_lock_raises():
    impatient()
    with locked(), pytest.raises(OperationalError):
        User.objects.create_guest()
