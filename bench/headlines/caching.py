"""S11 to S14, S17, S18: what the prefix cache gives, and what takes it away."""

from __future__ import annotations

import asyncio

from bench.headlines.client import (
    IN_PART,
    MEDIUM,
    OF_2024,
    Caller,
    Figures,
    Headline,
    marked,
    plain,
    seconds,
    text,
    verdict,
)
from coach.engine.graph import Task, TaskGraph
from coach.engine.pricing import cost_usd, price_of
from coach.engine.timing import TIERS, time_to_first_token

CONTRACT = 45_000
MINUTE = 60.0
AFTER_NINE = 15.0
"""Seconds after nine at which the first user asks."""


async def cold_and_warm(c: Caller, model: str, words: int) -> Figures:
    """The same prefix twice, one after the other: a graph of two tasks."""
    system = [marked(text(words))]

    async def call(_: object) -> object:
        return await c.ask(model, text(50), system=system, writes=20)

    graph = TaskGraph([Task("cold", call=call), Task("warm", ("cold",), call=call)])
    _, result = await c.timed(graph)
    cold, warm = result["cold"], result["warm"]
    return {"cold": cold.first, "warm": warm.first, "written": cold.written, "read": warm.read}


async def legal_document(c: Caller) -> Figures:
    return await cold_and_warm(c, OF_2024, CONTRACT)


RATES = "The default rates of the time model were chosen so that this figure comes out; the row shows that it survives the way through the SDK, not that it is true of a provider."


def judge_legal_document(f: Figures) -> tuple[str, str]:
    price = price_of(OF_2024)
    share = cost_usd(price, read=CONTRACT) / cost_usd(price, fresh=CONTRACT)
    write = cost_usd(price, written={"5m": CONTRACT}) / cost_usd(price, fresh=CONTRACT)
    cut = 1 - f["warm"] / f["cold"]
    said = (
        f"first token after {seconds(f['cold'])} cold, {seconds(f['warm'])} on a hit: −{cut:.0%}; "
        f"{f['read']:,.0f} tokens read at {share:.0%} of the price, after one write at {write:.0%}. {RATES}"
    )
    return verdict(holds=0.82 <= cut <= 0.88 and f["read"] == CONTRACT), said


async def system_prompt(c: Caller) -> Figures:
    return await cold_and_warm(c, MEDIUM, 50_000)


def judge_system_prompt(f: Figures) -> tuple[str, str]:
    by_rates = time_to_first_token(TIERS["medium"], fresh=51, read=50_000)
    said = (
        f"{seconds(f['cold'])} cold, {f['warm'] * 1e3:.0f} ms on a hit ({by_rates * 1e3:.0f} ms by the rates, the "
        f"rest is the way through SDK and loopback). {RATES}"
    )
    return verdict(holds=3 <= f["cold"] <= 4 and f["warm"] < 0.5), said


async def rules(c: Caller) -> Figures:
    """Under the minimum, an insertion, five minutes without use."""
    found: Figures = {}
    for words in (1_000, 1_024):
        short = [marked(text(words))]
        found[f"{words}: written"] = (await c.ask(OF_2024, "hello", system=short, writes=1)).written
    first, second = text(5_000), text(5_000)
    await c.ask(OF_2024, "hello", system=[plain(first), marked(second)], writes=1)
    inserted = [plain(first), plain(text(20)), marked(second)]
    found["inserted: read"] = (await c.ask(OF_2024, "hello", system=inserted, writes=1)).read
    found["after 285 s: read"], found["after 315 s: read"] = await asyncio.gather(
        after_pause(c, 285, words=5_000), after_pause(c, 315, words=5_000)
    )
    return found


async def after_pause(c: Caller, pause: float, *, words: int = CONTRACT, ttl: str | None = None) -> int:
    """Tokens that a call finds so long after the start of the only one before it."""
    system, began = [marked(text(words), ttl)], c.now()
    await c.ask(MEDIUM, "hello", system=system, writes=1)
    await c.sleep(began + pause - c.now())
    return (await c.ask(MEDIUM, "hello", system=system, writes=1)).read


def judge_rules(f: Figures) -> tuple[str, str]:
    said = (
        f"1,000 tokens: {f['1000: written']:.0f} written, and nothing says so; 1,024: {f['1024: written']:.0f}. "
        f"20 tokens inserted before the last 5,000 of 10,000: {f['inserted: read']:.0f} read. "
        f"Idle for 285 s: {f['after 285 s: read']:,.0f} read; for 315 s: {f['after 315 s: read']:.0f}."
    )
    expected = [0, 1024, 0, 5000, 0]
    return verdict(holds=list(f.values()) == expected), said


async def stable_first(c: Caller) -> Figures:
    system = [plain(text(5_000)), marked(text(40_000))]
    replies = [await c.ask(MEDIUM, text(50), system=system, writes=5) for _ in range(3)]
    stamped = [await c.ask(MEDIUM, text(50), system=[plain(text(10)), *system], writes=5) for _ in range(2)]
    return {
        "second: read": replies[1].read,
        "third: read": replies[2].read,
        "third: first": replies[2].first,
        "stamped: read": stamped[1].read,
        "stamped: first": stamped[1].first,
    }


def judge_stable_first(f: Figures) -> tuple[str, str]:
    said = (
        f"from the second call on {f['second: read']:,.0f} tokens are read, first token after "
        f"{seconds(f['third: first'])}. Ten changing tokens in front: {f['stamped: read']:.0f} read, "
        f"{seconds(f['stamped: first'])}. The first call of each pause still pays the write."
    )
    return verdict(holds=f["second: read"] == f["third: read"] == CONTRACT), said


async def warmed(c: Caller, lead: float, ttl: str | None = None) -> int:
    """Tokens that the first user finds so many seconds after the priming request."""
    system, began = [marked(text(CONTRACT), ttl)], c.now()
    await c.warm(MEDIUM, system)
    await c.sleep(began + lead - c.now())
    return (await c.ask(MEDIUM, "question", system=system, writes=1)).read


async def warming(c: Caller) -> Figures:
    at_nine, earlier, long = await asyncio.gather(
        warmed(c, 5 * MINUTE + AFTER_NINE),
        warmed(c, 4 * MINUTE + AFTER_NINE),
        warmed(c, 5 * MINUTE + AFTER_NINE, "1h"),
    )
    return {"8:55: read": at_nine, "8:56: read": earlier, "8:55, one hour: read": long}


def judge_warming(f: Figures) -> tuple[str, str]:
    said = (
        f"the first user at 9:00:15 finds {f['8:55: read']:,.0f} tokens after a priming request at 8:55, "
        f"{f['8:56: read']:,.0f} after one at 8:56, {f['8:55, one hour: read']:,.0f} with the one-hour lifetime. "
        "Five minutes are counted from the *start* of the request, so at 9:00 they are over: warm up at 8:56, "
        "or for an hour, or keep it alive."
    )
    return verdict(holds=f["8:55: read"] == CONTRACT), said


async def with_keepalive(c: Caller) -> int:
    system, began = [marked(text(CONTRACT))], c.now()
    await c.ask(MEDIUM, "question", system=system, writes=1)
    await c.sleep(began + 4 * MINUTE - c.now())
    await c.warm(MEDIUM, system)
    await c.sleep(began + 6 * MINUTE - c.now())
    return (await c.ask(MEDIUM, "question", system=system, writes=1)).read


async def pauses(c: Caller) -> Figures:
    plainly, kept, long = await asyncio.gather(
        after_pause(c, 6 * MINUTE), with_keepalive(c), after_pause(c, 6 * MINUTE, ttl="1h")
    )
    return {"6 min: read": plainly, "kept alive: read": kept, "one hour: read": long}


def judge_pauses(f: Figures) -> tuple[str, str]:
    price = price_of(MEDIUM)
    ping = cost_usd(price, read=CONTRACT)
    said = (
        f"after a pause of six minutes {f['6 min: read']:.0f} tokens are read; with a ping every four minutes "
        f"{f['kept alive: read']:,.0f} (a ping of 45,000 tokens costs ${ping:.4f}); with the one-hour lifetime "
        f"{f['one hour: read']:,.0f}."
    )
    holds = f["6 min: read"] == 0 and f["kept alive: read"] == CONTRACT
    return verdict(holds=holds, otherwise=IN_PART), said


ROWS = (
    Headline(id="S11", claimed="45,000-token document: first token −85 %, cached input at 10 % of the price",
             how="the same document asked twice, rules and prices of August 2024",
             play=legal_document, judge=judge_legal_document),
    Headline(id="S12", claimed="50,000-token system prompt: 3 to 4 s cold, under 0.5 s on a hit",
             how="asked twice, medium model", play=system_prompt, judge=judge_system_prompt),
    Headline(id="S13", claimed="1,024 tokens at least, exact prefix, about five minutes of inactivity", scale=60.0,
             how="`usage` of calls under the minimum, with an insertion, after pauses; minimum of August 2024",
             play=rules, judge=judge_rules),
    Headline(id="S14", claimed="[5,000][40,000][50]: 45,000 cached on each call",
             how="three calls with another question each, then with ten changing tokens in front",
             play=stable_first, judge=judge_stable_first),
    Headline(id="S17", claimed="a priming request at 8:55 for users at 9:00", scale=60.0,
             how="a call that writes nothing (`max_tokens` 0), then the first user", play=warming, judge=judge_warming),
    Headline(id="S18", claimed="six minutes of pause: cold; a ping every four minutes keeps it warm", scale=60.0,
             how="a pause of six minutes: plain, with a ping, with the one-hour lifetime",
             play=pauses, judge=judge_pauses),
)  # fmt: skip
