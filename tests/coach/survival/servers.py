"""An installation of its own on the loopback: started, killed, started again, as an operator would."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PREPARE = """
import sys
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from lessons.models import User
from tests.coach.factories import *
exercise = make_exercise(make_lesson())
for _ in range(int(sys.argv[1])):
    learner = User.objects.create_guest()
    make_submission(learner, exercise, make_finding(), second_finding())
    print(sign_in(learner))
"""
START_SECONDS = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """One `manage.py start` at a time on one port; its log is kept over all of them."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.log = folder / f"server-{self.port}.log"
        self._environment = environment
        self.process: subprocess.Popen[bytes] | None = None

    def begin(self, *, crash_at: str = "") -> subprocess.Popen[bytes]:
        command = [sys.executable, "manage.py", "start", "--port", str(self.port)]
        environment = self._environment | ({"CRASH_AT": crash_at} if crash_at else {})
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
        return self.process

    def start(self, *, crash_at: str = "") -> None:
        """Returns when it serves, or when it has crashed on its way there."""
        process = self.begin(crash_at=crash_at)
        until = time.monotonic() + START_SECONDS
        while process.poll() is None:
            with suppress(OSError, urllib.error.URLError):
                urllib.request.urlopen(f"http://{self.address}/healthz", timeout=5).close()
                return
            assert time.monotonic() < until, self.said()
            time.sleep(0.05)
        assert crash_at, self.said()

    def is_dead(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def is_alive(self) -> bool:
        return not self.is_dead()

    def signal(self, number: signal.Signals) -> None:
        assert self.process
        self.process.send_signal(number)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(timeout=20)

    def stop(self) -> int:
        self.signal(signal.SIGTERM)
        return self.wait()

    def wait(self) -> int:
        """What it ends with, in the time that a deploy gives it."""
        assert self.process
        return self.process.wait(timeout=30)

    def said(self) -> str:
        return self.log.read_text()[-3000:]


class Installation:
    """A folder, a database and learners who are signed in. SQLite in the folder without a URL."""

    def __init__(self, folder: Path, *, learners: int, database_url: str = "", redis_url: str = "") -> None:
        self.folder = folder
        kept = {key: value for key, value in os.environ.items() if key not in {"DATABASE_URL", "REDIS_URL"}}
        self.environment = kept | {
            "CRITICAL_PATH_VAR": str(folder),
            "DJANGO_SETTINGS_MODULE": "coach.settings",
        }
        self.environment |= {"DATABASE_URL": database_url} if database_url else {}
        self.environment |= {"REDIS_URL": redis_url} if redis_url else {}
        made = self.python("-c", PREPARE, str(learners))
        self.sessions = made.split()[-learners:]

    def python(self, *arguments: str) -> str:
        command = [sys.executable, *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def server(self) -> Server:
        return Server(self.folder, self.environment)

    def remove(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
