"""Daphne in this process; what it leaves out at the end of its life is in `coach.lifecycle`."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from typing import Any, NoReturn

from daphne.endpoints import build_endpoint_description_strings
from daphne.server import Server
from django.conf import settings

from coach.asgi import application
from coach.lifecycle import enter


def serve(*, host: str, port: int) -> NoReturn:
    """Serves until SIGTERM or SIGINT; ends the process when everything is stored and closed."""
    # Daphne's server has chosen the reactor by now.
    from twisted.internet import reactor

    # What was left open, and the background work, wait for nobody to come. Later: the loop does not run yet.
    timers: Any = reactor
    timers.callLater(0, lambda: asyncio.ensure_future(enter()))
    Server(
        application=application,
        endpoints=build_endpoint_description_strings(host=host, port=port),
        websocket_max_message_size=settings.FRAME_MAX_BYTES,
        websocket_max_frame_size=settings.FRAME_MAX_BYTES,
        # Longer than a day: a tab left open is no reason to cut it, the pings find the dead ones.
        websocket_timeout=-1,
        server_name="",
    ).run()
    _end()


def _end() -> NoReturn:
    """At once: a thread that still makes a page waits for the loop that Daphne has stopped, and Python, which
    waits for all threads, would wait for ever."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
