"""A cohort's prefix is warm before its class, though nobody visits: by the server itself, and by Celery's
beat and worker. Real processes, a real broker, real HTTP to the rehearsal server."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from coach.rehearsal.server import Rehearsal
from tests.coach.survival.servers import ROOT, Installation
from tests.coach.survival.test_model_faults import KEY, settings_for
from tests.coach.test_tasks import BROKERS, reachable

PATIENCE_SECONDS = 120
PLAN_A_CLASS = """
import datetime
import django; django.setup()
from django.utils import timezone
from lessons.models import Cohort, Course
starts = timezone.now() + datetime.timedelta(seconds=200)
Cohort.objects.create(title="Monday", course=Course.objects.get(), starts_at=starts)
"""
WARMED = """
import time
import django; django.setup()
from coach.models import CachedPrefix, Chore
until = time.monotonic() + 30
while not (ended := Chore.objects.exclude(ended_at=None).filter(name="warm lesson:parallel")):
    assert time.monotonic() < until
    time.sleep(0.1)
print(ended[0].did, ended[0].failed, CachedPrefix.objects.count())
"""


async def test_server_without_visitors_warms_a_cohorts_prefix(tmp_path: Path):
    async with Rehearsal(scale=40, keys=[KEY]) as provider:
        installation = await asyncio.to_thread(a_class, tmp_path, provider)
        server = installation.server()
        server.begin()
        try:
            await check_it_is_warm(installation, provider, server.log)
        finally:
            await asyncio.to_thread(server.stop)


async def test_celerys_beat_and_worker_warm_a_cohorts_prefix(tmp_path: Path):
    broker = next((url for url, port in BROKERS.values() if reachable(port)), None)
    if broker is None:
        pytest.skip(f"Neither {' nor '.join(BROKERS)} is reachable on the loopback")
    async with Rehearsal(scale=40, keys=[KEY]) as provider:
        installation = await asyncio.to_thread(a_class, tmp_path, provider)
        installation.environment |= {"BROKER_URL": broker, "TEST_QUEUE": f"test-warm-{os.getpid()}"}
        log = tmp_path / "celery.log"
        with (
            celery(installation, log, "worker", "--pool", "solo", "--hostname", f"test-{os.getpid()}@%h"),
            celery(installation, log, "beat"),
        ):
            await check_it_is_warm(installation, provider, log)


def a_class(folder: Path, provider: Rehearsal) -> Installation:
    installation = Installation(folder, learners=1)
    installation.environment |= settings_for(provider) | {"BROKER_URL": ""}
    installation.python("-c", PLAN_A_CLASS)
    return installation


@contextmanager
def celery(installation: Installation, path: Path, *arguments: str) -> Iterator[None]:
    command = [sys.executable, "-m", "celery", "--app", "tests.coach.own_queue", *arguments]
    with path.open("ab") as log:
        process = subprocess.Popen(
            command, cwd=ROOT, env=installation.environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


async def check_it_is_warm(installation: Installation, provider: Rehearsal, log: Path) -> None:
    """One request came, it wrote the prefix, and the rows say so."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not provider.log:
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise AssertionError(log.read_text()[-3000:]) from None
    told = await asyncio.to_thread(installation.python, "-c", WARMED)
    (entry,) = provider.log
    written = entry.usage["cache_creation_input_tokens"]
    assert written > 512
    assert entry.max_tokens == 0
    assert told.strip() == f"{written} tokens written, 0 read False 2"
