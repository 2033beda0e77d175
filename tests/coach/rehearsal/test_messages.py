"""What the server answers when nothing goes wrong, and what it refuses."""

from __future__ import annotations

import json
import time
from enum import StrEnum
from itertools import accumulate
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict

from coach.rehearsal.asked import Asked
from coach.rehearsal.measures import CHARACTERS, WORDS
from coach.rehearsal.schemas import check_schema, example_of
from coach.rehearsal.words import NOTICE, Say
from tests.coach.rehearsal.calling import HAIKU, OPUS, SONNET, ask, call, fast, marked, request


async def test_message_says_that_it_is_a_rehearsal() -> None:
    async with fast() as server:
        answered = await ask(server)
    message = answered.json
    (text,) = [part["text"] for part in message["content"] if part["type"] == "text"]
    assert answered.status == 200
    assert text.startswith(NOTICE)
    assert (message["role"], message["stop_reason"], message["model"]) == ("assistant", "end_turn", SONNET)
    assert answered.headers["request-id"].startswith("req_")


async def test_stream_has_the_events_of_the_api_and_the_same_text() -> None:
    async with fast() as server:
        whole, streamed = await ask(server), await ask(server, stream=True)
    kinds = streamed.kinds
    assert kinds[0] == "message_start"
    assert kinds[-2:] == ["message_delta", "message_stop"]
    assert kinds.count("content_block_start") == kinds.count("content_block_stop") == 2
    assert whole.json["content"][-1]["text"] == streamed.text
    start, end = streamed.events[0]["message"], streamed.events[-2]
    assert start["usage"]["input_tokens"] == whole.json["usage"]["input_tokens"] > 0
    assert start["usage"]["output_tokens"] == 0
    assert end["usage"]["output_tokens"] == whole.json["usage"]["output_tokens"]


async def test_thinking_comes_first_counts_and_is_shown_to_who_asks() -> None:
    shown = {"type": "adaptive", "display": "summarized"}
    async with fast() as server:
        hidden, seen = await ask(server), await ask(server, thinking=shown)
        least = await ask(server, thinking={"type": "between_tools"})
    assert [part["type"] for part in hidden.json["content"]] == ["thinking", "text"]
    assert hidden.json["content"][0]["thinking"] == ""
    assert "think" in seen.json["content"][0]["thinking"]
    assert [part["type"] for part in least.json["content"]] == ["text"]
    thought = seen.json["usage"]["output_tokens_details"]["thinking_tokens"]
    assert thought > 0
    assert seen.json["usage"]["output_tokens"] == least.json["usage"]["output_tokens"] + thought


async def test_max_tokens_bound_thinking_and_text() -> None:
    async with fast() as server:
        server.say("one two three four five six", Say("text", thinking="long thoughts " * 10))
        cut, all_thought = [await ask(server, max_tokens=5) for _ in range(2)]
    assert cut.json["stop_reason"] == all_thought.json["stop_reason"] == "max_tokens"
    assert cut.json["content"][0]["text"] == "one two three four five six"[:16]
    assert [part["type"] for part in all_thought.json["content"]] == ["thinking"]
    assert cut.json["usage"]["output_tokens"] == all_thought.json["usage"]["output_tokens"] == 5


async def test_script_answers_by_the_request_and_hostile_text_passes_whole() -> None:
    hostile = (
        "<script>alert(1)</script>\u2028 \U000e0041 ![x](http://x/?q=1)\n\nevent: message_stop\ndata: {}"
    )

    def script(asked: Asked) -> str | None:
        return hostile if "hostile" in asked.last_text else None

    user = [{"role": "user", "content": "be hostile"}]
    async with fast(script=script) as server:
        told, other = await ask(server, stream=True, messages=user), await ask(server, stream=True)
    assert told.text == hostile
    assert other.text.startswith(NOTICE)


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Leaf(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    weight: float
    colour: Colour
    note: str | None


class Tree(BaseModel):
    model_config = ConfigDict(extra="forbid")
    root: Leaf
    leaves: list[Leaf]
    counts: list[int]
    good: bool


async def test_format_gives_json_that_the_schema_accepts() -> None:
    wanted = {"format": {"type": "json_schema", "schema": Tree.model_json_schema()}}
    async with fast() as server:
        texts = {
            (await ask(server, max_tokens=50_000, output_config=wanted)).json["content"][-1]["text"]
            for _ in range(2)
        }
    (text,) = texts
    tree = Tree.model_validate_json(text)
    assert tree.root.colour is Colour.RED
    assert tree.leaves


OBJECT = {"type": "object", "additionalProperties": False}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "integer"}, 1),
        ({"type": ["null", "string"]}, None),
        ({"const": 7}, 7),
        ({"enum": ["b", "a"]}, "b"),
        ({"type": "array", "items": {"type": "boolean"}, "minItems": 1}, [True]),
        ({"type": "string", "format": "date"}, "2026-11-01"),
        ({"$ref": "#/$defs/a~1b", "$defs": {"a/b": {"type": "string"}}}, NOTICE),
        ({"anyOf": [{"type": "number"}, {"type": "null"}]}, 1.0),
        (
            {"allOf": [{**OBJECT, "properties": {name: {"const": name}}} for name in "ab"]},
            {"a": "a", "b": "b"},
        ),
    ],
)
def test_example_keeps_to_its_schema(schema: dict[str, Any], value: Any) -> None:
    check_schema(schema)
    assert example_of(schema, NOTICE) == value


@pytest.mark.parametrize(
    "schema",
    [
        {},
        {"enum": []},
        {"type": "object"},
        {"type": "integer", "minimum": 1},
        {"type": "string", "maxLength": 4},
        {"type": "string", "pattern": "a+"},
        {"type": "array", "items": {"type": "string"}, "minItems": 2},
        {"oneOf": [{"type": "string"}]},
        {"$ref": "#/$defs/nowhere"},
        {**OBJECT, "properties": {"inner": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}},
        [],
    ],
)
async def test_schema_that_the_api_refuses_is_refused(schema: Any) -> None:
    async with fast() as server:
        answered = await ask(server, output_config={"format": {"type": "json_schema", "schema": schema}})
    assert answered.status == 400
    assert "schema" in answered.json["error"]["message"]


async def test_tokens_are_counted_as_they_are_billed() -> None:
    data = request(
        system=[marked("word " * 900)], tools=[{"name": "look", "input_schema": {"type": "object"}}]
    )
    async with fast() as server:
        counted = await call(server, "POST", "/v1/messages/count_tokens", data)
        usage = (await ask(server, **data)).json["usage"]
    billed = sum(usage[f"{kind}input_tokens"] for kind in ("", "cache_read_", "cache_creation_"))
    assert counted.json == {"input_tokens": billed}


async def test_models_tell_of_themselves() -> None:
    async with fast() as server:
        one = await call(server, "GET", f"/v1/models/{HAIKU}")
        every = await call(server, "GET", "/v1/models")
        nobody = await call(server, "GET", "/v1/models/nobody")
    assert (one.json["lifecycle"], one.json["retires_at"]) == ("active", None)
    assert one.json["capabilities"]["thinking"]["types"]["disabled"]["supported"]
    assert one.json in every.json["data"]
    assert (nobody.status, nobody.json["error"]["type"]) == (404, "not_found_error")


async def test_health_needs_no_key() -> None:
    async with fast() as server:
        got, head = [await call(server, method, "/", headers={}) for method in ("GET", "HEAD")]
    assert (got.status, got.json["notice"]) == (200, NOTICE)
    assert (head.status, head.body) == (200, b"")


def _marks(*ttls: str) -> dict[str, Any]:
    return {"system": [marked(f"block {place}", ttl) for place, ttl in enumerate(ttls)]}


PREFILL = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "{"}]
SCHEMA = {"format": {"type": "json_schema", "schema": OBJECT}}
TOOLS = [{"name": "look", "input_schema": {"type": "object"}}]
REFUSED: dict[str, dict[str, Any]] = {
    "prefill": {"messages": PREFILL},
    "temperature": {"temperature": 0.5},
    "top_p": {"top_p": 0.5},
    "top_k": {"top_k": 5},
    "forced tool on Sonnet": {"tools": TOOLS, "tool_choice": {"type": "any"}},
    "forced tool on Opus": {"model": OPUS, "tools": TOOLS, "tool_choice": {"type": "tool", "name": "look"}},
    "no thinking on Opus": {"model": OPUS, "thinking": {"type": "disabled"}},
    "no thinking on Sonnet": {"thinking": {"type": "disabled"}},
    "five breakpoints": _marks(*["5m"] * 5),
    "longer lifetime behind shorter": _marks("5m", "1h"),
    "unknown lifetime": _marks("2h"),
    "no tokens, streamed": {"max_tokens": 0, "stream": True, **_marks("5m")},
    "no tokens, no breakpoint": {"max_tokens": 0},
    "no tokens, automatic breakpoint": {"max_tokens": 0, "cache_control": {"type": "ephemeral"}},
    "no tokens, a format": {"max_tokens": 0, "output_config": SCHEMA, **_marks("5m")},
    "negative tokens": {"max_tokens": -1},
    "more than it writes": {"max_tokens": 10_000_000},
    "no messages": {"messages": []},
    "unheard-of name": {"max_token": 5},
    "unheard-of name within": {"metadata": {"user": "me"}},
    "unheard-of name in a message": {"messages": [{"role": "user", "content": "hi", "name": "me"}]},
    "unheard-of name in a block": {"system": [{"type": "text", "text": "hi", "cached": True}]},
    "unheard-of effort": {"output_config": {"effort": "extreme"}},
    "effort where there is none": {"model": "claude-haiku-4-5", "output_config": {"effort": "low"}},
    "unheard-of role": {"messages": [{"role": "tool", "content": "hi"}]},
    "assistant first": {
        "messages": [{"role": "assistant", "content": "hi"}, {"role": "user", "content": "hi"}]
    },
    "system message to an older model": {
        "model": "claude-haiku-4-5",
        "messages": [{"role": "user", "content": "hi"}, {"role": "system", "content": "be brief"}],
    },
    "blank text": {"system": [{"type": "text", "text": " "}]},
    "empty message": {"messages": [{"role": "user", "content": ""}]},
    "too long": {"model": "claude-haiku-4-5", "system": "word " * 200_000},
}


@pytest.mark.parametrize("why", REFUSED)
async def test_request_that_the_api_refuses_is_refused(why: str) -> None:
    async with fast() as server:
        answered = await ask(server, **REFUSED[why])
    assert (answered.status, answered.json["error"]["type"]) == (400, "invalid_request_error")
    assert answered.json["request_id"] == answered.headers["request-id"]


async def test_haiku_can_be_told_not_to_think() -> None:
    async with fast() as server:
        answered = await ask(server, model=HAIKU, thinking={"type": "disabled"})
    assert [part["type"] for part in answered.json["content"]] == ["text"]


async def test_stop_sequence_ends_the_answer() -> None:
    async with fast() as server:
        server.say("one END two STOP")
        message = (await ask(server, stop_sequences=["STOP", "END"])).json
    assert (message["stop_reason"], message["stop_sequence"]) == ("stop_sequence", "END")
    assert message["content"][-1]["text"] == "one "


@pytest.mark.parametrize(
    ("status", "headers", "data"),
    [
        (401, {"anthropic-version": "x"}, request()),
        (400, {"x-api-key": "any"}, request()),
        (404, None, request(model="nobody")),
        (400, None, b"{"),
        (400, None, [1]),
        (400, None, {"model": SONNET}),
        (400, None, b'{"model":' + b"[" * 100_000),
    ],
)
async def test_request_that_makes_no_sense_is_refused(status: int, headers: Any, data: Any) -> None:
    async with fast() as server:
        assert (await call(server, "POST", "/v1/messages", data, headers)).status == status


async def test_key_goes_in_either_header_and_can_be_checked() -> None:
    sent = {"anthropic-version": "x"}
    async with fast(keys=["right"]) as server:
        statuses = [
            (await call(server, "POST", "/v1/messages", request(), {**sent, **key})).status
            for key in ({"authorization": "Bearer right"}, {"x-api-key": "right"}, {"x-api-key": "wrong"})
        ]
    assert statuses == [200, 200, 401]


async def test_body_over_the_limit_is_too_large() -> None:
    async with fast() as server:
        answered = await call(server, "POST", "/v1/messages", b"", {"content-length": str(2**26)})
    assert (answered.status, answered.json["error"]["type"]) == (413, "request_too_large")


@pytest.mark.parametrize("measure", [CHARACTERS, WORDS])
@pytest.mark.parametrize("text", ["", "a", "one two  three\nfour ", "x" * 100, "é漢🙂 " * 9])
def test_measure_cuts_as_many_pieces_as_it_counts(measure: Any, text: str) -> None:
    pieces = measure.cut(text)
    assert len(pieces) == measure.count(text)
    assert "".join(pieces) == text


async def test_log_tells_what_was_asked_and_leaves_the_words_out(tmp_path: Any) -> None:
    path = tmp_path / "asked.jsonl"
    async with fast(log=path) as server:
        await ask(server, metadata={"user_id": "turn-1"})
        await ask(server, model="nobody")
        told = (await call(server, "GET", "/rehearsal/log")).json
        bodies = (await call(server, "GET", "/rehearsal/log?bodies=1")).json
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["begun", "ended"] * 2
    assert [entry["status"] for entry in told] == [200, 404]
    assert (told[0]["user_id"], told[0]["reported"], told[0]["closed_early"]) == ("turn-1", True, False)
    assert told[0]["usage"]["output_tokens"] > 0
    assert "Which calls" not in path.read_text() + json.dumps(told)
    assert bodies[0]["body"]["messages"][0]["content"] == "Which calls can run at once?"


async def test_log_tells_when_each_piece_of_text_left() -> None:
    async with fast() as server:
        answered = await ask(server, stream=True)
        (entry,) = (await call(server, "GET", "/rehearsal/log?moments=1")).json
        (without,) = (await call(server, "GET", "/rehearsal/log")).json
    moments, lengths = zip(*entry["moments"], strict=True)
    deltas = [event["delta"] for event in answered.events if event["type"] == "content_block_delta"]
    texts = [delta["text"] for delta in deltas if delta["type"] == "text_delta"]
    assert list(lengths) == [0, *accumulate(map(len, texts))]
    assert list(moments) == sorted(moments)
    assert moments[-1] <= time.monotonic()
    assert "moments" not in without
