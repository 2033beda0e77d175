from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from exercises.kinds import KINDS
from tests.exercises.toy import TOY


@pytest.fixture(autouse=True)
def _toy_kind(settings: Settings) -> Iterator[None]:
    """The toy kind and its template are there in these tests only."""
    (engine,) = settings.TEMPLATES
    settings.TEMPLATES = [{**engine, "DIRS": [*engine["DIRS"], Path(__file__).parent / "templates"]}]
    KINDS.register(TOY)
    yield
    TOY.broken = False
    KINDS.unregister(TOY.name)
