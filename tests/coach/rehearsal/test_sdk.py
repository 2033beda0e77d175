"""What the provider's own SDK makes of the server, faults included: what its callers have to be ready for."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anthropic
import httpx2
import pydantic
import pytest

from coach.rehearsal.server import Rehearsal
from coach.rehearsal.words import NOTICE
from tests.coach.rehearsal.calling import HAIKU, SONNET, fast, marked

ASKED: dict[str, Any] = {
    "model": SONNET,
    "max_tokens": 400,
    "messages": [{"role": "user", "content": "Which calls can run at once?"}],
}
READ_SECONDS = 0.3


@asynccontextmanager
async def calling(
    *faults: str, retries: int = 0
) -> AsyncIterator[tuple[Rehearsal, anthropic.AsyncAnthropic]]:
    async with fast() as server:
        server.fail(*faults)
        async with anthropic.AsyncAnthropic(
            base_url=server.url,
            api_key="any",
            max_retries=retries,
            timeout=httpx2.Timeout(5.0, read=READ_SECONDS),
            http_client=anthropic.DefaultAsyncHttpxClient(follow_redirects=False),
        ) as client:
            yield server, client


async def streamed(client: anthropic.AsyncAnthropic) -> tuple[str, Any]:
    """The text as it came, and the final message."""
    async with client.messages.stream(**ASKED) as stream:
        text = "".join([piece async for piece in stream.text_stream])
        return text, await stream.get_final_message()


async def test_stream_whole_count_and_model_are_understood() -> None:
    async with calling() as (_, client):
        text, final = await streamed(client)
        whole = await client.messages.create(**ASKED)
        counted = await client.messages.count_tokens(model=SONNET, messages=ASKED["messages"])
        model = await client.models.retrieve(HAIKU)
    assert text.startswith(NOTICE)
    assert final.stop_reason == whole.stop_reason == "end_turn"
    assert final.content[-1].text == whole.content[-1].text == text
    assert final.usage.input_tokens == whole.usage.input_tokens == counted.input_tokens
    assert final.usage.output_tokens == whole.usage.output_tokens > 0
    assert (model.lifecycle, model.retires_at, model.line) == ("active", None, "haiku")
    assert model.capabilities is not None
    assert model.capabilities.thinking.types.disabled.supported


async def test_usage_tells_writes_by_lifetime_and_reads() -> None:
    system: Any = [marked("word " * 1000, "1h")]
    async with calling() as (_, client):
        first, second = [await client.messages.create(**ASKED, system=system) for _ in range(2)]
    assert first.usage.cache_creation is not None
    assert first.usage.cache_creation.ephemeral_1h_input_tokens == first.usage.cache_creation_input_tokens
    assert first.usage.cache_creation_input_tokens == second.usage.cache_read_input_tokens
    assert second.usage.cache_read_input_tokens


class Verdict(pydantic.BaseModel):
    right: bool
    why: str = pydantic.Field(max_length=200)


async def test_parse_gives_the_model_and_bare_validation_errors() -> None:
    async with calling("none", "refusal", "max_tokens") as (_, client):
        parsed = await client.messages.parse(**ASKED, output_format=Verdict)
        for _ in range(2):
            with pytest.raises(pydantic.ValidationError):
                await client.messages.parse(**ASKED, output_format=Verdict)
    assert parsed.parsed_output == Verdict(right=True, why=NOTICE)


RAISED: dict[str, tuple[type[Exception], int | None]] = {
    "rate_limited": (anthropic.RateLimitError, 429),
    "spend_limit": (anthropic.RateLimitError, 429),
    "own_spend_limit": (anthropic.BadRequestError, 400),
    "unauthorized": (anthropic.AuthenticationError, 401),
    "server_error": (anthropic.InternalServerError, 500),
    "overloaded": (anthropic.APIStatusError, 529),
    "redirect": (anthropic.APIStatusError, 307),
    "connect_reset": (anthropic.APIConnectionError, None),
    "no_headers": (anthropic.APITimeoutError, None),
    "error_event": (anthropic.APIStatusError, 200),
    "cut_chunk": (httpx2.RemoteProtocolError, None),
    "reset": (httpx2.ReadError, None),
    "stall": (httpx2.ReadTimeout, None),
    "bad_json": (json.JSONDecodeError, None),
}


@pytest.mark.parametrize("fault", RAISED)
async def test_fault_raises_in_the_sdk(fault: str) -> None:
    kind, status = RAISED[fault]
    async with calling(fault) as (server, client):
        with pytest.raises(kind) as raised:
            await streamed(client)
    assert getattr(raised.value, "status_code", None) == status
    assert len(server.log) == 1


@pytest.mark.parametrize("fault", ["cut_chunk", "reset", "stall", "bad_json"])
async def test_broken_stream_is_no_error_of_the_api(fault: str) -> None:
    async with calling(fault) as (_, client):
        with pytest.raises(Exception) as raised:
            await streamed(client)
    assert not isinstance(raised.value, anthropic.APIError)


async def test_error_in_an_open_stream_is_told_by_its_type_only() -> None:
    async with calling("error_event") as (_, client):
        with pytest.raises(anthropic.APIStatusError) as raised:
            await streamed(client)
    assert not isinstance(raised.value, anthropic.InternalServerError)
    assert raised.value.type == "overloaded_error"


async def test_clean_end_without_a_stop_raises_nothing() -> None:
    async with calling("clean_eof") as (_, client):
        text, final = await streamed(client)
    assert text
    assert final.stop_reason is None


@pytest.mark.parametrize("fault", ["unknown_event", "duplicate_stop", "one_byte"])
async def test_oddity_passes_without_a_trace(fault: str) -> None:
    async with calling(fault) as (_, client):
        text, final = await streamed(client)
    assert text.startswith(NOTICE)
    assert final.stop_reason == "end_turn"


async def test_characters_that_arrive_in_pieces_are_whole() -> None:
    text = "é 漢字 🙂 \u2028 \U000e0041 \ud800 end"
    async with calling(*["one_byte"] * 2) as (server, client):
        server.say(text, text.replace("\ud800", ""))
        read = [(await streamed(client))[0] for _ in range(2)]
    assert read[1] == text.replace("\ud800", "")
    assert read[0].endswith(" end")


async def test_unknown_reason_and_huge_delta_are_passed_on() -> None:
    async with calling("unknown_stop", "huge_delta=1") as (_, client):
        reason = (await streamed(client))[1].stop_reason
        text, _ = await streamed(client)
    assert reason == "weird_new_reason"
    assert len(text) > 2**20


async def test_refusal_is_a_message_with_details() -> None:
    async with calling("refusal") as (_, client):
        text, final = await streamed(client)
    assert text
    assert final.stop_reason == "refusal"
    assert final.stop_details is not None
    assert final.stop_details.category == "general_harms"


async def test_pings_outlast_the_read_timeout() -> None:
    async with calling("pings_only") as (server, client):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3 * READ_SECONDS):
                await streamed(client)
        while server.log[0].seconds is None:
            await asyncio.sleep(0.01)
    assert server.log[0].closed_early


async def test_retries_of_the_sdk_are_posts_of_their_own() -> None:
    async with calling(*["rate_limited=0.01"] * 3, retries=2) as (server, client):
        with pytest.raises(anthropic.RateLimitError):
            await client.messages.create(**ASKED)
    assert [entry.status for entry in server.log] == [429] * 3


async def test_default_client_follows_a_redirect_with_the_prompt() -> None:
    async with fast() as server:
        server.fail("redirect")
        async with anthropic.AsyncAnthropic(base_url=server.url, api_key="any", max_retries=0) as client:
            with pytest.raises(anthropic.BadRequestError):
                await client.messages.create(**ASKED)
    assert [entry.fault for entry in server.log] == ["redirect@3", "redirect followed"]
    assert server.log[1].body["posted"] > 0


async def test_caller_that_leaves_is_seen_leaving() -> None:
    async with calling("stall") as (server, client):
        async with client.messages.stream(**ASKED) as stream:
            async for _ in stream.text_stream:
                break
        while server.log[0].seconds is None:
            await asyncio.sleep(0.01)
    assert server.log[0].closed_early
    assert server.log[0].usage["output_tokens"] > 0
