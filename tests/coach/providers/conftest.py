from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from coach.providers.claude import Claude
from coach.rehearsal.server import Rehearsal
from tests.coach.providers.asking import KEY, Wallet, provider


@pytest.fixture
async def server() -> AsyncIterator[Rehearsal]:
    async with Rehearsal(scale=200, keys=[KEY]) as rehearsal:
        yield rehearsal


@pytest.fixture
async def claude(server: Rehearsal) -> AsyncIterator[Claude]:
    made = provider(server.url)
    yield made
    await made.close()


@pytest.fixture
def wallet() -> Wallet:
    return Wallet()
