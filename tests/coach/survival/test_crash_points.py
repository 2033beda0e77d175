"""The server is killed at each named place and started again, while learners ask and watch."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from tests.coach.survival.servers import Installation, Server
from tests.coach.survival.siege import Siege

# Each leaves behind what the next one meets as it starts.
SWEEP = (
    "after_commit_before_ack:2",
    "before_claim",
    "before_first_event",
    "after_claim",
    "mid_stream",
    "mid_stream:4",
    "before_finish:2",
    "after_finish_before_publish:3",
    "before_commit:3",
    "before_commit:9",
)
DIES_WITHIN_SECONDS = 30


async def test_sqlite_killed_at_each_point_loses_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    installation = await asyncio.to_thread(Installation, tmp_path, learners=3)
    server = installation.server()
    siege = Siege(installation.sessions, lambda: server.address)
    try:
        for point in SWEEP:
            await asyncio.to_thread(server.start, crash_at=point)
            await _death(server, point)
            siege.kills += 1
        await asyncio.to_thread(server.start)
        found, final = await siege.end(server.address)
    finally:
        await siege.leave()
        server.kill()
    with capsys.disabled():
        sys.stdout.write(f"\nSQLite: {siege.summary(found)}\n")
    assert found == []
    assert any(event.kind == "restart" for turn in final for event in turn.events)
    assert "Traceback" not in server.log.read_text(), server.said()


async def _death(server: Server, point: str) -> None:
    for _ in range(DIES_WITHIN_SECONDS * 20):
        if server.is_dead():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"nothing came by {point}")
