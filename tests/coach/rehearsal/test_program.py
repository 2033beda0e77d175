"""The server as a process of its own, with and without Django."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from coach.rehearsal.words import NOTICE
from tests.coach.rehearsal.calling import HEADERS, request

COMMANDS = {"module": ["-m", "coach.rehearsal"], "command": ["manage.py", "rehearsal"]}


@contextmanager
def started(how: str, *options: str) -> Iterator[tuple[str, str]]:
    """Its first line and its address."""
    command = [sys.executable, *COMMANDS[how], "--scale", "1000", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            yield line, next(word for word in line.split() if word.startswith("http"))
        finally:
            process.terminate()


def fetch(url: str, data: Any = None) -> tuple[int, Any]:
    body = None if data is None else json.dumps(data).encode()
    asked = urllib.request.Request(url, body, HEADERS)
    try:
        with urllib.request.urlopen(asked) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.mark.parametrize("how", COMMANDS)
def test_program_serves_and_is_steered_from_outside(how: str) -> None:
    with started(how, "--next", "overloaded") as (line, url):
        assert how == "module" or NOTICE in line
        statuses = [fetch(f"{url}/v1/messages", request())[0] for _ in range(2)]
        assert fetch(f"{url}/rehearsal/faults", {"faults": ["none", "server_error"]})[0] == 200
        assert fetch(f"{url}/rehearsal/texts", {"texts": ["As told."]})[0] == 200
        told = fetch(f"{url}/v1/messages", request())[1]
        statuses.append(fetch(f"{url}/v1/messages", request())[0])
        log = fetch(f"{url}/rehearsal/log")[1]
    assert statuses == [529, 200, 500]
    assert told["content"][-1]["text"] == "As told."
    assert [entry["status"] for entry in log] == [529, 200, 200, 500]


def test_program_counts_words_where_it_is_told_to() -> None:
    with started("module", "--words") as (_, url):
        asked = request(messages=[{"role": "user", "content": "please [[7]]"}])
        usage = fetch(f"{url}/v1/messages", asked)[1]["usage"]
    assert (usage["input_tokens"], usage["output_tokens"]) == (2, 7)


@pytest.mark.parametrize(
    ("how", "option", "value", "said"),
    [
        ("command", "--next", "nonsense", "No fault “nonsense”; known: rate_limited"),
        ("module", "--fault", "nonsense", "No fault “nonsense”; known: rate_limited"),
        ("module", "--scale", "0", "above zero"),
        ("module", "--decode-tokens-per-second", "0", "rates above zero"),
    ],
)
def test_program_says_what_it_cannot_do(how: str, option: str, value: str, said: str) -> None:
    command = [sys.executable, *COMMANDS[how], option, value]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_server_loads_neither_django_nor_the_sdk() -> None:
    code = "import sys, coach.rehearsal.program; print({'django', 'anthropic', 'pydantic'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
