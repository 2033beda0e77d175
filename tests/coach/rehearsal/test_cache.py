"""The server's cache is the engine's, under the rules of the model that is asked for."""

from __future__ import annotations

import asyncio
from typing import Any

from coach.rehearsal.measures import WORDS
from coach.rehearsal.provider import Provider
from coach.rehearsal.scripts import word_orders
from coach.rehearsal.server import Rehearsal
from tests.coach.rehearsal.calling import FAST, HAIKU, SONNET, Answered, ask, marked


class Clock:
    """Stands still until it is put forward."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds / FAST


def counting_words(scale: float = FAST, **more: Any) -> Rehearsal:
    """A word is a token, "[[3]]" orders three."""
    provider = Provider(scale=scale, measure=WORDS, delta_tokens=0, **more)
    return Rehearsal(provider=provider, script=word_orders)


def words(number: int, *, writes: int = 3, ttl: str | None = None, **more: Any) -> dict[str, Any]:
    messages = [{"role": "user", "content": f"question [[{writes}]]"}]
    return {"system": [marked("w " * number, ttl)], "messages": messages, "max_tokens": 50, **more}


def usage(answered: Answered) -> tuple[int, int, int, int]:
    """Read, written, fresh, output."""
    found = answered.json["usage"]
    return (
        found["cache_read_input_tokens"],
        found["cache_creation_input_tokens"],
        found["input_tokens"],
        found["output_tokens"],
    )


async def test_prefix_is_written_once_and_read_afterwards() -> None:
    async with counting_words(clock=Clock()) as server:
        first, second = [await ask(server, **words(600)) for _ in range(2)]
    assert usage(first) == (0, 600, 2, 3)
    assert usage(second) == (600, 0, 2, 3)


async def test_prefix_below_the_minimum_is_neither_written_nor_spoken_of() -> None:
    async with counting_words(clock=Clock()) as server:
        for _ in range(2):
            assert usage(await ask(server, **words(500))) == (0, 0, 502, 3)


async def test_lifetimes_are_told_apart() -> None:
    async with counting_words(clock=Clock()) as server:
        answered = await ask(server, system=[marked("w " * 600, "1h"), marked("v " * 100)])
    written = answered.json["usage"]["cache_creation"]
    assert written == {"ephemeral_1h_input_tokens": 600, "ephemeral_5m_input_tokens": 100}


async def read_after(seconds: float, ttl: str | None) -> int:
    """Tokens that a call finds so long after the start of the only one before it."""
    clock = Clock()
    async with counting_words(clock=clock) as server:
        await ask(server, **words(600, ttl=ttl))
        clock.seconds += seconds
        return usage(await ask(server, **words(600, ttl=ttl)))[0]


async def test_entry_lives_for_as_long_as_it_was_asked_to() -> None:
    assert await read_after(299, None) == 600
    assert await read_after(301, None) == 0
    assert await read_after(3599, "1h") == 600
    assert await read_after(3601, "1h") == 0


async def test_call_that_writes_nothing_fills_the_cache_and_bills_no_output() -> None:
    async with counting_words(clock=Clock()) as server:
        warmed = await ask(server, **words(600, max_tokens=0))
        assert usage(warmed) == (0, 600, 2, 0)
        assert (warmed.json["content"], warmed.json["stop_reason"]) == ([], "max_tokens")
        assert usage(await ask(server, **words(600)))[0] == 600


async def test_thirty_cold_calls_at_once_pay_thirty_writes() -> None:
    async with counting_words(scale=0.25) as server:
        answers = await asyncio.gather(*(ask(server, **words(600, writes=1)) for _ in range(30)))
    assert [usage(each)[:2] for each in answers] == [(0, 600)] * 30


async def test_calls_released_by_the_first_token_of_one_read() -> None:
    async with counting_words(scale=4.0) as server:
        primed = asyncio.create_task(ask(server, **words(600, writes=200, max_tokens=200, stream=True)))
        while not any(entry.usage for entry in server.log):
            await asyncio.sleep(0.005)
        answers = await asyncio.gather(*(ask(server, **words(600)) for _ in range(30)))
        await primed
    assert [usage(each)[:2] for each in answers] == [(600, 0)] * 30


async def test_another_model_reads_nothing() -> None:
    async with counting_words(clock=Clock()) as server:
        await ask(server, **words(600, model=SONNET))
        assert usage(await ask(server, **words(600, model=HAIKU)))[:2] == (0, 600)


def conversation(**more: Any) -> dict[str, Any]:
    """Breakpoints behind the system prompt and behind the conversation."""
    return {
        "system": [marked("s " * 600)],
        "messages": [{"role": "user", "content": [marked("m " * 400)]}],
        "thinking": {"type": "adaptive"},
        **more,
    }


SCHEMA = {"type": "json_schema", "schema": {"type": "object", "additionalProperties": False}}


async def test_change_of_settings_kills_what_the_rules_say() -> None:
    after = {
        "nothing": (conversation(), 1000),
        "thinking": (conversation(thinking={"type": "between_tools"}), 600),
        "effort": (conversation(output_config={"effort": "low"}), 600),
        "tool choice": (conversation(tool_choice={"type": "none"}), 600),
        "format": (conversation(output_config={"format": SCHEMA}), 0),
        "tools": (conversation(tools=[{"name": "look", "input_schema": {}}]), 0),
    }
    async with counting_words(clock=Clock()) as server:
        await ask(server, **conversation())
        read = {what: usage(await ask(server, **data))[0] for what, (data, _) in after.items()}
    assert read == {what: tokens for what, (_, tokens) in after.items()}


async def test_default_effort_and_thinking_are_no_change() -> None:
    async with counting_words(clock=Clock()) as server:
        await ask(server, **conversation())
        same = {**conversation(output_config={"effort": "high"})}
        del same["thinking"]
        assert usage(await ask(server, **same))[0] == 1000


async def test_conversation_that_goes_on_is_read_to_where_it_was() -> None:
    async with counting_words(clock=Clock()) as server:
        await ask(server, **conversation())
        turns = [{"role": "assistant", "content": "w w"}, {"role": "user", "content": [marked("n n n")]}]
        longer = conversation(messages=[*conversation()["messages"], *turns])
        assert usage(await ask(server, **longer))[:3] == (1000, 5, 0)


async def test_instructions_in_mid_conversation_leave_what_stands_before_them() -> None:
    async with counting_words(clock=Clock()) as server:
        await ask(server, **conversation())
        told = {"role": "system", "content": "be brief"}
        longer = conversation(messages=[*conversation()["messages"], told])
        assert usage(await ask(server, **longer))[:3] == (1000, 0, 2)


async def test_automatic_breakpoint_stands_at_the_end() -> None:
    data: dict[str, Any] = {"system": "w " * 600, "cache_control": {"type": "ephemeral"}}
    async with counting_words(clock=Clock()) as server:
        first, second = [await ask(server, **data) for _ in range(2)]
    assert usage(first)[1] == usage(second)[0] == 606


async def test_diagnostics_name_what_changed() -> None:
    tools = [{"name": "look", "input_schema": {}}]
    asked: dict[str | None, dict[str, Any]] = {
        None: conversation(),
        "model_changed": conversation(model=HAIKU),
        "tools_changed": conversation(tools=tools),
        "system_changed": conversation(system=[marked("t " * 600)]),
        "messages_changed": conversation(messages=[{"role": "user", "content": "else"}]),
        "unavailable": conversation(output_config={"effort": "low"}),
    }
    async with counting_words(clock=Clock()) as server:
        first = (await ask(server, **conversation(diagnostics={"previous_message_id": None}))).json
        found = {}
        for reason, data in asked.items():
            told = await ask(server, **data, diagnostics={"previous_message_id": first["id"]})
            found[reason] = (told.json["diagnostics"] or {}).get("cache_miss_reason", {}).get("type")
        lost = await ask(server, **conversation(diagnostics={"previous_message_id": "msg_nobody"}))
    assert first["diagnostics"] is None
    assert found == {reason: reason for reason in asked}
    assert lost.json["diagnostics"]["cache_miss_reason"]["type"] == "previous_message_not_found"
