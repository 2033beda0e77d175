from __future__ import annotations

import pytest
from django.core.cache import cache

from tests.threats.world import World


@pytest.fixture
def world(db: None) -> World:
    cache.clear()
    return World.make()
