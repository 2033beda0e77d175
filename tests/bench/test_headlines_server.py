"""The loopback server of the headlines answers as the engine's cache and rules say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from bench.headlines.server import Provider, listen

FAST = 1000.0
"""A second of the provider's passes in a millisecond."""

Post = Callable[[dict[str, Any]], Awaitable[tuple[int, bytes]]]


def with_server(talk: Callable[[Post], Awaitable[None]]) -> None:
    """A real server on a free port of the loopback, spoken to in HTTP."""

    async def main() -> None:
        server, port = await listen(Provider(FAST))
        async with server:
            await talk(lambda data: post(port, data))

    asyncio.run(main())


async def post(port: int, data: dict[str, Any]) -> tuple[int, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
    body = json.dumps(data).encode()
    writer.write(b"POST /v1/messages HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    status = int(head.split()[1])
    if "chunked" in head:
        found = await reader.readuntil(b"0\r\n\r\n")
    else:
        size = next(int(line.split()[1]) for line in head.splitlines() if line.startswith("content-length"))
        found = await reader.readexactly(size)
    writer.close()
    return status, found


def request(words: int, *, writes: int = 3, **more: Any) -> dict[str, Any]:
    control = {"type": "ephemeral"}
    system = [{"type": "text", "text": "w " * words, "cache_control": control}]
    user = {"role": "user", "content": f"question [[{writes}]]"}
    return {"model": "claude-sonnet-5-5", "max_tokens": 50, "system": system, "messages": [user], **more}


def usage(body: bytes) -> tuple[int, int, int, int]:
    found = json.loads(body)["usage"]
    return (
        found["cache_read_input_tokens"],
        found["cache_creation_input_tokens"],
        found["input_tokens"],
        found["output_tokens"],
    )


def test_server_writes_a_prefix_once_and_reads_it_afterwards() -> None:
    async def talk(post: Post) -> None:
        first, second = [await post(request(600)) for _ in range(2)]
        assert usage(first[1]) == (0, 600, 2, 3)
        assert usage(second[1]) == (600, 0, 2, 3)

    with_server(talk)


def test_server_says_nothing_of_a_prefix_below_the_minimum() -> None:
    async def talk(post: Post) -> None:
        for _ in range(2):
            status, body = await post(request(500))
            assert (status, usage(body)) == (200, (0, 0, 502, 3))

    with_server(talk)


def test_server_streams_events_in_the_order_of_the_api() -> None:
    async def talk(post: Post) -> None:
        status, body = await post(request(10, stream=True))
        kinds = [line.split()[1] for line in body.decode().splitlines() if line.startswith("event:")]
        assert status == 200
        assert kinds[:2] == ["message_start", "content_block_start"]
        assert set(kinds[2:-3]) == {"content_block_delta"}
        assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]

    with_server(talk)


def test_server_fills_the_cache_with_a_call_that_writes_nothing() -> None:
    async def talk(post: Post) -> None:
        warmed = await post(request(600, max_tokens=0))
        assert usage(warmed[1]) == (0, 600, 2, 0)
        assert usage((await post(request(600)))[1])[0] == 600

    with_server(talk)


def test_server_refuses_what_the_api_refuses() -> None:
    prefill = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "{"}]
    many = [{"type": "text", "text": f"t{i}", "cache_control": {"type": "ephemeral"}} for i in range(5)]
    refused = (
        request(1, messages=prefill),
        request(1, max_tokens=0, stream=True),
        request(1, model="nobody"),
        request(1, system=many),
        {"model": "claude-sonnet-5-5"},
    )

    async def talk(post: Post) -> None:
        for each in refused:
            status, body = await post(each)
            assert (status, json.loads(body)["error"]["type"]) == (400, "invalid_request_error")

    with_server(talk)
