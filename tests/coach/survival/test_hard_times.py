"""One server on SQLite while another process holds the lock, while no broker answers, and with a turn that
kills whoever takes it."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from pathlib import Path

import pytest

from coach.leases import RUNS_MAX
from tests.coach.survival.clients import Tab
from tests.coach.survival.servers import Installation
from tests.coach.survival.siege import Siege

LOCKED_SECONDS = (1.0, 6.0, 12.0)
NOBODY = "amqp://guest@127.0.0.1:9//"


async def test_lock_that_another_process_holds_costs_time_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    installation = await asyncio.to_thread(Installation, tmp_path, learners=4)
    server = installation.server()
    await asyncio.to_thread(server.start)
    siege = Siege(installation.sessions, lambda: server.address, seed=11, pause_seconds=3.0)
    try:
        for seconds in LOCKED_SECONDS:
            await siege.until_acknowledged(3)
            lock = sqlite3.connect(next(tmp_path.glob("*.sqlite3")), isolation_level=None, timeout=30)
            lock.execute("BEGIN IMMEDIATE")
            await asyncio.sleep(seconds)
            lock.close()
        found, _final = await siege.end(server.address)
    finally:
        await siege.leave()
        server.kill()
    with capsys.disabled():
        sys.stdout.write(f"\nSQLite, locked for {LOCKED_SECONDS} s: {siege.summary(found)}\n")
    assert found == []
    assert not [status for status in siege.statuses if status >= 500 and status != 503]


async def test_questions_are_answered_while_no_broker_answers(tmp_path: Path):
    installation = await asyncio.to_thread(Installation, tmp_path, learners=2)
    installation.environment["BROKER_URL"] = NOBODY
    server = installation.server()
    await asyncio.to_thread(server.start)
    siege = Siege(installation.sessions, lambda: server.address)
    try:
        await siege.until_acknowledged(6)
        found, _final = await siege.end(server.address)
    finally:
        await siege.leave()
        server.kill()
    assert found == []


async def test_turn_that_kills_its_server_each_time_fails_and_others_are_answered(tmp_path: Path):
    installation = await asyncio.to_thread(Installation, tmp_path, learners=2)
    server = installation.server()
    poison, other = (
        Tab(name, session, lambda: server.address, lambda _record: None)
        for name, session in zip(("poison", "other"), installation.sessions, strict=True)
    )
    living = [asyncio.create_task(tab.live()) for tab in (poison, other)]
    try:
        await asyncio.to_thread(server.start, crash_at="before_first_event")
        asking = asyncio.create_task(poison.ask("What is slack? (the poison)"))
        for _ in range(RUNS_MAX):
            async with asyncio.timeout(60):
                while not server.is_dead():
                    await asyncio.sleep(0.05)
            await asyncio.to_thread(server.start, crash_at="before_first_event")
        # It was given up: the next one that takes turns is hurt by none, and answers who asks.
        server.kill()
        await asyncio.to_thread(server.start)
        await asking
        await other.ask("What is the critical path? (another)")
        async with asyncio.timeout(60):
            while not (poison.ended and other.ended):
                await asyncio.sleep(0.05)
    finally:
        for task in living:
            task.cancel()
        await asyncio.gather(*living, return_exceptions=True)
        server.kill()
    assert "Something went wrong" in poison.ends[0]
    assert "The coach has finished." in other.ends[0]
