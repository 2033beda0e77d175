"""`manage.py start` says in a sentence what keeps it from starting."""

from __future__ import annotations

import socket

import pytest
from django.core.management import CommandError, call_command

from coach.management.commands.start import check_port_is_free


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
