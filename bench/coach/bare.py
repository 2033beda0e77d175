"""What the coach's socket is compared with, on the same server: a consumer that sends, and does nothing else.

/send/   frames of one size, one every so often, as ordered
/relay/  what a model writes, sentence by sentence as it comes; nothing is stored, guarded or shared
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import time

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter
from django.urls import re_path

_END = re.compile(r"[.!?]\s+(?=\S)")


async def health(scope, receive, send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"ok"})


class Sender(AsyncWebsocketConsumer):
    async def receive(self, text_data=None, bytes_data=None) -> None:
        order = json.loads(text_data)
        padding = "x" * (order["bytes"] - 20)
        began = time.monotonic()
        for number in range(order["frames"]):
            due = began + number * order["every_seconds"]
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            await self.send(text_data=f"{due:20.9f}{padding}")


class Relay(AsyncWebsocketConsumer):
    client = None

    async def receive(self, text_data=None, bytes_data=None) -> None:
        order = json.loads(text_data)
        padding = "x" * (order["bytes"] - 60)
        buffer = ""
        async with await self.client_of_loop().messages.create(
            model="claude-sonnet-5-5",
            max_tokens=600,
            messages=[{"role": "user", "content": order["question"]}],
            stream=True,
        ) as events:
            async for event in events:
                if event.type != "content_block_delta" or event.delta.type != "text_delta":
                    continue
                buffer += event.delta.text
                while end := _END.search(buffer):
                    sentence, buffer = buffer[: end.end()], buffer[end.end() :]
                    await self.send(text_data=sentence + padding)
        await self.send(text_data=buffer + padding)
        await self.send(text_data="end")

    @classmethod
    def client_of_loop(cls):
        if cls.client is None:
            from anthropic import AsyncAnthropic, DefaultAsyncHttpxClient
            from httpx2 import Limits

            http = DefaultAsyncHttpxClient(limits=Limits(max_connections=None))
            cls.client = AsyncAnthropic(
                api_key="any", base_url=os.environ["BENCH_MODEL_URL"], max_retries=0, http_client=http
            )
        return cls.client


sockets = [re_path(r"^send/$", Sender.as_asgi()), re_path(r"^relay/$", Relay.as_asgi())]
application = ProtocolTypeRouter({"http": health, "websocket": URLRouter(sockets)})
