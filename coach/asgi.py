"""The door of the site: pages through Django, the coach's socket through Channels."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from typing import Any

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coach.settings")
pages = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402 - needs the apps that were just set up
from django.urls import re_path  # noqa: E402

from coach.consumers import CoachConsumer  # noqa: E402
from coach.lifecycle import answering, enter, let_daphne_say_come_back  # noqa: E402

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


async def nowhere(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.close"})


let_daphne_say_come_back()
routes = ProtocolTypeRouter(
    {
        "http": pages,
        # Channels routes ASGI applications with Django's own function, whose hints know views only.
        "websocket": URLRouter([re_path(r"^ws/coach/$", CoachConsumer.as_asgi()), re_path(r"", nowhere)]),  # type: ignore[arg-type]
    }
)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] != "lifespan":
        await enter()
    with answering() if scope["type"] == "http" else nullcontext():
        await routes(scope, receive, send)
