"""Daphne, with the good-bye that Daphne itself leaves out.

Daphne drops its sockets on SIGTERM without telling the application. Here the signal first lets the turns
reach a stored state and closes every socket with 1012 (come back), and only then stops the server.
"""

from __future__ import annotations

import asyncio
import signal

from daphne.endpoints import build_endpoint_description_strings
from daphne.server import Server
from django.conf import settings

from coach import turns
from coach.asgi import application


def serve(*, host: str, port: int) -> None:
    """Serves until SIGTERM or SIGINT; returns when everything is stored and closed."""
    server = Server(
        application=application,
        endpoints=build_endpoint_description_strings(host=host, port=port),
        signal_handlers=False,
        websocket_max_message_size=settings.FRAME_MAX_BYTES,
        websocket_max_frame_size=settings.FRAME_MAX_BYTES,
        server_name="",
        ready_callable=lambda: _stop_on_signals(server),
    )
    server.run()


def _stop_on_signals(server: Server) -> None:
    loop = asyncio.get_event_loop()
    stopping: set[asyncio.Task[None]] = set()

    async def drain_and_stop() -> None:
        await turns.drain()
        server.stop()

    def on_signal() -> None:
        if not stopping:
            stopping.add(loop.create_task(drain_and_stop()))

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, on_signal)
