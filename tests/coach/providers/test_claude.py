"""The provider against a real server on the loopback, through the real SDK: answers, books, cache."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Literal

import pytest
from pydantic import BaseModel

from coach.engine.errors import PromptError
from coach.engine.inputs import deadline
from coach.engine.prompt import Stability
from coach.providers.catalogue import MODELS, own_model
from coach.providers.claude import Claude
from coach.providers.port import OverLimit, Part, Settled
from coach.rehearsal.server import Rehearsal
from coach.rehearsal.words import Say
from tests.coach.providers.asking import KEY, Told, Wallet, hear, installation, provider, question


class Verdict(BaseModel):
    """What a classifier says."""

    kind: Literal["ask", "tell"]
    sure: bool


async def test_claude_streams_the_answer_and_books_what_it_took(claude, server, wallet):
    server.say("Look at the longest chain first.")
    told = await hear(claude, question(), wallet)
    assert told.text == "Look at the longest chain first."
    assert len(told.pieces) > 1
    end, entry = told.end, server.log[0]
    assert (end.stop, end.model, len(end.attempts)) == ("done", "claude-sonnet-5-5", 1)
    assert (
        end.usage.tokens_fresh,
        end.usage.tokens_written,
        end.usage.tokens_read,
        end.usage.tokens_output,
    ) == (
        entry.usage["input_tokens"],
        entry.usage["cache_creation_input_tokens"],
        entry.usage["cache_read_input_tokens"],
        entry.usage["output_tokens"],
    )
    assert end.usage.cost_usd == pytest.approx(
        (end.usage.tokens_fresh * 2 + end.usage.tokens_written * 2.5 + end.usage.tokens_output * 10) / 1e6
    )


async def test_claude_has_every_request_on_record_before_it_leaves(claude, server, wallet):
    await hear(claude, question(), wallet)
    reserved, settled = wallet.reserved[0], wallet.settled[0]
    assert (reserved.purpose, reserved.turn, reserved.model, reserved.number) == (
        "reply",
        "turn-1",
        "claude-sonnet-5-5",
        1,
    )
    assert reserved.worst_usd >= settled.usage.cost_usd > 0
    assert (settled.outcome, settled.estimated, settled.request_id) == (
        "done",
        False,
        server.log[0].request_id,
    )


async def test_claude_sends_nothing_that_nobody_pays_for(claude, server):
    with pytest.raises(OverLimit):
        await hear(claude, question(), Wallet(limit=0))
    assert server.log == []


async def test_claude_a_second_attempt_is_reserved_too(claude, server):
    server.fail("overloaded")
    wallet = Wallet(limit=1)
    with pytest.raises(OverLimit):
        await hear(claude, question(), wallet)
    assert len(server.log) == 1
    assert wallet.outcomes == ["overloaded"]


async def test_claude_expects_of_the_cache_what_the_service_reports(claude, server, wallet):
    for text in ("Why is it slow?", "And the cache?", "What would you change?"):
        end = (await hear(claude, question(text), wallet)).end
        assert end.expected.tokens_read == pytest.approx(end.usage.tokens_read, abs=2)
        assert end.expected.tokens_written == pytest.approx(end.usage.tokens_written, abs=2)
        assert end.expected.tokens_fresh == pytest.approx(end.usage.tokens_fresh, abs=2)
    assert wallet.settled[0].usage.tokens_written > 0
    assert wallet.settled[2].usage.tokens_read > 0
    assert wallet.settled[2].usage.cost_usd < wallet.settled[0].usage.cost_usd


async def test_claude_asks_why_less_was_read_and_keeps_the_answer_only_then(claude, server, wallet):
    first = await hear(claude, question("Why?"), wallet)
    second = await hear(claude, question("How?"), wallet)
    assert [entry.body["diagnostics"]["previous_message_id"] for entry in server.log] == [
        None,
        server.log[0].message_id,
    ]
    assert (first.end.miss_reason, second.end.miss_reason) == ("", "")
    server.provider._caches.clear()
    assert (await hear(claude, question("When?"), wallet)).end.miss_reason == "messages_changed"


async def test_claude_warms_the_cache_without_an_answer(claude, server, wallet):
    told = await hear(claude, question(max_output_tokens=0, purpose="warm"), wallet)
    assert (told.pieces, told.end.stop, told.end.usage.tokens_output) == ([], "done", 0)
    assert (server.log[0].stream, server.log[0].max_tokens) == (False, 0)
    end = (await hear(claude, question("How?"), wallet)).end
    assert end.usage.tokens_read == told.end.usage.tokens_written
    assert end.expected.tokens_read == pytest.approx(end.usage.tokens_read, abs=2)
    assert wallet.outcomes == ["done", "done"]


async def test_claude_gives_data_where_a_schema_asks_for_it(claude, server, wallet):
    server.say('{"kind": "TELL", "sure": true}')
    told = await hear(claude, question(schema=Verdict), wallet)
    assert told.pieces == []
    assert told.end.data == Verdict(kind="tell", sure=True)
    asked = server.log[0].body["output_config"]["format"]
    assert asked["type"] == "json_schema"
    assert asked["schema"]["additionalProperties"] is False


@pytest.mark.parametrize(
    "text", ['{"kind": "tell", "su', '{"kind": "shout", "sure": true}', "No.", "[" * 5000]
)
async def test_claude_gives_no_data_where_the_answer_is_not_of_the_shape(claude, server, wallet, text: str):
    server.say(text)
    end = (await hear(claude, question(schema=Verdict, max_output_tokens=4000), wallet)).end
    assert (end.stop, end.data) == ("done", None)


@pytest.mark.parametrize(("fault", "stop"), [("refusal@0", "refused"), ("max_tokens@9", "truncated")])
async def test_claude_gives_no_data_of_a_refusal_or_a_cut_answer(
    claude, server, wallet, fault: str, stop: str
):
    server.say('{"kind": "tell", "sure": true}')
    server.fail(fault)
    end = (await hear(claude, question(schema=Verdict), wallet)).end
    assert (end.stop, end.data) == (stop, None)
    assert end.usage.tokens_fresh > 0


async def test_claude_tries_again_in_the_middle_of_data_because_nothing_was_shown(claude, server, wallet):
    server.say('{"kind": "tell", "sure": true}', '{"kind": "ask", "sure": true}')
    server.fail("reset@1")
    end = (await hear(claude, question(schema=Verdict), wallet)).end
    assert end.data == Verdict(kind="ask", sure=True)
    assert wallet.outcomes == ["interrupted", "done"]


@pytest.fixture
async def thinker(server: Rehearsal) -> AsyncIterator[Claude]:
    """An installation that lets a model write which always thinks."""
    made = provider(server.url, medium=MODELS["claude-opus-5-5"])
    yield made
    await made.close()


async def test_claude_counts_thinking_and_shows_none(thinker, server, wallet):
    server.say(Say("Look at the chain.", thinking="They are stuck on the order. " * 3))
    told = await hear(thinker, question(), wallet)
    assert told.text == "Look at the chain."
    assert told.end.usage.tokens_output == server.log[0].usage["output_tokens"]


async def test_claude_thinking_is_progress(thinker, server, wallet):
    server.provider.scale = 1
    server.say(Say("Look at the chain.", thinking="They are stuck on the order. " * 24))
    told = await hear(thinker, question(first_seconds=2.0, progress_seconds=2.0), wallet)
    assert told.end.stop == "done"


async def test_claude_a_purse_that_breaks_takes_no_answer_away(claude, server, wallet, caplog):
    class Torn(Wallet):
        async def settle(self, ticket: int, settled: Settled) -> None:
            raise OSError("the store is gone")

    told = await hear(claude, question(), Torn())
    assert told.end.stop == "done"
    assert "OSError" in caplog.text


async def test_claude_names_the_turn_and_nobody(claude, server, wallet):
    await hear(claude, question(turn="t-77"), wallet)
    assert server.log[0].user_id == "t-77"


async def test_claude_cancelled_closes_the_connection_and_books_an_estimate(claude, server, wallet):
    server.say("word " * 400)
    server.fail("stall@5")
    heard = asyncio.Event()

    async def listen() -> None:
        async for _ in claude.stream(question(), wallet):
            heard.set()

    task = asyncio.create_task(listen())
    await heard.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: server.log[0].closed_early)
    settled = wallet.settled[0]
    assert (settled.outcome, settled.estimated) == ("cancelled", True)
    assert settled.usage.tokens_written == server.log[0].usage["cache_creation_input_tokens"]
    assert 0 < settled.usage.tokens_output <= server.log[0].usage["output_tokens"] + 1


async def test_claude_left_in_the_middle_is_settled_and_closed(claude, server, wallet):
    server.fail("stall@2")
    pieces = claude.stream(question(), wallet)
    await anext(pieces)
    await pieces.aclose()
    await until(lambda: server.log[0].closed_early)
    assert wallet.outcomes == ["cancelled"]


@pytest.mark.parametrize("moment", range(12))
async def test_claude_cancelled_at_any_moment_leaves_no_reservation_open(server, moment: int):
    claude, wallet = provider(server.url), Wallet(slow_seconds=0.004)
    await hear(claude, question(), Wallet())
    task = asyncio.create_task(hear(claude, question(), wallet))
    await asyncio.sleep(0.002 * moment)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert wallet.balanced()
    await claude.close()


async def test_claude_cancelled_before_anything_was_sent_books_nothing(claude, server):
    wallet = Wallet(slow_seconds=0.02)
    task = asyncio.create_task(hear(claude, question(), wallet))
    await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert server.log == []
    assert wallet.settled[0].outcome == "cancelled"
    assert (wallet.settled[0].usage.cost_usd, wallet.settled[0].estimated) == (0, False)


async def test_claude_uses_its_connection_again(claude, server, wallet):
    for _ in range(3):
        await hear(claude, question(), wallet)
    assert len(server._talks) == 1


def test_claude_has_a_client_of_its_own_for_each_loop():
    told: list[Told] = []

    async def one(claude: Claude) -> None:
        told.append(await hear(claude, question(), Wallet()))
        await claude.close()

    def serve(ready: threading.Event, done: threading.Event, where: list[str]) -> None:
        async def main() -> None:
            async with Rehearsal(scale=200) as server:
                where.append(server.url)
                ready.set()
                while not done.is_set():
                    await asyncio.sleep(0.01)

        asyncio.run(main())

    ready, done = threading.Event(), threading.Event()
    where: list[str] = []
    thread = threading.Thread(target=serve, args=(ready, done, where))
    thread.start()
    ready.wait()
    claude = provider(where[0])
    for _ in range(3):
        asyncio.run(one(claude))
    done.set()
    thread.join()
    assert [len(each.end.attempts) for each in told] == [1, 1, 1]


async def test_claude_a_prompt_that_no_server_takes_is_never_reserved(claude, server, wallet):
    parts = (Part(name="a", role="assistant", text="Sure:", stability=Stability.CALL),)
    with pytest.raises(PromptError):
        await hear(claude, question(parts=parts), wallet)
    assert (wallet.reserved, server.log) == ([], [])


async def test_claude_a_prompt_too_long_for_the_model_is_never_reserved(server, wallet):
    own = own_model("qwen3", "medium", 2000)
    claude = provider(server.url, kind="ollama", medium=own)
    told = await hear(claude, question("x" * 10_000), wallet)
    assert told.reason == "too_long"
    assert (wallet.reserved, server.log) == ([], [])


async def test_claude_a_prompt_that_the_service_finds_too_long_is_told_so(server, wallet):
    claude = provider(server.url)
    parts = (Part(name="q", role="user", text="x " * 1_700_000, stability=Stability.CALL),)
    told = await hear(claude, question(parts=parts), wallet)
    assert (told.reason, len(server.log)) == ("too_long", 1)
    assert wallet.settled[0].usage.cost_usd == 0


async def test_claude_warms_nothing_where_a_server_has_no_breakpoints(server, wallet):
    claude = provider(server.url, kind="ollama", medium=own_model("claude-sonnet-5-5", "medium", 8000))
    told = await hear(claude, question(max_output_tokens=0), wallet)
    assert (len(told.end.attempts), wallet.reserved, server.log) == (0, [], [])


async def test_claude_speaks_plainly_to_a_server_of_ones_own(wallet):
    async with Rehearsal(scale=200, keys=["none"]) as server:
        own = own_model("claude-sonnet-5-5", "medium", 8000)
        claude = provider(server.url, kind="ollama", key="", medium=own)
        server.say('Here you are:\n```json\n{"kind": "Ask", "sure": false}\n```')
        told = await hear(claude, question(schema=Verdict), wallet)
        await claude.close()
    assert told.end.data == Verdict(kind="ask", sure=False)
    assert set(server.log[0].body) == {"model", "max_tokens", "messages", "system", "stream"}
    assert "cache_control" not in str(server.log[0].body)
    assert told.end.usage.cost_usd == 0


async def test_claude_keeps_to_the_deadline_of_the_run_around_it(claude, server, wallet):
    server.fail("stall@1")
    await claude._clients.get()
    now = asyncio.get_running_loop().time
    token = deadline.set((now, now() + 0.3))
    async with asyncio.timeout(5):
        told = await hear(claude, question(), wallet)
    deadline.reset(token)
    assert told.reason == "stalled"


async def until(happened) -> None:
    """Waits for what another task does soon; a test that waits in vain fails by its time limit."""
    async with asyncio.timeout(5):
        while not happened():
            await asyncio.sleep(0.005)


def test_installation_in_tests_shows_no_key():
    assert KEY not in repr(installation("http://127.0.0.1:1"))
