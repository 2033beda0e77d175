# .venv/bin/python bench/first_words.py
"""From the question to the first status line and to the first sentence: one learner, then fifty at once.

A real Daphne on a free port with a database of its own, real sockets, the real course. Goals, at the median,
for one and for fifty: first status in 50 ms, first sentence in 200 ms. Exit code 1 when one is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from dataclasses import dataclass
from pathlib import Path

import websockets

ROOT = Path(__file__).resolve().parent.parent
SUBJECT = "lesson:parallel-execution"
QUESTIONS = (
    "Why are three calls at once not always three times faster?",
    "What happens when I call a blocking database driver inside a coroutine?",
    "What does slack mean?",
    "When is it worth starting a tool call before I know that it is needed?",
    "Why does combining the results of five subagents take so long?",
)
GOALS_MS = {"status": 50.0, "sentence": 200.0}


@dataclass
class Timing:
    status: float
    sentence: float
    end: float


def prepare(learners: int) -> list[str]:
    """A migrated database with the course and so many guests; their session keys."""
    sys.path.insert(0, str(ROOT))
    os.environ["DJANGO_SETTINGS_MODULE"] = "coach.settings"
    import django

    django.setup()
    from django.core.management import call_command

    from lessons.models import User
    from tests.coach.factories import sign_in

    call_command("migrate", verbosity=0)
    call_command("load_course", ROOT / "fixtures" / "agent-latency", verbosity=0)
    return [sign_in(User.objects.create_guest()) for _ in range(learners)]


def start_server(port: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "coach.asgi:application"]
    server = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    until = time.monotonic() + 30
    while time.monotonic() < until:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2):
                return server
        except OSError:
            time.sleep(0.1)
    server.terminate()
    raise SystemExit("the server did not come up")


async def ask(connection: websockets.ClientConnection, question: str) -> Timing:
    command = {"do": "ask", "subject": SUBJECT, "key": str(uuid.uuid4()), "question": question}
    at = time.perf_counter()
    await connection.send(json.dumps(command))
    status = sentence = 0.0
    while True:
        frame = await connection.recv()
        now = (time.perf_counter() - at) * 1000
        assert isinstance(frame, str)
        assert "data-code=" not in frame, frame
        status = status or (now if 'id="coach-status"' in frame else 0.0)
        sentence = sentence or (now if "coach-sentence" in frame else 0.0)
        if "data-again=" in frame:
            # The page says what it has shown, or the server stops sending.
            await connection.send(json.dumps({"do": "ack", "shown": 2**40}))
            assert sentence, "a reply without a sentence"
            return Timing(status, sentence, now)


async def connect(port: int, session: str) -> websockets.ClientConnection:
    origin = websockets.Origin(f"http://127.0.0.1:{port}")
    address = f"ws://127.0.0.1:{port}/ws/coach/"
    cookie = {"Cookie": f"sessionid={session}"}
    connection = await websockets.connect(address, origin=origin, additional_headers=cookie, compression=None)
    # A page that shows all there is already: nothing is replayed.
    await connection.send(json.dumps({"do": "subscribe", "subject": SUBJECT, "after": 2**31 - 1}))
    return connection


async def measure(port: int, sessions: list[str], rounds: int) -> list[Timing]:
    """Every learner asks at the same moment, round after round."""
    connections = await asyncio.gather(*(connect(port, session) for session in sessions))
    await asyncio.sleep(0.5)
    timings: list[Timing] = []
    for number in range(rounds):
        question = QUESTIONS[number % len(QUESTIONS)]
        timings += await asyncio.gather(*(ask(connection, question) for connection in connections))
        await asyncio.sleep(0.1)
    await asyncio.gather(*(connection.close() for connection in connections))
    return timings


def report(label: str, timings: list[Timing]) -> bool:
    good = True
    for what in ("status", "sentence", "end"):
        values = sorted(getattr(timing, what) for timing in timings)
        median, p95 = statistics.median(values), values[int(len(values) * 0.95) - 1 if len(values) > 1 else 0]
        goal = GOALS_MS.get(what)
        verdict = "" if goal is None else f"   goal {goal:.0f} ms: {'met' if median <= goal else 'MISSED'}"
        good &= goal is None or median <= goal
        print(f"{label:>12}  first {what:<9} median {median:7.1f} ms   p95 {p95:7.1f} ms{verdict}")
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--learners", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["CRITICAL_PATH_VAR"] = folder
        os.environ.pop("DATABASE_URL", None)
        sessions = prepare(options.learners)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        server = start_server(port)
        try:
            asyncio.run(measure(port, sessions[:1], 5))
            one = report("one learner", asyncio.run(measure(port, sessions[:1], options.rounds * 3)))
            many = report(f"{options.learners} at once", asyncio.run(measure(port, sessions, options.rounds)))
        finally:
            server.terminate()
            server.wait(timeout=20)
    return 0 if one and many else 1


if __name__ == "__main__":
    sys.exit(main())
