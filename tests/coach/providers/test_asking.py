"""A call as a request: stable parts first, nothing in it that a model of today refuses."""

from __future__ import annotations

import json

import pytest

from coach.engine.errors import PromptError
from coach.engine.prompt import Stability
from coach.providers.asking import ADDED_TOKENS, Asked, ask
from coach.providers.catalogue import MODELS, own_model
from coach.providers.port import Call, Part, Role
from coach.providers.servers import SERVERS

SONNET = MODELS["claude-sonnet-5-5"]
SCHEMA = {"type": "object", "properties": {"word": {"type": "string"}}}


def part(
    role: Role, text: str, breakpoint_: str | None = None, stability: Stability = Stability.CALL
) -> Part:
    return Part(name=text[:20], role=role, text=text, stability=stability, breakpoint=breakpoint_)


def call(*parts: Part, **more) -> Call:
    return Call(purpose="reply", tier="medium", parts=parts, **more)


def asked(*parts: Part, model=SONNET, server: str = "anthropic", schema=None, **more) -> Asked:
    return ask(call(*parts, **more), model, SERVERS[server], schema)


def test_ask_joins_parts_of_one_role_in_a_row_into_one_message():
    body = asked(
        part("system", "be short"), part("system", "the lesson"), part("user", "one"), part("user", "two"),
        part("assistant", "three"), part("user", "four"),
    ).body  # fmt: skip
    assert [block["text"] for block in body["system"]] == ["be short", "the lesson"]
    assert [(m["role"], [b["text"] for b in m["content"]]) for m in body["messages"]] == [
        ("user", ["one", "two"]),
        ("assistant", ["three"]),
        ("user", ["four"]),
    ]


def test_ask_marks_the_parts_that_have_a_breakpoint():
    body = asked(part("system", "a", "1h"), part("system", "b"), part("user", "c", "5m")).body
    assert body["system"][0]["cache_control"] == {"type": "ephemeral", "ttl": "1h"}
    assert "cache_control" not in body["system"][1]
    assert body["messages"][0]["content"][0]["cache_control"] == {"type": "ephemeral", "ttl": "5m"}


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.id)
def test_ask_leaves_out_what_models_of_today_refuse(model):
    body = asked(part("user", "hello"), model=model).body
    assert not {"temperature", "top_p", "top_k", "tool_choice", "tools"} & set(body)


@pytest.mark.parametrize(
    ("model", "thinking"),
    [
        ("claude-haiku-5-5", {"type": "disabled"}),
        ("claude-sonnet-5-5", {"type": "between_tools"}),
        ("claude-opus-5-5", {"type": "adaptive", "display": "summarized"}),
    ],
)
def test_ask_thinks_the_least_that_the_model_can(model: str, thinking):
    body = asked(part("user", "hello"), model=MODELS[model]).body
    assert body.get("thinking") == thinking
    assert body["output_config"]["effort"] == MODELS[model].effort


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [part("system", "only rules")],
        [part("user", "hello"), part("assistant", "Sure, here")],
        [part("user", "hello"), part("system", "late rules"), part("user", "again")],
        [part("system", "a", "5m"), part("user", "b", "1h")],
        [part("system", "a", "2h"), part("user", "b")],
        [*(part("system", str(n), "5m") for n in range(5)), part("user", "b")],
    ],
    ids=[
        "nothing",
        "only system",
        "prefill",
        "late system",
        "longer behind",
        "unknown lifetime",
        "five marks",
    ],
)
def test_ask_refuses_a_prompt_that_no_server_takes(parts: list[Part]):
    with pytest.raises(PromptError):
        asked(*parts)


def test_ask_a_call_without_output_warms_the_same_prefix_that_a_real_call_reads():
    rules = part("system", "rules", "1h", Stability.FIXED)
    warm, real = asked(rules, max_output_tokens=0), asked(rules, part("user", "why?"))
    assert warm.warming
    assert not real.warming
    assert warm.body["max_tokens"] == 0
    assert warm.body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "."}]}]
    assert warm.body["system"] == real.body["system"]
    assert (warm.body["thinking"], warm.body["output_config"]) == (
        real.body["thinking"],
        real.body["output_config"],
    )
    assert warm.shape.fingerprints[0] == real.shape.fingerprints[0]


def test_ask_a_call_without_output_needs_a_breakpoint():
    with pytest.raises(PromptError, match="breakpoint"):
        asked(part("system", "rules"), max_output_tokens=0)


def test_ask_a_call_without_output_asks_for_no_format():
    body = asked(part("system", "rules", "5m"), max_output_tokens=0, schema=SCHEMA).body
    assert "format" not in body["output_config"]


def test_ask_with_a_schema_asks_for_that_format():
    body = asked(part("user", "hello"), schema=SCHEMA).body
    assert body["output_config"]["format"] == {"type": "json_schema", "schema": SCHEMA}


def test_ask_a_server_without_formats_has_the_schema_in_the_prompt():
    own = own_model("qwen3-coder", "medium", 8192)
    body = asked(part("user", "hello"), model=own, server="ollama", schema=SCHEMA).body
    assert "output_config" not in body
    assert json.dumps(SCHEMA, sort_keys=True) in body["messages"][-1]["content"][-1]["text"]


def test_ask_a_server_of_ones_own_gets_nothing_newer():
    own = own_model("qwen3-coder", "medium", 8192)
    body = asked(part("system", "a", "1h"), part("user", "b"), model=own, server="ollama", turn="t1").body
    assert set(body) == {"model", "max_tokens", "messages", "system"}
    assert body["system"] == [{"type": "text", "text": "a"}]


def test_ask_names_the_turn_and_nobody():
    assert asked(part("user", "hello"), turn="t-123").body["metadata"] == {"user_id": "t-123"}


def test_ask_leaves_out_empty_parts_and_mends_half_characters():
    body = asked(part("system", "  "), part("user", ""), part("user", "a\ud800b")).body
    assert "system" not in body
    assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "a?b"}]}]
    json.dumps(body, ensure_ascii=False).encode()


def test_ask_never_wants_more_output_than_the_model_has():
    assert asked(part("user", "hello"), max_output_tokens=10**9).body["max_tokens"] == SONNET.output_tokens


def test_shape_a_schema_ends_every_prefix_and_another_model_setting_those_of_the_messages():
    parts = (part("system", "rules"), part("user", "why?"))
    plain, formatted = asked(*parts).shape, asked(*parts, schema=SCHEMA).shape
    assert plain.fingerprints[0] != formatted.fingerprints[0]
    haiku = asked(*parts, model=MODELS["claude-haiku-5-5"]).shape
    assert plain.fingerprints[0] == haiku.fingerprints[0]
    assert plain.fingerprints[1] != haiku.fingerprints[1]


def test_shape_bounds_what_a_learner_writes_more_warily_than_what_is_ours():
    words, odd = part("user", "why is it slow " * 10), part("user", "#!{}[]1234" * 15)
    ours = part("user", "why is it slow " * 10, stability=Stability.FIXED)
    assert [asked(each).shape.most_tokens - ADDED_TOKENS - len("null") for each in (ours, words, odd)] == [
        61,
        76,
        151,
    ]


def test_shape_bounds_other_letters_by_their_bytes():
    rules, question = part("system", "x" * 1000, stability=Stability.FIXED), part("user", "é" * 100)
    alone, both = asked(part("user", "?")).shape.most_tokens, asked(rules, question).shape.most_tokens
    assert both - alone == 401 + 200 - 1


def test_shape_bounds_a_schema_too():
    question = part("user", "why?")
    plain, formatted = asked(question).shape, asked(question, schema=SCHEMA).shape
    assert formatted.most_tokens - plain.most_tokens > len(json.dumps(SCHEMA))
