"""SIGTERM while pages are being made: every process ends in time, with zero, and nothing is lost."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
from pathlib import Path

from tests.coach.survival.clients import Tab
from tests.coach.survival.servers import Installation
from tests.coach.survival.siege import Siege

RESTARTS = 3
TRAFFIC_SECONDS = 2.0


async def test_sigterm_under_traffic_ends_with_zero_and_loses_nothing(tmp_path: Path):
    installation = await asyncio.to_thread(Installation, tmp_path, learners=2)
    server = installation.server()
    siege = Siege(installation.sessions, lambda: server.address)
    try:
        for _ in range(RESTARTS):
            await asyncio.to_thread(server.start)
            await asyncio.sleep(TRAFFIC_SECONDS)
            assert await asyncio.to_thread(server.stop) == 0, server.said()
        await asyncio.to_thread(server.start)
        found, _final = await siege.end(server.address)
    finally:
        await siege.leave()
        server.kill()
    assert found == []
    assert "Traceback" not in server.log.read_text(), server.said()


async def test_sigterm_while_a_form_waits_for_a_locked_store_ends_with_zero(tmp_path: Path):
    installation = await asyncio.to_thread(Installation, tmp_path, learners=1)
    server = installation.server()
    await asyncio.to_thread(server.start)
    tab = Tab("asker", installation.sessions[0], lambda: server.address, lambda _record: None)
    lock = sqlite3.connect(next(tmp_path.glob("*.sqlite3")), isolation_level=None)
    try:
        lock.execute("BEGIN IMMEDIATE")
        asking = asyncio.create_task(tab.ask_by_form("What is slack?"))
        await asyncio.sleep(1)
        server.signal(signal.SIGTERM)
        assert await asyncio.to_thread(server.wait) == 0, server.said()
        asking.cancel()
    finally:
        lock.close()
        server.kill()
