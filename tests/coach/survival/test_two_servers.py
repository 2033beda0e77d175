"""Two servers on one PostgreSQL, Redis between them: killed in turn, frozen, cut off from both stores."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from coach.dbclock import LEASE_SECONDS
from tests.coach.survival.servers import Installation, Server
from tests.coach.survival.siege import Siege
from tests.coach.survival.stores import PrivatePostgres, PrivateRedis, missing

pytestmark = pytest.mark.skipif(bool(missing()), reason=missing() or "both are here")
SWEEP = (
    "after_commit_before_ack:2",
    "before_first_event",
    "mid_stream",
    "mid_stream:4",
    "before_finish:2",
    "after_finish_before_publish:3",
    "before_commit:3",
    "before_commit:9",
)
DIES_WITHIN_SECONDS = 60


@dataclass
class World:
    """What a test may hurt, and what must hold it."""

    servers: list[Server]
    siege: Siege
    postgres: PrivatePostgres
    redis: PrivateRedis

    async def until_dead(self, server: Server) -> None:
        async with asyncio.timeout(DIES_WITHIN_SECONDS):
            while not server.is_dead():
                await asyncio.sleep(0.05)
        self.siege.kills += 1


@pytest.fixture(scope="module")
def stores() -> Iterator[tuple[PrivatePostgres, PrivateRedis]]:
    postgres, redis = PrivatePostgres(), PrivateRedis()
    yield postgres, redis
    redis.kill()
    postgres.remove()


@asynccontextmanager
async def besieged(
    folder: Path, stores: tuple[PrivatePostgres, PrivateRedis], *, pause_seconds: float
) -> AsyncIterator[World]:
    postgres, redis = stores
    url = postgres.make_database(folder.name)
    made: Callable[[], Installation] = lambda: Installation(  # noqa: E731 - for a thread
        folder, learners=6, database_url=url, redis_url=redis.url
    )
    installation = await asyncio.to_thread(made)
    servers = [installation.server(), installation.server()]
    siege = None
    try:
        for server in servers:
            await asyncio.to_thread(server.start)
        # Pages go where a proxy would send them: to the second one while it lives, else to the first.
        address = lambda: servers[servers[1].is_alive()].address  # noqa: E731
        siege = Siege(installation.sessions, address, seed=5, pause_seconds=pause_seconds)
        yield World(servers, siege, postgres, redis)
    finally:
        if siege is not None:
            await siege.leave()
        for server in servers:
            server.kill()


async def check(world: World, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    found, final = await world.siege.end(world.servers[0].address)
    with capsys.disabled():
        sys.stdout.write(f"\n{name}: {world.siege.summary(found)}\n")
    assert found == []
    assert final


async def test_servers_killed_in_turn_lose_nothing(
    tmp_path: Path, stores: tuple[PrivatePostgres, PrivateRedis], capsys: pytest.CaptureFixture[str]
):
    async with besieged(tmp_path, stores, pause_seconds=8.0) as world:
        first, second = world.servers
        second.kill()
        for point in SWEEP:
            await asyncio.to_thread(second.start, crash_at=point)
            first.kill()
            world.siege.kills += 1
            await asyncio.to_thread(first.start)
            await asyncio.to_thread(world.postgres.terminate_backends)
            await world.until_dead(second)
        await check(world, "PostgreSQL, two servers", capsys)


async def test_stores_that_go_away_cost_time_only(
    tmp_path: Path, stores: tuple[PrivatePostgres, PrivateRedis], capsys: pytest.CaptureFixture[str]
):
    async with besieged(tmp_path, stores, pause_seconds=6.0) as world:
        await world.siege.until_acknowledged(3)
        world.redis.kill()
        await world.siege.until_acknowledged(3)
        world.redis.start()
        await world.siege.until_acknowledged(2)
        await asyncio.to_thread(world.postgres.stop)
        await asyncio.sleep(6)
        await asyncio.to_thread(world.postgres.start)
        await world.siege.until_acknowledged(3)
        await check(world, "PostgreSQL and Redis gone for a while", capsys)


async def test_server_that_was_frozen_may_not_go_on_with_what_another_one_took(
    tmp_path: Path, stores: tuple[PrivatePostgres, PrivateRedis], capsys: pytest.CaptureFixture[str]
):
    async with besieged(tmp_path, stores, pause_seconds=6.0) as world:
        await world.siege.until_acknowledged(4)
        frozen = world.servers[1]
        frozen.signal(signal.SIGSTOP)
        await asyncio.sleep(LEASE_SECONDS * 1.4)
        frozen.signal(signal.SIGCONT)
        await world.siege.until_acknowledged(3)
        await check(world, "PostgreSQL, a server frozen", capsys)
