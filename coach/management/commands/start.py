from __future__ import annotations

import socket
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from coach import processes, serving
from lessons.actions import create_demo_instructor

COURSE = settings.BASE_DIR / "fixtures" / "agent-latency"


def check_port_is_free(host: str, port: int) -> None:
    """Raises a CommandError with a sentence where nobody could listen."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise CommandError(
            f"Cannot listen on {host}:{port} ({error.strerror or error}). Another program may be using the "
            f"port: stop it, or choose another with PORT={port + 1}."
        ) from None


class Command(BaseCommand):
    help = "Prepare the database and the course where that is still to do, then serve."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, host: str, port: int, **options: Any) -> None:
        check_port_is_free(host, port)
        call_command("migrate", verbosity=0, interactive=False)
        try:
            processes.enter_alone(processes.this_process())
        except processes.NotAlone as found:
            raise CommandError(str(found)) from None
        call_command("load_course", str(COURSE), verbosity=0)
        if not settings.PRODUCTION:
            self.make_demo_instructor()
            # Who asks to be reached under another name means it; deployments say so in ALLOWED_HOSTS.
            settings.ALLOWED_HOSTS.append(host)
        self.stdout.write(f"Critical Path is at http://{host}:{port}/ (stop with Ctrl-C)")
        self.stdout.flush()
        serving.serve(host=host, port=port)

    def make_demo_instructor(self) -> None:
        made = create_demo_instructor()
        if made is None:
            return
        email, password = made
        self.stdout.write(
            f"A demo instructor was made for this database, shown this once: {email}, password {password}\n"
            "Sign in with it at /admin/."
        )
