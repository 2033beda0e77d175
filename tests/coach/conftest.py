from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from coach.replies import passages
from coach.turns import Supervisor, attach, detach


@pytest.fixture(autouse=True)
def _fresh_passages():
    passages.forget()


@pytest.fixture
async def supervisor(transactional_db: None) -> AsyncIterator[Supervisor]:
    """The turns of this test's loop, as the server's door would start them."""
    yield await attach()
    await detach()
