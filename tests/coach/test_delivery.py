"""On a real Daphne: the form without a socket, the stream with one, an aborted connection, a restart."""

from __future__ import annotations

import asyncio
import http.cookiejar
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import websockets

from tests.coach.talking import CURSOR, SENTENCE

ROOT = Path(__file__).resolve().parents[2]
PREPARE = """
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from lessons.models import User
from tests.coach.factories import *
learner = User.objects.create_guest()
exercise = make_exercise(make_lesson())
make_submission(learner, exercise, make_finding(), second_finding())
print(sign_in(learner))
"""


@dataclass
class Server:
    port: int
    session: str
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def connect(self, **cursor: object) -> websockets.ClientConnection:
        connection = await websockets.connect(
            f"ws://127.0.0.1:{self.port}/ws/coach/",
            origin=websockets.Origin(self.url),
            additional_headers={"Cookie": f"sessionid={self.session}"},
        )
        await connection.send(json.dumps({"do": "subscribe", "subject": "exercise:travel", **cursor}))
        return connection


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def mortal_server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path) as running:
        yield running


@contextmanager
def serving(tmp_path: Path) -> Iterator[Server]:
    environment = {key: value for key, value in os.environ.items() if key != "DATABASE_URL"}
    environment |= {"CRITICAL_PATH_VAR": str(tmp_path), "DJANGO_SETTINGS_MODULE": "coach.settings"}
    made = subprocess.run(
        [sys.executable, "-c", PREPARE],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "manage.py", "start", "--port", str(port)]
    log = (tmp_path / "log").open("wb")
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        wait_for(f"http://127.0.0.1:{port}/healthz", process)
        yield Server(port, made.stdout.split()[-1], process)
    finally:
        process.terminate()
        assert process.wait(timeout=30) == 0
        said = (tmp_path / "log").read_text()
        assert "Traceback" not in said, said[-3000:]


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the server did not come up")


def ask(question: str) -> str:
    return json.dumps(
        {"do": "ask", "subject": "exercise:travel", "key": str(uuid.uuid4()), "question": question}
    )


async def read_until_end(connection: websockets.ClientConnection) -> list[str]:
    frames: list[str] = []
    while not frames or "data-again=" not in frames[-1]:
        frames.append(str(await asyncio.wait_for(connection.recv(), 10)))
    return frames


async def read_into(frames: list[str], connection: websockets.ClientConnection) -> None:
    while True:
        frames.append(str(await asyncio.wait_for(connection.recv(), 15)))


def seqs(frames: list[str]) -> list[int]:
    return [int(CURSOR.search(frame)[2]) for frame in frames]  # type: ignore[index]  # every event carries one


async def test_daphne_aborted_connection_comes_back_without_gap_or_duplicate(server: Server):
    first = await server.connect(after=2**31 - 1)
    await first.send(ask("What is the critical path?"))
    seen = [str(await first.recv())]
    turn = CURSOR.search(seen[0])[1]  # type: ignore[index]
    first.transport.abort()
    second = await server.connect(after=1, cursors={turn: 1})
    rest = await read_until_end(second)
    assert seqs([*seen, *rest]) == list(range(1, len(rest) + 2))
    whole = await read_until_end(await server.connect(after=2**31 - 1, cursors={turn: 0}))
    assert [SENTENCE.findall(frame) for frame in whole[1:]] == [SENTENCE.findall(frame) for frame in rest]
    await second.close()


async def test_daphne_restart_closes_1012_with_every_turn_in_a_stored_state(mortal_server: Server):
    connection = await mortal_server.connect()
    await connection.send(ask("What is slack?"))
    await connection.recv()
    mortal_server.process.send_signal(signal.SIGTERM)
    frames: list[str] = []
    with pytest.raises(websockets.ConnectionClosed) as closed:
        await read_into(frames, connection)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
    assert "data-again=" in frames[-1]
    assert await asyncio.to_thread(mortal_server.process.wait, 30) == 0


async def test_daphne_oversized_and_binary_frames_do_no_harm(server: Server):
    flooding = await server.connect(after=2**31 - 1)
    await flooding.send(json.dumps({"do": "ask", "question": "x" * 100_000}))
    # The server drops it before any of it is read into a frame.
    with pytest.raises(websockets.ConnectionClosed):
        await flooding.recv()
    connection = await server.connect(after=2**31 - 1)
    await connection.send(b"\x00")
    with pytest.raises(websockets.ConnectionClosed) as closed:
        await connection.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 4400


def browse() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))


def test_daphne_without_a_socket_the_reply_is_on_the_next_page(server: Server):
    browser = browse()
    address = f"{server.url}/coach/exercise/travel/"
    page = browser.open(address).read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token
    fields = {
        "csrfmiddlewaretoken": token[1],
        "subject": "exercise:travel",
        "question": "What is the critical path?",
        "key": str(uuid.uuid4()),
        "section": "",
    }
    body = urllib.parse.urlencode(fields).encode()
    reply = browser.open(urllib.request.Request(f"{server.url}/coach/ask/", data=body)).read().decode()
    assert "longest chain of dependent tasks" in reply
    again = browser.open(urllib.request.Request(f"{server.url}/coach/ask/", data=body)).read().decode()
    assert again.count('class="coach-turn"') == 1
    made = re.search(r'href="(/coach/turns/[^"]+/made/)"', reply)
    assert made
    assert "How this reply was made" in browser.open(server.url + made[1]).read().decode()
    with pytest.raises(urllib.error.HTTPError) as refused:
        browse().open(server.url + made[1])
    assert refused.value.code == 404


@pytest.mark.parametrize("question", ["", " ", "a\x00b", "x" * 3000])
def test_daphne_bad_question_keeps_the_page_and_the_text(server: Server, question: str):
    browser = browse()
    page = browser.open(f"{server.url}/coach/lesson/parallel/").read().decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    assert token
    fields = {
        "csrfmiddlewaretoken": token[1],
        "subject": "lesson:parallel",
        "question": question,
        "key": "no uuid",
    }
    with pytest.raises(urllib.error.HTTPError) as refused:
        browser.open(
            urllib.request.Request(f"{server.url}/coach/ask/", data=urllib.parse.urlencode(fields).encode())
        )
    assert refused.value.code == 422
    assert "at most 2,000 characters" in refused.value.read().decode()
