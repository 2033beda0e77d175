"""Background work: claimed once, the same in the process and on Celery's workers."""

from __future__ import annotations

import asyncio
import datetime
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from coach.celery import app
from coach.chores import claim_chore, grade_again
from coach.clockwork import Clockwork
from coach.models import Chore
from coach.tasks import PERIODIC, Periodic, run_periodic
from exercises.models import Submission
from tests.coach.talking import in_thread
from tests.exercises.factories import make_exercise, make_learner
from tests.exercises.factories import make_submission as hand_in
from tests.exercises.toy import TOY

ROOT = Path(__file__).resolve().parents[2]
BROKERS = {
    "RabbitMQ": ("amqp://guest:guest@127.0.0.1:5672//", 5672),
    "Redis": ("redis://127.0.0.1:6379/7", 6379),
}


async def run(ask: Callable[[], Any]) -> Any:
    return await in_thread(ask)()


@pytest.mark.django_db(transaction=True)
def test_chore_is_claimed_by_one_of_many():
    def claim(_: int) -> bool:
        try:
            return claim_chore("sweep", every_seconds=60)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(claim, range(16))) == 1


@pytest.mark.django_db
def test_chore_is_due_where_the_clock_was_put_back_since_it_began():
    assert claim_chore("sweep", every_seconds=60)
    Chore.objects.update(began_at=timezone.now() + datetime.timedelta(hours=1))
    assert claim_chore("sweep", every_seconds=60)
    assert not claim_chore("sweep", every_seconds=60)


@pytest.mark.django_db
def test_chore_is_claimed_by_the_clock_of_the_database(monkeypatch: pytest.MonkeyPatch):
    later = timezone.now() + datetime.timedelta(hours=1)
    monkeypatch.setattr(timezone, "now", lambda: later)
    assert claim_chore("sweep", every_seconds=60)
    assert Chore.objects.filter(began_at__lte=Now()).exists()


@pytest.mark.django_db
def test_chore_is_due_again_after_its_time_even_where_it_never_ended():
    assert claim_chore("sweep", every_seconds=60)
    assert not claim_chore("sweep", every_seconds=60)
    assert claim_chore("other", every_seconds=60)
    Chore.objects.update(began_at=timezone.now() - datetime.timedelta(seconds=61))
    assert claim_chore("sweep", every_seconds=60)


@pytest.mark.django_db(transaction=True)
async def test_periodic_work_is_told_of_whether_it_succeeds_or_fails():
    async def works(_run: object) -> str:
        return "3 swept"

    async def fails(_run: object) -> str:
        raise RuntimeError("no")

    good, bad = (Periodic(name=w.__name__, every_seconds=60, work=w) for w in (works, fails))
    assert await run_periodic(good, run)
    assert not await run_periodic(good, run)
    assert await run_periodic(bad, run)
    told = await run(lambda: dict(Chore.objects.values_list("name", "did")))
    assert told == {"works": "3 swept", "fails": ""}
    failed = await run(lambda: list(Chore.objects.filter(failed=True).values_list("name", flat=True)))
    assert failed == ["fails"]


@pytest.mark.django_db(transaction=True)
async def test_clockwork_comes_round_until_it_is_stopped():
    rounds = 0
    twice = asyncio.Event()

    async def work(_run: object) -> str:
        nonlocal rounds
        rounds += 1
        if rounds == 2:
            twice.set()
        return ""

    clockwork = Clockwork([Periodic(name="tick", every_seconds=0.01, work=work)], run, first_seconds=0.0)
    await asyncio.wait_for(twice.wait(), 20)
    await clockwork.stop()
    stopped_at = rounds
    await asyncio.sleep(0.05)
    assert rounds == stopped_at
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "coach-tick"]


@pytest.fixture
def toy_kind(settings: Any) -> Iterator[None]:
    from exercises.kinds import KINDS

    KINDS.register(TOY)
    yield
    TOY.broken = False
    KINDS.unregister(TOY.name)


@pytest.mark.django_db
def test_grade_again_grades_what_a_grader_left(toy_kind: None):
    exercise, learner = make_exercise(), make_learner()
    TOY.broken = True
    hand_in(learner, exercise, 4, 6)
    assert grade_again() == 0
    TOY.broken = False
    assert grade_again() == 1
    assert Submission.objects.get().passed
    assert grade_again() == 0


def test_celery_knows_every_piece_of_work_and_beat_sends_each():
    names = {f"coach.{task.name}" for task in PERIODIC}
    assert names <= set(app.tasks)
    assert {entry["task"] for entry in app.conf.beat_schedule.values()} == names


def reachable(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("broker", BROKERS)
def test_celery_worker_does_the_work_once_for_many_messages(broker: str, tmp_path: Path):
    """A real worker and a real broker; a queue of its own, a database of its own."""
    url, port = BROKERS[broker]
    if not reachable(port):
        pytest.skip(f"{broker} is not reachable on the loopback")
    environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    environment |= {
        "CRITICAL_PATH_VAR": str(tmp_path),
        "BROKER_URL": url,
        "DJANGO_SETTINGS_MODULE": "coach.settings",
    }
    python = [sys.executable, "-c"]
    queue = f"test-{os.getpid()}-{broker.lower()}"
    made = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
    subprocess.run(made, cwd=ROOT, env=environment, check=True, capture_output=True)
    send = (
        "from coach.celery import app\n"
        f"for _ in range(5): app.send_task('coach.sweep-attempts', queue='{queue}')"
    )
    subprocess.run([*python, send], cwd=ROOT, env=environment, check=True, capture_output=True)
    worker = [
        sys.executable,
        "-m",
        "celery",
        "--app",
        "coach.celery",
        "worker",
        "--pool",
        "solo",
        "--hostname",
        f"{queue}@%h",
        "-Q",
        queue,
        "--loglevel",
        "INFO",
    ]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(worker, cwd=ROOT, env=environment, stdout=log, stderr=log)
        try:
            succeeded = wait_for_lines(tmp_path / "log", b"succeeded", 5)
        finally:
            process.terminate()
            process.wait(timeout=30)
    assert len(succeeded) == 5, (tmp_path / "log").read_text()[-3000:]
    assert sum(line.rstrip().endswith(b"True") for line in succeeded) == 1


def wait_for_lines(path: Path, said: bytes, count: int) -> list[bytes]:
    until = time.monotonic() + 60
    lines: list[bytes] = []
    while time.monotonic() < until and len(lines) < count:
        time.sleep(0.2)
        lines = [line for line in path.read_bytes().splitlines() if said in line]
    return lines
