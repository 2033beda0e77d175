"""A PostgreSQL and a Redis of the tests' own, on the loopback, that may be stopped in any way."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import psycopg
import redis

from tests.coach.survival.servers import free_port

_USER = "postgres"


def _programs() -> Path | None:
    """Where initdb and pg_ctl are: on the path, or where Debian puts them."""
    found = shutil.which("pg_ctl")
    if found:
        return Path(found).parent
    return next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)


def missing() -> str:
    """What is not installed here, or ""."""
    if _programs() is None:
        return "no PostgreSQL server is installed here"
    return "" if shutil.which("redis-server") else "no Redis server is installed here"


class PrivatePostgres:
    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="postgres-"))
        self.port = free_port()
        # The server refuses to run as root.
        self._as = ["runuser", "-u", _USER, "--"] if os.geteuid() == 0 else []
        if self._as:
            shutil.chown(self.folder, _USER)
        self._run("initdb", "--auth=trust", f"--username={_USER}", "--no-sync", "--pgdata", str(self._data))
        self.start()

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    def _run(self, program: str, *arguments: str) -> None:
        programs = _programs()
        assert programs
        command = [*self._as, str(programs / program), *arguments]
        subprocess.run(command, check=True, cwd=self.folder, stdout=subprocess.DEVNULL)

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
        log = str(self.folder / "log")
        self._run(
            "pg_ctl", "start", "--wait", f"--pgdata={self._data}", f"--log={log}", f"--options={options}"
        )

    def stop(self) -> None:
        """At once, as if the machine had failed."""
        self._run("pg_ctl", "stop", "--mode=immediate", f"--pgdata={self._data}")

    def _admin(self) -> psycopg.Connection:
        return psycopg.connect(f"postgresql://{_USER}@127.0.0.1:{self.port}/postgres", autocommit=True)

    def make_database(self, name: str) -> str:
        """The URL of an empty database."""
        with self._admin() as admin:
            admin.execute(f'CREATE DATABASE "{name}"')
        return f"postgresql://{_USER}@127.0.0.1:{self.port}/{name}"

    def terminate_backends(self) -> int:
        """Cut all connections, in whatever they are doing."""
        asked = (
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        with self._admin() as admin:
            row = admin.execute(asked).fetchone()
        assert row
        return int(row[0])

    def remove(self) -> None:
        with suppress(subprocess.CalledProcessError):
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class PrivateRedis:
    """Keeps nothing: after `kill` and `start` it is as empty as after FLUSHALL."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._process = subprocess.Popen(command, cwd=tempfile.gettempdir(), stdout=subprocess.DEVNULL)
        client = redis.Redis.from_url(self.url)
        for _ in range(200):
            with suppress(redis.ConnectionError):
                client.ping()
                return
            time.sleep(0.05)
        raise AssertionError("Redis does not answer")

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=20)
