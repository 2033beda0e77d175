"""Each fault as it goes over the wire, who gets it, and what the log keeps of it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from coach.rehearsal.faults import BEFORE, NAMES, STOPS, FaultPlan, fault_of
from tests.coach.rehearsal.calling import HEADERS, Answered, ask, call, fast, request

STATUS = {
    "rate_limited": (429, "rate_limit_error", "1"),
    "rate_limited=30": (429, "rate_limit_error", "30"),
    "rate_limited_no_header": (429, "rate_limit_error", None),
    "rate_limited_hour": (429, "rate_limit_error", "3600"),
    "spend_limit": (429, "rate_limit_error", None),
    "own_spend_limit": (400, "invalid_request_error", None),
    "unauthorized": (401, "authentication_error", None),
    "server_error": (500, "api_error", None),
    "overloaded": (529, "overloaded_error", None),
}


@pytest.mark.parametrize("fault", STATUS)
async def test_error_before_the_answer(fault: str) -> None:
    async with fast() as server:
        server.fail(fault)
        answered, after = await ask(server, stream=True), await ask(server)
    error = answered.json["error"]
    assert (answered.status, error["type"], answered.headers.get("retry-after")) == STATUS[fault]
    assert error.get("details") == (
        {"error_code": "enforced_spend_limit_reached"} if fault == "spend_limit" else None
    )
    assert after.status == 200


async def test_redirect_leads_to_another_host() -> None:
    async with fast() as server:
        server.fail("redirect")
        answered = await ask(server)
    assert answered.status == 307
    assert "127.0.0.1" not in answered.headers["location"]


async def test_who_follows_a_redirect_is_in_the_log() -> None:
    async with fast() as server:
        server.fail("redirect")
        path = "/" + (await ask(server)).headers["location"].partition(f":{server.port}/")[2]
        followed = await call(server, "POST", path, request())
        entries = [(entry.fault, entry.status) for entry in server.log]
    assert followed.status == 400
    assert entries == [("redirect@3", 307), ("redirect followed", 400)]


async def test_reset_in_place_of_an_answer() -> None:
    async with fast() as server:
        server.fail("connect_reset")
        answered = await ask(server)
    assert (answered.status, answered.ended) == (0, "reset")


async def streamed(fault: str, **more: Any) -> tuple[Answered, Any]:
    """The answer and what the log has of it."""
    async with fast() as server:
        server.fail(fault)
        answered = await ask(server, stream=True, **more)
        (entry,) = server.log
    return answered, entry


def texts(answered: Answered) -> list[str]:
    """Of the deltas of text."""
    return [event["delta"]["text"] for event in answered.events if "text" in event.get("delta", {})]


@pytest.mark.parametrize(("fault", "reason"), STOPS.items())
async def test_stop_reason_after_three_deltas(fault: str, reason: str) -> None:
    answered, entry = await streamed(fault)
    end = answered.events[-2]
    assert end["delta"]["stop_reason"] == entry.stop_reason == reason
    assert len(texts(answered)) == (0 if fault == "empty" else 3)
    assert (end["delta"]["stop_details"] or {}).get("type") == ("refusal" if fault == "refusal" else None)
    assert end["usage"]["output_tokens"] == entry.usage["output_tokens"]
    assert entry.reported


@pytest.mark.parametrize(("fault", "reason"), STOPS.items())
async def test_stop_reason_of_a_whole_answer(fault: str, reason: str) -> None:
    async with fast() as server:
        server.fail(fault)
        message = (await ask(server)).json
    assert message["stop_reason"] == reason
    assert (fault == "empty") == (message["content"][-1]["type"] != "text")


@pytest.mark.parametrize("after", [0, 5])
async def test_fault_stands_where_it_is_put(after: int) -> None:
    answered, _ = await streamed(f"clean_eof@{after}")
    assert len(texts(answered)) == after
    assert "message_stop" not in answered.kinds


async def test_fault_behind_the_end_meets_the_end() -> None:
    answered, _ = await streamed("clean_eof@1000")
    assert answered.kinds[-1] == "content_block_delta"


async def test_error_event_ends_the_stream() -> None:
    answered, entry = await streamed("error_event")
    last = answered.events[-1]
    assert (answered.status, last["type"], last["error"]["type"]) == (200, "error", "overloaded_error")
    assert last["request_id"] == entry.request_id
    assert not entry.reported
    assert entry.usage["output_tokens"] > 0


async def test_clean_end_is_well_formed_and_has_no_stop() -> None:
    answered, entry = await streamed("clean_eof")
    assert answered.body.endswith(b"0\r\n\r\n")
    assert answered.kinds[-1] == "content_block_delta"
    assert entry.stop_reason is None


async def test_cut_chunk_and_reset_break_the_connection() -> None:
    cut, _ = await streamed("cut_chunk")
    reset, _ = await streamed("reset")
    assert not cut.body.endswith(b"0\r\n\r\n")
    assert (cut.ended, reset.ended) == ("closed", "reset")


async def test_bad_json_is_half_an_event() -> None:
    answered, _ = await streamed("bad_json")
    with pytest.raises(json.JSONDecodeError):
        _ = answered.events


async def test_one_byte_at_a_time_gives_the_same_text() -> None:
    answered, _ = await streamed("one_byte")
    plain, _ = await streamed("none")
    assert answered.text == plain.text
    assert answered.body.count(b"1\r\n") > 1000


@pytest.mark.parametrize(("fault", "kind"), [("unknown_event", "content_block_glow"), ("none", "")])
async def test_unknown_event_changes_nothing_else(fault: str, kind: str) -> None:
    answered, _ = await streamed(fault)
    plain, _ = await streamed("none")
    assert [each for each in answered.kinds if each != kind] == plain.kinds
    assert (kind in answered.kinds) == bool(kind)


async def test_message_stop_comes_twice() -> None:
    answered, _ = await streamed("duplicate_stop")
    assert answered.kinds[-2:] == ["message_stop"] * 2


async def test_huge_delta_is_as_large_as_asked() -> None:
    answered, _ = await streamed("huge_delta@2=0.5")
    assert max(map(len, texts(answered))) == pytest.approx(0.5 * 2**20, abs=10)


@pytest.mark.parametrize("fault", ["stall", "pings_only"])
async def test_pause_of_a_stated_length_ends(fault: str) -> None:
    answered, entry = await streamed(f"{fault}=20")
    assert answered.kinds[-1] == "message_stop"
    # How many there are in that time is the machine's affair.
    assert answered.body.count(b"event: ping") > (1 if fault == "pings_only" else 0)
    assert not entry.closed_early


@pytest.mark.parametrize("fault", ["stall", "pings_only", "no_headers"])
@pytest.mark.parametrize("how", ["streamed", "whole"])
async def test_silence_lasts_until_the_caller_goes_and_the_log_says_so(fault: str, how: str) -> None:
    async with fast() as server:
        server.fail(fault)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await ask(server, stream=how == "streamed")
        while server.log[0].seconds is None:
            await asyncio.sleep(0.01)
        (entry,) = server.log
    assert entry.closed_early
    assert not entry.reported
    assert entry.usage.get("output_tokens", 0) > 0 or fault == "no_headers"


@pytest.mark.parametrize("fault", ["clean_eof", "cut_chunk", "reset"])
async def test_whole_answer_breaks_in_the_middle(fault: str) -> None:
    async with fast() as server:
        server.fail(fault)
        answered = await ask(server)
        (entry,) = server.log
    assert len(answered.body) < int(answered.headers["content-length"])
    assert not entry.reported


async def test_server_that_closes_lets_go_of_callers() -> None:
    async with fast() as server:
        server.fail("no_headers")
        waiting = asyncio.create_task(ask(server))
        while not server.log:
            await asyncio.sleep(0.01)
    assert (await waiting).status == 0


async def test_request_asks_for_its_own_fault_before_the_queue() -> None:
    async with fast() as server:
        server.fail("server_error")
        by_header = await ask(server, {"x-rehearsal-fault": "overloaded"})
        by_user = await ask(server, metadata={"user_id": "turn-7 rehearsal:rate_limited=9"})
        queued, plain = await ask(server), await ask(server)
        let_through = await ask(server, {"x-rehearsal-fault": "none"})
        faults = [entry.fault for entry in server.log]
    assert [each.status for each in (by_header, by_user, queued, plain, let_through)] == [
        529,
        429,
        500,
        200,
        200,
    ]
    assert by_user.headers["retry-after"] == "9"
    assert faults == ["overloaded@3", "rate_limited@3=9", "server_error@3", "", ""]


async def test_unknown_fault_is_refused() -> None:
    async with fast() as server:
        by_header = await ask(server, {"x-rehearsal-fault": "nonsense"})
        by_post = await call(server, "POST", "/rehearsal/faults", {"faults": ["nonsense"]})
        not_a_list = await call(server, "POST", "/rehearsal/faults", {"faults": "reset"})
    assert [each.status for each in (by_header, by_post, not_a_list)] == [400] * 3
    assert "known: rate_limited" in by_post.json["error"]["message"]


def test_chance_is_the_same_for_the_same_seed() -> None:
    def drawn(seed: int) -> list[str]:
        plan = FaultPlan(["reset@5", "overloaded"], share=0.3, seed=seed)
        return [str(plan.next({}, "") or "") for _ in range(200)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 30 < sum(map(bool, drawn(1))) < 90
    assert {*drawn(1)} == {"", "reset@5", "overloaded@3"}


@pytest.mark.parametrize("name", NAMES)
def test_fault_is_written_as_it_is_read(name: str) -> None:
    fault = fault_of(f"{name}@2=1.5")
    assert fault is not None
    assert fault_of(str(fault)) == fault
    assert fault.before == (name in BEFORE)


async def test_connection_serves_one_request_after_the_other() -> None:
    body = json.dumps(request()).encode()
    head = ["POST /v1/messages HTTP/1.1", f"content-length: {len(body)}"]
    head += [f"{name}: {value}" for name, value in HEADERS.items()]
    async with fast() as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        for _ in range(3):
            writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + body)
            answer = (await reader.readuntil(b"\r\n\r\n")).decode()
            size = int(answer.partition("content-length: ")[2].split()[0])
            await reader.readexactly(size)
        writer.close()
    assert len(server.log) == 3


async def test_what_is_not_http_is_hung_up_on() -> None:
    async with fast() as server:
        for nonsense in (b"hello\r\n\r\n", b"x" * 100_000):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(nonsense)
            assert await reader.read() == b""
            writer.close()
        assert (await ask(server)).status == 200
