"""A deploy in the middle of a class: 500 sockets and as many replies as learners are open, then SIGTERM."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
import websockets

from coach.rehearsal.server import Rehearsal
from tests.coach.survival.servers import Installation, Server
from tests.coach.survival.siege import Siege
from tests.coach.survival.test_model_faults import GENEROUS, KEY, settings_for

LEARNERS, SOCKETS = 50, 500
RESTART = 1012


async def test_deploy_closes_every_socket_with_1012_and_loses_no_reply(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    async with Rehearsal(scale=40, keys=[KEY]) as provider:
        # No answer begins until the server has ended: all of these replies have to survive it.
        provider.provider.gate.clear()
        installation = await asyncio.to_thread(Installation, tmp_path, learners=LEARNERS)
        installation.environment |= settings_for(provider)
        await asyncio.to_thread(installation.python, "-c", GENEROUS)
        server = installation.server()
        await asyncio.to_thread(server.start)
        quiet = [asyncio.create_task(closed_with(server, key)) for key in others(installation.sessions)]
        siege = Siege(installation.sessions, lambda: server.address, seed=7, pause_seconds=3.0)
        try:
            await until_open(siege)
            assert await asyncio.to_thread(server.stop) == 0, server.said()
            codes = Counter(await asyncio.gather(*quiet)) + Counter(siege.closes)
            provider.provider.gate.set()
            await asyncio.to_thread(server.start)
            found, _final = await siege.end(server.address)
        finally:
            await siege.leave()
            server.kill()
    with capsys.disabled():
        sys.stdout.write(f"\nA deploy: {siege.summary(found)}; closed with {dict(codes)}\n")
    assert codes[RESTART] >= SOCKETS
    assert provider.log
    assert found == []


def others(sessions: Sequence[str]) -> list[str]:
    """Beside the two pages of the siege, each learner has so many more open that there are 500."""
    return [*sessions] * (SOCKETS // LEARNERS - 2)


async def closed_with(server: Server, session: str) -> int:
    """A page that is open and says nothing, until the server closes it."""
    connection = await websockets.connect(
        f"ws://{server.address}/ws/coach/",
        origin=websockets.Origin(f"http://{server.address}"),
        additional_headers={"Cookie": f"sessionid={session}"},
        open_timeout=60,
    )
    await connection.wait_closed()
    return connection.close_code or 0


async def until_open(siege: Siege) -> None:
    async with asyncio.timeout(90):
        while len(siege.open_turns) < LEARNERS:
            await asyncio.sleep(0.1)
