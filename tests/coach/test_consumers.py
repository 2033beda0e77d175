"""The socket: what it lets in, what it shows, and that it shows it once."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.contrib.sessions.models import Session
from django.db import InterfaceError

from coach import consumers
from coach.models import Turn, TurnEvent
from coach.sockets import sockets
from coach.turns import READERS, Supervisor
from lessons.models import User
from tests.coach.factories import (
    make_exercise,
    make_finding,
    make_lesson,
    make_submission,
    second_finding,
    sign_in,
)
from tests.coach.talking import Page, in_thread

pytestmark = pytest.mark.django_db(transaction=True)


@in_thread
def make_learner() -> tuple[User, str]:
    learner = User.objects.create_guest()
    return learner, sign_in(learner)


@in_thread
def make_world() -> tuple[User, str]:
    exercise = make_exercise(make_lesson())
    learner = User.objects.create_guest()
    make_submission(learner, exercise, make_finding(), second_finding())
    return learner, sign_in(learner)


async def test_socket_answers_a_question_with_numbered_events(supervisor: Supervisor):
    _, session = await make_world()
    page = await Page(session).open()
    await page.ask("What is the critical path?")
    turn = await page.until_end()
    assert page.seqs[turn] == list(range(1, len(page.seqs[turn]) + 1))
    assert any("longest chain" in sentence for sentence in page.text[turn])
    await page.leave()


async def test_socket_second_tab_and_reload_show_the_same_text_once(supervisor: Supervisor):
    _, session = await make_world()
    first, second = await Page(session).open(), await Page(session).open()
    await first.ask("What is the critical path?")
    turn = await first.until_end()
    await second.until_end()
    late = await Page(session).open()
    await late.until_end()
    assert first.text[turn] == second.text[turn] == late.text[turn]
    assert (
        first.seqs[turn] == second.seqs[turn] == late.seqs[turn] == list(range(1, len(first.seqs[turn]) + 1))
    )
    for page in (first, second, late):
        await page.leave()


async def test_socket_reconnect_with_a_cursor_brings_the_rest_and_no_more(supervisor: Supervisor):
    _, session = await make_world()
    page = await Page(session).open()
    await page.ask("What is the critical path?")
    turn = await page.until_end()
    await page.leave()
    for cursor in range(1, page.seqs[turn][-1]):
        again = await Page(session).open(after=1, cursors={turn: cursor})
        await again.until_end()
        assert again.seqs[turn] == page.seqs[turn][cursor:]
        await again.leave()


async def test_socket_that_has_everything_gets_nothing(supervisor: Supervisor):
    _, session = await make_world()
    page = await Page(session).open()
    await page.ask("What is slack?")
    turn = await page.until_end()
    again = await Page(session).open(after=1, cursors={turn: page.seqs[turn][-1]})
    assert await again.quiet()
    await again.leave()
    await page.leave()


async def test_socket_page_that_does_not_acknowledge_is_not_flooded(supervisor: Supervisor):
    _, session = await make_world()
    page = await Page(session).open()
    for _ in range(14):
        await page.ask("What is slack?")
        await page.until_end()
        if page.shown > 40:
            break
    slow = await Page(session).open()

    while not await slow.quiet():
        await slow.next()
    assert slow.shown <= consumers.WINDOW_FRAMES
    await slow.say(do="ack", shown=slow.shown)
    while not await slow.quiet():
        await slow.next()
    assert [slow.seqs[turn] for turn in page.seqs] == [page.seqs[turn] for turn in page.seqs]
    await slow.leave()
    await page.leave()


async def test_socket_whose_page_says_nothing_for_long_is_closed_1013(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(consumers, "WINDOW_FRAMES", 2)
    monkeypatch.setattr(consumers, "SLOW_SECONDS", 0.1)
    _, session = await make_world()
    page = await Page(session).open()
    await page.ask("What is slack?")
    assert await page.closed_with() == consumers.SLOW


async def test_socket_that_sends_and_does_not_read_is_closed_1013(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(consumers, "WINDOW_FRAMES", 4)
    _, session = await make_world()
    page = await Page(session).open()
    for _ in range(6):
        await page.say(do="stop", turn=uuid.uuid4())
    assert await page.closed_with() == consumers.SLOW


async def test_socket_works_on_so_many_commands_and_refuses_more(supervisor: Supervisor):
    _, session = await make_world()
    gate = threading.Event()
    page = await Page(session).open(subject="")
    for _ in range(READERS):
        supervisor._readers.submit(gate.wait, 5)
    for _ in range(consumers.COMMANDS_MAX + 2):
        await page.say(do="stop", turn=uuid.uuid4())
    for _ in range(2):
        await page.next()
    assert page.codes == ["busy", "busy"]
    gate.set()
    for _ in range(consumers.COMMANDS_MAX):
        await page.next()
    assert page.codes[2:] == ["unknown"] * consumers.COMMANDS_MAX
    await page.leave()


@contextmanager
def store_away(supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    def away() -> None:
        raise InterfaceError("connection already closed")

    with monkeypatch.context() as patch:
        patch.setattr(supervisor, "read", lambda _ask: in_thread(away)())
        yield


async def test_socket_whose_page_cannot_be_shown_what_is_new_says_come_back(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
):
    _, session = await make_world()
    page = await Page(session).open()
    await page.ask("What is slack?")
    turn = await page.until_end()
    with store_away(supervisor, monkeypatch):
        supervisor.hub.miss(supervisor.hub.topics())
        assert await page.closed_with() == consumers.RESTART
    back = await Page(session).open(after=1, cursors={turn: page.seqs[turn][-2]})
    assert await back.until_end() == turn
    await back.leave()


async def test_socket_is_refused_while_nobody_can_say_whose_it_is(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
):
    _, session = await make_world()
    with store_away(supervisor, monkeypatch):
        connected, _ = await Page(session).socket.connect()
        assert not connected
    await (await Page(session).open()).leave()


async def test_socket_asking_twice_with_one_key_is_one_turn(supervisor: Supervisor):
    _, session = await make_world()
    page = await Page(session).open()
    key = uuid.uuid4()
    await asyncio.gather(*(page.ask("What is slack?", key=key) for _ in range(5)))
    await page.until_end()
    assert await page.quiet()
    assert await in_thread(Turn.objects.count)() == 1
    await page.leave()


async def test_socket_closing_does_not_stop_the_turn(supervisor: Supervisor):
    _, session = await make_world()
    page = await Page(session).open(subject="")
    await page.ask("What is slack?")
    await page.say(do="ack", shown=0)
    await page.leave()
    await supervisor.drain()
    turn = await in_thread(Turn.objects.first)()
    assert turn is not None
    assert turn.state == Turn.State.DONE


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        "http://127.0.0.1",
        "https://127.0.0.1:8000",
        "http://127.0.0.1:8000.evil.example",
        "http://x@127.0.0.1:8000",
        "javascript://127.0.0.1:8000",
    ],
)
async def test_socket_foreign_origin_is_refused(supervisor: Supervisor, origin: str):
    _, session = await make_learner()
    connected, _ = await Page(session, origin=origin).socket.connect()
    assert not connected


async def test_socket_configured_origins_are_exact(supervisor: Supervisor, settings):
    settings.ALLOWED_ORIGINS = ["https://learn.example.org"]
    _, session = await make_learner()
    connected, _ = await Page(session, origin="https://learn.example.org").socket.connect()
    assert connected
    connected, _ = await Page(session, origin="https://learn.example.org:444").socket.connect()
    assert not connected


async def test_socket_without_a_session_is_closed_4401(supervisor: Supervisor):
    page = Page("nothing")
    await page.socket.connect()
    assert await page.closed_with() == 4401


async def test_socket_signed_out_is_closed_at_the_next_command(supervisor: Supervisor):
    _, session = await make_world()
    page = await Page(session).open()
    await in_thread(Session.objects.all().delete)()
    await page.ask("What is slack?")
    assert await page.closed_with() == 4401
    assert await in_thread(Turn.objects.count)() == 0


async def test_socket_signed_out_is_closed_while_it_only_listens(supervisor: Supervisor):
    _, session = await make_world()
    page = await Page(session).open()
    await in_thread(User.objects.update)(is_active=False)
    await sockets.check_sign_ins(supervisor)
    assert await page.closed_with() == 4401


async def test_socket_signed_out_is_closed_after_a_check_that_failed(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("coach.sockets.SIGN_IN_CHECK_SECONDS", 0.02)
    _, session = await make_world()
    page = await Page(session).open(subject="")
    watching = asyncio.create_task(sockets.watch(supervisor))
    with store_away(supervisor, monkeypatch):
        await asyncio.sleep(0.2)
    await in_thread(User.objects.update)(is_active=False)
    assert await page.closed_with() == 4401
    watching.cancel()


async def test_socket_shows_nothing_of_other_learners(supervisor: Supervisor):
    _, session = await make_world()
    page = await Page(session).open()
    await page.ask("What is slack?")
    turn = await page.until_end()
    _, other_session = await make_learner()
    other = await Page(other_session).open(cursors={turn: 1})
    assert await other.quiet()
    for command in ({"do": "stop"}, {"do": "again", "key": uuid.uuid4()}):
        other.codes.clear()
        await other.say(**command, turn=turn)
        assert await other.until_code() == "unknown"
    await other.leave()
    await page.leave()


async def test_socket_hostile_frames_are_answered_and_then_it_closes(supervisor: Supervisor):
    _, session = await make_world()
    page = await Page(session).open()
    for text in ("{", "[" * 5000, '{"do":"ask"}', '{"do":NaN}'):
        await page.socket.send_to(text_data=text)
        await page.next()
    assert set(page.codes) <= {"malformed", "subject"}
    for _ in range(12):
        await page.socket.send_to(text_data="{")
    assert await page.closed_with() == 4400


async def test_socket_binary_frame_closes_it(supervisor: Supervisor):
    _, session = await make_world()
    page = await Page(session).open()
    await page.socket.send_to(bytes_data=b"\x00\x01")
    assert await page.closed_with() == 4400


async def test_socket_unknown_subject_is_a_typed_error(supervisor: Supervisor):
    _, session = await make_world()
    page = await Page(session).open()
    await page.ask("Why?", subject="exercise:nowhere")
    assert await page.until_code() == "subject"
    await page.leave()


async def test_socket_learner_text_is_shown_as_text(supervisor: Supervisor):
    _, session = await make_world()
    page = await Page(session).open()
    await page.ask('<img src=x onerror=alert(1)> <b hx-post="/x" hx-trigger="load">what is slack</b>')
    await page.until_end()
    assert not any("<img" in html or "<b hx" in html for html in page.html)
    await page.leave()


async def test_socket_events_are_the_rows(supervisor: Supervisor):
    _, session = await make_world()
    page = await Page(session).open()
    await page.ask("What is slack?")
    turn = await page.until_end()
    rows = await in_thread(
        lambda: list(TurnEvent.objects.filter(turn__uuid=turn).order_by("seq").values_list("seq", flat=True))
    )()
    assert rows == page.seqs[turn]
    await page.leave()
