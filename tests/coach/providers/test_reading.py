"""How long the pieces of an answer may take; nobody who shows them is hurried."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest

from coach.providers.faults import Failed
from coach.providers.port import Call
from coach.providers.reading import Patience, Reading

SHORT, LONG = 0.05, 60.0


def call(*, first: float = LONG, progress: float = LONG) -> Call:
    return Call(purpose="reply", tier="small", parts=(), first_seconds=first, progress_seconds=progress)


def text(said: str) -> Any:
    delta = SimpleNamespace(type="text_delta", text=said)
    return SimpleNamespace(type="content_block_delta", delta=delta)


STOP, PING = SimpleNamespace(type="message_stop"), SimpleNamespace(type="ping")


async def events(*of_it: Any) -> AsyncIterator[Any]:
    """Events at once; a number is a pause before the next one, an end without a stop hangs."""
    for each in of_it:
        if isinstance(each, float):
            await asyncio.sleep(each)
        else:
            yield each
    if of_it[-1] is not STOP:
        await asyncio.Event().wait()


async def read(asked: Call, *of_it: Any, until: float = LONG, shown_in: float = 0.0) -> list[str]:
    pieces = []
    patience = Patience(asked, asyncio.get_running_loop().time() + until)
    async with patience.hold():
        async for piece in patience.through(events(*of_it), Reading(room=100)):
            pieces.append(piece)
            await asyncio.sleep(shown_in)
    return pieces


async def test_content_gives_more_time():
    slow = [each for number in range(6) for each in (0.8 * SHORT, text(str(number)))]
    assert await read(call(first=4 * SHORT, progress=4 * SHORT), *slow, STOP) == list("012345")


@pytest.mark.parametrize(
    ("asked", "until"),
    [(call(first=SHORT), LONG), (call(progress=SHORT), LONG), (call(), SHORT)],
    ids=["first", "progress", "in all"],
)
async def test_silence_is_a_stall_whichever_time_runs_out(asked: Call, until: float):
    said = [] if asked.first_seconds == SHORT else [text("a")]
    with pytest.raises(Failed) as failed:
        await read(asked, PING, *said, PING, until=until)
    assert failed.value.fault.reason == "stalled"


async def test_pings_are_no_content():
    with pytest.raises(Failed):
        await read(call(first=SHORT), *[PING, 0.4 * SHORT] * 50, STOP)


async def test_who_shows_a_piece_is_not_hurried():
    hasty = call(first=SHORT, progress=SHORT)
    assert await read(hasty, text("a"), text("b"), STOP, shown_in=3 * SHORT) == ["a", "b"]


async def test_stall_is_found_behind_a_piece_that_was_shown_slowly():
    with pytest.raises(Failed):
        await read(call(first=SHORT, progress=SHORT), text("a"), shown_in=3 * SHORT)


async def test_cancellation_is_no_stall():
    task = asyncio.ensure_future(read(call(first=LONG), PING))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
