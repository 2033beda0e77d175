"""`manage.py start` says in a sentence what keeps it from starting; once started, it waits for nobody."""

from __future__ import annotations

import socket
import time
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from coach.management.commands.start import check_port_is_free
from tests.coach.survival.servers import Installation


def test_start_with_a_port_in_use_says_so_and_names_another():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(CommandError, match=rf"127\.0\.0\.1:{port} .*PORT={port + 1}"):
            call_command("start", port=port)


def test_start_with_a_host_that_is_not_here_says_so():
    with pytest.raises(CommandError, match="Cannot listen on"):
        check_port_is_free("192.0.2.1", 8000)


def test_start_with_a_free_port_has_nothing_to_say():
    check_port_is_free("127.0.0.1", 0)


LEAVE_A_TURN = """
import uuid
import django; django.setup()
from coach.actions import write_batch
from coach.beginning import Begin
from coach.frames import Subject
from lessons.models import User
learner = User.objects.get()
subject = Subject(kind="exercise", slug="travel")
write_batch([Begin(key=uuid.uuid4(), subject=subject, learner_id=learner.pk, question="What is slack?")])
"""
STATES = """
import django; django.setup()
from coach.models import Turn
print(*Turn.objects.values_list('state'))
"""


def test_server_answers_what_was_left_though_nobody_comes(tmp_path: Path):
    installation = Installation(tmp_path, learners=1)
    installation.python("-c", LEAVE_A_TURN)
    server = installation.server()
    server.begin()
    try:
        until = time.monotonic() + 60
        while "done" not in installation.python("-c", STATES):
            assert time.monotonic() < until, server.said()
    finally:
        server.kill()
