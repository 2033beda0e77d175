"""The processes of a measurement: the database's place, the app, the provider, a bare server; what they use."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.environments import ROOT

STARTS_IN_SECONDS = 60.0
STOPS_IN_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Place:
    """A folder with a prepared database, the sessions of its guests, and the newest turn that each has seen,
    by subject."""

    folder: Path
    sessions: tuple[str, ...]
    newest: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))


@dataclass(frozen=True, slots=True)
class Server:
    port: int
    pid: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def environment(folder: Path, more: Mapping[str, str] | None = None) -> dict[str, str]:
    """No setting of whoever runs this reaches what is measured."""
    ours = ("ANTHROPIC_", "COACH_", "DATABASE_", "REDIS_", "BROKER_", "CRITICAL_PATH_")
    kept = {key: value for key, value in os.environ.items() if not key.startswith(ours)}
    return {
        **kept,
        "CRITICAL_PATH_VAR": str(folder),
        "DJANGO_SETTINGS_MODULE": "coach.settings",
        "NO_PROXY": "127.0.0.1",
        **(more or {}),
    }


@contextmanager
def prepared(learners: int) -> Iterator[Place]:
    with tempfile.TemporaryDirectory(prefix="coach-bench-") as name:
        folder = Path(name)
        command = [sys.executable, "-m", "bench.coach.prepare", str(learners)]
        made = subprocess.run(
            command, cwd=ROOT, env=environment(folder), stdout=subprocess.PIPE, text=True, check=True
        )
        yield Place(folder, tuple(json.loads(made.stdout.splitlines()[-1])))


@contextmanager
def app(place: Place, model_url: str = "") -> Iterator[Server]:
    """The application as `make run` starts it; with a model at that address, if any."""
    model = {
        "ANTHROPIC_BASE_URL": model_url,
        "ANTHROPIC_API_KEY": "any",
        "ALLOW_LOCAL_MODEL": "1",
        "COACH_SERVER_KIND": "rehearsal",
    }
    port = free_port()
    command = [sys.executable, "manage.py", "start", "--port", str(port)]
    with _running(command, environment(place.folder, model if model_url else {})) as process:
        yield _up(process, port, "/healthz")


@contextmanager
def bare(place: Place, model_url: str = "") -> Iterator[Server]:
    """A Channels consumer that only sends, on the same server."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "daphne",
        "-b",
        "127.0.0.1",
        "-p",
        str(port),
        "bench.coach.bare:application",
    ]
    with _running(command, environment(place.folder, {"BENCH_MODEL_URL": model_url})) as process:
        yield _up(process, port, "/")


@contextmanager
def provider(*options: str) -> Iterator[Server]:
    """The rehearsal server with the bench's words."""
    port = free_port()
    command = [sys.executable, "-m", "bench.coach.provider", "--port", str(port), *options]
    with _running(command, environment(Path(tempfile.gettempdir()))) as process:
        yield _up(process, port, "/healthz")


@contextmanager
def _running(command: Sequence[str], env: Mapping[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, cwd=ROOT, env=dict(env), stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOPS_IN_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
            _show_faults(log)


def _show_faults(log: Any) -> None:
    log.seek(0)
    said = log.read().decode(errors="replace")
    if "Traceback" in said:
        print(said[-4000:], file=sys.stderr)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _up(process: subprocess.Popen[bytes], port: int, path: str) -> Server:
    until = time.monotonic() + STARTS_IN_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5):
                return Server(port, process.pid)
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"A server did not come up: {process.args!r}")


def fetch(url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> Any:
    request = urllib.request.Request(url, body, dict(headers or {}))  # noqa: S310 - the loopback
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return json.load(answer)


def cpu_seconds(pid: int) -> float | None:
    """What a process has used so far, of all its threads; None where the system does not tell."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return None
    user, system = text.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def load(order: Mapping[str, Any]) -> Any:
    """What the learners saw, in a process of their own."""
    command = [sys.executable, "-m", "bench.coach.load"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        input=json.dumps(order),
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode:
        raise RuntimeError(f"The learners did not come to their end: {order['what']}")
    return json.loads(done.stdout.splitlines()[-1])
