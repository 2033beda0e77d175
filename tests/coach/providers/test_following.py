"""Learners who come at once: one writes the prefix that they share, the others read it."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from coach.engine.prompt import Stability
from coach.providers.claude import Claude
from coach.providers.port import Call, Part
from coach.rehearsal.ledger import Entry
from coach.rehearsal.provider import Provider
from coach.rehearsal.server import Rehearsal
from tests.coach.providers.asking import KEY, RULES, Told, Wallet, hear, installation, question
from tests.coach.providers.test_breaker import Hand

CLASS = 30
WORTH = 0.01
LESSON = "The longest path through the graph sets the time, whatever runs beside it. " * 80


def asked(number: int, *, lesson: str = LESSON, value: float = WORTH) -> Call:
    parts = (
        Part(name="rules", role="system", text=RULES * 3, stability=Stability.FIXED, breakpoint="5m"),
        Part(name="lesson", role="system", text=lesson, stability=Stability.SHARED, breakpoint="5m"),
        Part(name="question", role="user", text=f"Why {number}?", stability=Stability.CALL),
    )
    return question(parts=parts, turn=f"t{number}", value_of_second_usd=value)


def writes(log: list[Entry]) -> int:
    return sum(entry.usage.get("cache_creation_input_tokens", 0) > 0 for entry in log)


def reads(log: list[Entry]) -> int:
    return sum(entry.usage.get("cache_read_input_tokens", 0) > 0 for entry in log)


async def a_class(claude: Claude, wallet: Wallet, calls: list[Call]) -> list[Told]:
    return await asyncio.gather(*(hear(claude, call, wallet) for call in calls))


async def test_of_a_class_that_comes_at_once_one_writes_and_the_others_read(claude, server, wallet):
    told = await a_class(claude, wallet, [asked(n) for n in range(CLASS)])
    assert (writes(server.log), reads(server.log)) == (1, CLASS - 1)
    waited = [each.end.waited for each in told]
    assert waited.count(None) == 1
    assert all(each.seconds > 0 and "a second being worth $0.01" in each.reason for each in waited if each)
    assert wallet.outcomes == ["done"] * CLASS


async def test_of_a_class_the_one_that_writes_and_those_that_follow_are_told_why_they_wait(
    claude, server, wallet
):
    told: list[str] = []
    calls = [replace(asked(n), tell=told.append) for n in range(CLASS)]
    await a_class(claude, wallet, calls)
    assert sorted(told) == ["cold", *["filling"] * (CLASS - 1)]
    await a_class(claude, wallet, calls)
    assert len(told) == CLASS


async def test_of_a_server_without_a_cache_nothing_is_told(server, wallet):
    told: list[str] = []
    claude = Claude(installation(server.url, kind="vllm"))
    await a_class(claude, wallet, [replace(asked(n), tell=told.append) for n in range(3)])
    await claude.close()
    assert told == []


async def test_prefix_is_written_once_in_each_lifetime(wallet):
    clock = Hand()
    async with Rehearsal(provider=Provider(clock=clock.now), keys=[KEY]) as server:
        claude = Claude(installation(server.url), clock=clock)
        for lifetime in range(3):
            ticking = asyncio.create_task(tick(clock))
            await a_class(claude, wallet, [asked(n) for n in range(6)])
            ticking.cancel()
            assert writes(server.log) == lifetime + 1
            clock.seconds += 301.0
        await claude.close()
    assert reads(server.log) == 3 * 5


async def tick(clock: Hand) -> None:
    """Time passes, a hundred times as fast."""
    while True:
        await asyncio.sleep(0.005)
        clock.seconds += 0.5


async def test_warm_prefix_a_single_call_and_a_short_prefix_wait_for_nobody(claude, server, wallet):
    first = await hear(claude, asked(0), wallet)
    warm = await a_class(claude, wallet, [asked(n) for n in range(1, 9)])
    short = [
        question(
            parts=(Part(name="q", role="user", text=f"Why {n}?", stability=Stability.CALL, breakpoint="5m"),)
        )
        for n in range(8)
    ]
    told = [first, *warm, *await a_class(claude, wallet, short)]
    assert [each.end.waited for each in told] == [None] * 17


async def test_where_seconds_are_dear_all_go_at_once_and_say_why(claude, server, wallet):
    server.provider.gate.clear()
    calls = asyncio.create_task(a_class(claude, wallet, [asked(n, value=1.0) for n in range(4)]))
    while len(server.log) < 4:
        await asyncio.sleep(0.01)
    server.provider.gate.set()
    told = await calls
    assert writes(server.log) == 4
    waited = [each.end.waited for each in told if each.end.waited]
    assert [each.seconds for each in waited] == [0.0] * 3
    assert all("sent at once" in each.reason for each in waited)


@pytest.mark.parametrize("fault", ["overloaded", "connect_reset", "unauthorized"])
async def test_one_that_fails_is_followed_by_one_not_by_all(server, wallet, fault):
    claude = Claude(installation(server.url, attempts=1))
    server.fail(fault)
    told = await a_class(claude, wallet, [asked(n) for n in range(CLASS)])
    await claude.close()
    assert sum(each.error is not None for each in told) == 1
    assert (writes(server.log), reads(server.log)) == (1, CLASS - 2)


async def test_one_that_leaves_is_followed_by_one(claude, server, wallet):
    leader = asyncio.create_task(hear(claude, asked(0), wallet))
    while not wallet.reserved:
        await asyncio.sleep(0)
    rest = [asyncio.create_task(hear(claude, asked(n), wallet)) for n in range(1, 6)]
    await asyncio.sleep(0)
    leader.cancel()
    told = await asyncio.gather(*rest)
    assert all(each.end.stop == "done" for each in told)
    assert sum(each.end.usage.tokens_written > 0 for each in told) == 1
    assert wallet.balanced()


async def test_one_that_nobody_pays_for_holds_nobody_up(claude, server, wallet):
    class Empty(Wallet):
        async def reserve(self, attempt):
            await asyncio.sleep(0.01)
            return await super().reserve(attempt)

    refused = asyncio.create_task(hear(claude, asked(0), Empty(limit=0)))
    await asyncio.sleep(0)
    told = await a_class(claude, wallet, [asked(n) for n in range(1, 6)])
    await asyncio.gather(refused, return_exceptions=True)
    assert sum(each.end.usage.tokens_written > 0 for each in told) == 1


async def test_silent_one_is_waited_for_a_few_seconds_only(server, wallet, monkeypatch):
    monkeypatch.setattr("coach.providers.following.AHEAD_SECONDS", 0.2)
    claude = Claude(installation(server.url, attempts=1))
    server.fail("no_headers")
    silent = asyncio.create_task(hear(claude, asked(0), wallet))
    while not server.log:
        await asyncio.sleep(0.01)
    told = await a_class(claude, wallet, [asked(n) for n in range(1, 9)])
    assert sum(each.end.usage.tokens_written > 0 for each in told) == 1
    assert not silent.done()
    silent.cancel()
    await asyncio.gather(silent, return_exceptions=True)
    await claude.close()


async def test_two_exercises_share_what_everybody_shares(claude, server, wallet):
    calls = [asked(n, lesson=f"Exercise {n % 2}. {LESSON}") for n in range(12)]
    told = await a_class(claude, wallet, calls)
    written = sorted(each.end.usage.tokens_written for each in told)
    assert [each > 0 for each in written] == [False] * 10 + [True] * 2
    assert written[-2] < written[-1]
