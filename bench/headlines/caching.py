"""S11 to S14, S17, S18: what the prefix cache gives, and what takes it away."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.headlines.client import (
    MEDIUM,
    OF_2024,
    Caller,
    Figures,
    Headline,
    Judgement,
    Measured,
    Step,
    below,
    judged,
    marked,
    milliseconds,
    near,
    plain,
    seconds,
    text,
)
from coach.engine.pricing import cost_usd, price_of
from coach.engine.timing import TIERS, time_to_first_token

CONTRACT = 45_000
MINUTE = 60.0
AFTER_NINE = 15.0
"""Seconds after nine at which the first user asks."""


async def cold_and_warm(c: Caller, model: str, words: int) -> Figures:
    """The same prefix twice, one after the other."""
    system = [marked(text(words))]
    cold, warm = await c.in_order(*(c.asking(model, text(50), system=system, writes=20) for _ in range(2)))
    return {"cold": cold.first, "warm": warm.first, "written": cold.written, "read": warm.read}


async def legal_document(c: Caller) -> Figures:
    return await cold_and_warm(c, OF_2024, CONTRACT)


RATES = "The default rates of the time model were chosen so that this figure comes out; the row shows that it survives the way through the SDK, not that it is true of a provider."


def judge_legal_document(f: Measured) -> Judgement:
    price = price_of(OF_2024)
    share = cost_usd(price, read=CONTRACT) / cost_usd(price, fresh=CONTRACT)
    write = cost_usd(price, written={"5m": CONTRACT}) / cost_usd(price, fresh=CONTRACT)
    cut = 1 - f["warm"] / f["cold"]
    said = (
        f"first token after {seconds(f['cold'])} cold, {seconds(f['warm'])} on a hit: −{cut:.0%}; "
        f"{f['read']:,.0f} tokens read at {share:.0%} of the price, after one write at {write:.0%}. {RATES}"
    )
    return judged(said, holds=near(cut, 0.85) and near(share, 0.1) and f["read"] == CONTRACT)


async def system_prompt(c: Caller) -> Figures:
    return await cold_and_warm(c, MEDIUM, 50_000)


def judge_system_prompt(f: Measured) -> Judgement:
    by_rates = time_to_first_token(TIERS["medium"], fresh=51, read=50_000)
    said = (
        f"{seconds(f['cold'])} cold, {milliseconds(f['warm'])} on a hit ({by_rates * 1e3:.0f} ms by the rates, the "
        f"rest is the way through SDK and loopback). {RATES}"
    )
    return judged(said, holds=3 <= f["cold"] <= 4 and below(f["warm"], 0.5))


def once(c: Caller, *, model: str = MEDIUM, system: Sequence[dict[str, Any]]) -> Step:
    """A call that writes one token: what it reads and writes of the cache is what is asked."""
    return c.asking(model, "hello", system=system, writes=1)


async def rules(c: Caller) -> Figures:
    """Under the minimum, an insertion, five minutes without use: side by side, none knows of the others."""
    first, second = text(5_000), text(5_000)
    layouts = ([plain(first), marked(second)], [plain(first), plain(text(20)), marked(second)])
    found = await c.side_by_side(
        short=[once(c, model=OF_2024, system=[marked(text(words))]) for words in (1_000, 1_024)],
        inserted=[once(c, model=OF_2024, system=system) for system in layouts],
        soon=after_pause(c, 285, words=5_000),
        late=after_pause(c, 315, words=5_000),
    )
    return {
        "1000: written": found["short"][0].written,
        "1024: written": found["short"][1].written,
        "inserted: read": found["inserted"][1].read,
        "after 285 s: read": found["soon"][-1].read,
        "after 315 s: read": found["late"][-1].read,
    }


def after_pause(c: Caller, pause: float, *, words: int = CONTRACT, ttl: str | None = None) -> list[Step]:
    """A call, and another so long after the start of the first."""
    ask = once(c, system=[marked(text(words), ttl)])
    return [ask, c.until(c.now() + pause), ask]


def judge_rules(f: Measured) -> Judgement:
    said = (
        f"1,000 tokens: {f['1000: written']:.0f} written, and nothing says so; 1,024: {f['1024: written']:.0f}. "
        f"20 tokens inserted before the last 5,000 of 10,000: {f['inserted: read']:.0f} read. "
        f"Idle for 285 s: {f['after 285 s: read']:,.0f} read; for 315 s: {f['after 315 s: read']:.0f}."
    )
    expected = [0, 1024, 0, 5000, 0]
    return judged(said, holds=list(f.values()) == expected)


async def stable_first(c: Caller) -> Figures:
    system = [plain(text(5_000)), marked(text(40_000))]
    stamped = ([plain(text(10)), *system] for _ in range(2))
    layouts = (system, system, system, *stamped)
    asked = await c.in_order(*(c.asking(MEDIUM, text(50), system=each, writes=5) for each in layouts))
    return {
        "second: read": asked[1].read,
        "third: read": asked[2].read,
        "third: first": asked[2].first,
        "stamped: read": asked[4].read,
        "stamped: first": asked[4].first,
    }


def judge_stable_first(f: Measured) -> Judgement:
    said = (
        f"from the second call on {f['second: read']:,.0f} tokens are read, first token after "
        f"{seconds(f['third: first'])}. Ten changing tokens in front: {f['stamped: read']:.0f} read, "
        f"{seconds(f['stamped: first'])}. The first call of each pause still pays the write."
    )
    return judged(said, holds=f["second: read"] == f["third: read"] == CONTRACT)


def warmed(c: Caller, lead: float, ttl: str | None = None) -> list[Step]:
    """A priming request, and the first user so many seconds after it."""
    system = [marked(text(CONTRACT), ttl)]
    return [c.warming(MEDIUM, system), c.until(c.now() + lead), once(c, system=system)]


async def warming(c: Caller) -> Figures:
    found = await c.side_by_side(
        five=warmed(c, 5 * MINUTE + AFTER_NINE),
        four=warmed(c, 4 * MINUTE + AFTER_NINE),
        long=warmed(c, 5 * MINUTE + AFTER_NINE, "1h"),
    )
    names = {"five": "8:55: read", "four": "8:56: read", "long": "8:55, one hour: read"}
    return {told: found[name][-1].read for name, told in names.items()}


def judge_warming(f: Measured) -> Judgement:
    said = (
        f"the first user at 9:00:15 finds {f['8:55: read']:,.0f} tokens after a priming request at 8:55, "
        f"{f['8:56: read']:,.0f} after one at 8:56, {f['8:55, one hour: read']:,.0f} with the one-hour lifetime."
    )
    return judged(
        said,
        holds=f["8:55: read"] == CONTRACT,
        why="Five minutes are counted from the *start* of the request, so at 9:00 they are over: warm up at 8:56, "
        "or for an hour, or keep it alive.",
    )


def with_keepalive(c: Caller) -> list[Step]:
    system, began = [marked(text(CONTRACT))], c.now()
    ask = once(c, system=system)
    ping = c.warming(MEDIUM, system)
    return [ask, c.until(began + 4 * MINUTE), ping, c.until(began + 6 * MINUTE), ask]


async def pauses(c: Caller) -> Figures:
    found = await c.side_by_side(
        plainly=after_pause(c, 6 * MINUTE),
        kept=with_keepalive(c),
        long=after_pause(c, 6 * MINUTE, ttl="1h"),
    )
    names = {"plainly": "6 min: read", "kept": "kept alive: read", "long": "one hour: read"}
    return {told: found[name][-1].read for name, told in names.items()}


def judge_pauses(f: Measured) -> Judgement:
    price = price_of(MEDIUM)
    ping = cost_usd(price, read=CONTRACT)
    said = (
        f"after a pause of six minutes {f['6 min: read']:.0f} tokens are read; with a ping every four minutes "
        f"{f['kept alive: read']:,.0f} (a ping of 45,000 tokens costs ${ping:.4f}); with the one-hour lifetime "
        f"{f['one hour: read']:,.0f}."
    )
    return judged(said, holds=f["6 min: read"] == 0 and f["kept alive: read"] == CONTRACT)


ROWS = (
    Headline(id="S11", claimed="45,000-token document: first token −85 %, cached input at 10 % of the price",
             how="the same document asked twice, rules and prices of August 2024",
             play=legal_document, judge=judge_legal_document),
    Headline(id="S12", claimed="50,000-token system prompt: 3 to 4 s cold, under 0.5 s on a hit",
             how="asked twice, medium model", play=system_prompt, judge=judge_system_prompt),
    Headline(id="S13", claimed="1,024 tokens at least, exact prefix, about five minutes of inactivity", scale=60.0,
             how="`usage` of calls under the minimum, with an insertion, after pauses; minimum of August 2024",
             play=rules, judge=judge_rules),
    Headline(id="S14", claimed="[5,000][40,000][50]: 45,000 cached on each call", scale=4.0,
             how="three calls with another question each, then with ten changing tokens in front",
             play=stable_first, judge=judge_stable_first),
    Headline(id="S17", claimed="a priming request at 8:55 for users at 9:00", scale=60.0,
             how="a call that writes nothing (`max_tokens` 0), then the first user", play=warming, judge=judge_warming),
    Headline(id="S18", claimed="six minutes of pause: cold; a ping every four minutes keeps it warm", scale=60.0,
             how="a pause of six minutes: plain, with a ping, with the one-hour lifetime",
             play=pauses, judge=judge_pauses),
)  # fmt: skip
