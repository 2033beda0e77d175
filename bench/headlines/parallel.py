"""S1 to S10: what runs at once, what runs ahead, and what joins it."""

from __future__ import annotations

import asyncio
from typing import Any

from bench.headlines.client import (
    IN_PART,
    NOT_AS_TOLD,
    SMALL,
    Caller,
    Figures,
    Headline,
    near,
    seconds,
    text,
    verdict,
)
from coach.engine.graph import Condition, Fixed, Task, TaskGraph
from coach.engine.runner import Inputs, RunResult
from coach.engine.speculation import decide

TRAVEL = {"flights": 800, "hotels": 600, "visa": 450, "loyalty": 120}


async def three_streams(c: Caller) -> Figures:
    at_once, in_a_row = await c.both_ways(
        c.tool("intent", 600), c.tool("account", 600), c.tool("policy", 600)
    )
    return {"at once": at_once, "in a row": in_a_row}


def judge_three_streams(f: Figures) -> tuple[str, str]:
    """Three streams of which none takes longer than 0.6 s cannot take 2 s in a row."""
    said = (
        f"{seconds(f['at once'])} at once, {seconds(f['in a row'])} in a row. Three streams that are all there "
        "after 0.6 s take at most 1.8 s one after the other: the “2+ s” needs a fourth step in the row (the "
        "answer) that the 600 ms leave out."
    )
    return verdict(holds=f["in a row"] >= 2.0, otherwise=IN_PART), said


async def three_tasks(c: Caller) -> Figures:
    at_once, in_a_row = await c.both_ways(*(c.tool(name, 800) for name in ("web", "crm", "calendar")))
    return {"at once": at_once, "in a row": in_a_row}


def judge_three_tasks(f: Figures) -> tuple[str, str]:
    times = f["in a row"] / f["at once"]
    said = f"{seconds(f['in a row'])} in a row, {seconds(f['at once'])} at once: {times:.2f}×."
    return verdict(holds=near(times, 3.0, 0.1)), said


def travel(c: Caller, **changed: int) -> TaskGraph:
    times = TRAVEL | changed
    return TaskGraph([*(c.tool(n, ms) for n, ms in times.items()), c.tool("compose", 300, *times)])


async def slowest(c: Caller) -> Figures:
    return {
        "as it is": (await c.timed(travel(c)))[0],
        "slowest 200 ms shorter": (await c.timed(travel(c, flights=600)))[0],
        "another 200 ms shorter": (await c.timed(travel(c, visa=250)))[0],
    }


def judge_slowest(f: Figures) -> tuple[str, str]:
    cut = f["as it is"] - f["slowest 200 ms shorter"]
    other = f["as it is"] - f["another 200 ms shorter"]
    said = (
        f"200 ms off the slowest task: {cut * 1e3:.0f} ms gained; 200 ms off another: {other * 1e3:.0f} ms."
    )
    return verdict(holds=near(cut, 0.2, 0.15) and abs(other) < 0.03), said


def blocking_tasks(c: Caller, *, pool: bool) -> TaskGraph:
    """The blocking client: in a thread each, or inside coroutines, where it stops the loop."""

    async def on_loop(_: Any) -> None:
        c.look_up_blocking(400)

    def in_thread(_: Any) -> None:
        c.look_up_blocking(400)

    call = in_thread if pool else on_loop
    return TaskGraph([Task(f"t{i}", duration=Fixed(0.4), blocking=pool, call=call) for i in range(3)])


async def dispatch(c: Caller) -> Figures:
    return {
        "asyncio": (await c.timed(travel(c)))[0],
        "threads": (await c.timed(blocking_tasks(c, pool=True)))[0],
        "blocking in coroutines": (await c.timed(blocking_tasks(c, pool=False)))[0],
    }


def judge_dispatch(f: Figures) -> tuple[str, str]:
    said = (
        f"the travel graph takes {seconds(f['asyncio'])} (critical path 1.10 s). Three blocking calls of 0.4 s: "
        f"{seconds(f['threads'])} in threads, {seconds(f['blocking in coroutines'])} when called inside coroutines."
    )
    return verdict(holds=near(f["asyncio"], 1.1, 0.1) and f["threads"] < 0.5), said


def guess(
    c: Caller, decider: int, tool: int, probability: float, *, ahead: bool, usd: float = 0.002
) -> TaskGraph:
    condition = Condition("decide", probability)
    return TaskGraph(
        [
            c.tool("decide", decider),
            c.tool("tool", tool, condition=condition, speculative=ahead, effects="pure", cost_usd=usd),
            c.tool("answer", 50, "decide", "tool"),
        ]
    )


async def mean_of(c: Caller, graph: TaskGraph, runs: int, needed: int) -> tuple[float, float]:
    """Mean seconds and mean wasted dollars of so many runs, in so many of which the tool is needed; five at
    a time."""
    told = [{"tool": number < needed} for number in range(runs)]
    done: list[tuple[float, RunResult]] = []
    for start in range(0, runs, 5):
        done += await asyncio.gather(*(c.timed(graph, needed=each) for each in told[start : start + 5]))
    wasted = sum(result.trace.wasted_usd for _, result in done)
    return sum(took for took, _ in done) / runs, wasted / runs


async def speculation(c: Caller) -> Figures:
    long = [(await mean_of(c, guess(c, 600, 500, 0.7, ahead=a), 10, 7))[0] for a in (False, True)]
    short = [(await mean_of(c, guess(c, 200, 500, 0.7, ahead=a), 10, 7))[0] for a in (False, True)]
    return {"saved behind 0.6 s": long[0] - long[1], "saved behind 0.2 s": short[0] - short[1]}


def judge_speculation(f: Figures) -> tuple[str, str]:
    long, short = f["saved behind 0.6 s"], f["saved behind 0.2 s"]
    said = (
        f"{long * 1e3:.0f} ms saved on average when the deciding step takes 600 ms. When it takes 200 ms only "
        f"{short * 1e3:.0f} ms: what is saved is p × the latency that is *hidden*, min(decider, tool), so "
        "P × latency is its upper bound."
    )
    return verdict(holds=near(long, 0.35, 0.1), otherwise=NOT_AS_TOLD), said


async def break_even(c: Caller) -> Figures:
    found: Figures = {}
    for name, tool, p, runs, needed in (
        ("likely and slow", 500, 0.7, 10, 7),
        ("unlikely and fast", 90, 0.15, 20, 3),
    ):
        plain, _ = await mean_of(c, guess(c, 500, tool, p, ahead=False), runs, needed)
        ahead, wasted = await mean_of(c, guess(c, 500, tool, p, ahead=True), runs, needed)
        found[f"{name}: net"] = (plain - ahead) * 0.01 - wasted
    return found


def judge_break_even(f: Figures) -> tuple[str, str]:
    likely, unlikely = decide(0.7, 0.5, 0.002, 0.01), decide(0.15, 0.09, 0.002, 0.01)
    good, bad = f["likely and slow: net"], f["unlikely and fast: net"]
    said = (
        f"at $0.002 a call and $0.01 a second: likely (70 %) and slow (500 ms) nets {good * 1e3:+.2f} m$ a turn, "
        f"unlikely (15 %) and fast (90 ms) {bad * 1e3:+.2f} m$. The engine decides "
        f"{'for' if likely.worth_it else 'against'} and {'for' if unlikely.worth_it else 'against'}."
    )
    return verdict(holds=good > 0 > bad and likely.worth_it and not unlikely.worth_it), said


async def prefetch(c: Caller) -> Figures:
    at_once, in_a_row = await c.both_ways(c.tool("outline", 1200), c.tool("embeddings", 800))
    return {"at once": at_once, "in a row": in_a_row}


def judge_prefetch(f: Figures) -> tuple[str, str]:
    cut = 1 - f["at once"] / f["in a row"]
    said = (
        f"{cut:.0%} shorter ({seconds(f['in a row'])} to {seconds(f['at once'])}) with an outline of 1.2 s and a "
        "fetch of 0.8 s. The team's own durations are not published: 40 % comes out whenever the shorter step "
        "is two thirds of the longer; two equal steps would give 50 %, the most there is."
    )
    return verdict(holds=False, otherwise=IN_PART if near(cut, 0.4, 0.15) else NOT_AS_TOLD), said


async def coordinator(c: Caller) -> Figures:
    async def plan(_: Inputs) -> Any:
        return await c.ask(SMALL, text(400), writes=60)

    async def join(inputs: Inputs) -> Any:
        return await c.ask(SMALL, " ".join(inputs[name].text for name in names), writes=90)

    names = ("earnings", "notes", "calendar", "news")
    agents = [c.tool(n, ms, "plan") for n, ms in zip(names, (800, 450, 600, 700), strict=True)]
    first, last = Task("plan", call=plan), Task("join", names, call=join)
    at_once, in_a_row = await c.both_ways(first, *agents, last)
    return {"at once": at_once, "in a row": in_a_row}


def judge_coordinator(f: Figures) -> tuple[str, str]:
    said = (
        f"coordinator, four subagents, synthesis: {seconds(f['in a row'])} in a row, {seconds(f['at once'])} with "
        "the subagents at once; the coordinator and the synthesis are not shortened by it."
    )
    return verdict(holds=f["at once"] < 0.65 * f["in a row"]), said


ROWS = (
    Headline(id="S1", claimed="three concurrent streams: 600 ms against 2+ s", how="three look-ups of 0.6 s",
             play=three_streams, judge=judge_three_streams),
    Headline(id="S2", claimed="three tasks of 800 ms: 2.4 s in a row, 0.8 s at once, 3×",
             how="three look-ups of 0.8 s", play=three_tasks, judge=judge_three_tasks),
    Headline(id="S3", claimed="the slowest task sets the latency: shorten that one",
             how="the travel graph, 200 ms taken off one task", play=slowest, judge=judge_slowest),
    Headline(id="S4", claimed="dispatch all that waits for nothing; threads for blocking calls",
             how="the travel graph; the SDK's blocking client in threads and inside coroutines",
             play=dispatch, judge=judge_dispatch),
    Headline(id="S5", claimed="0.70 × 500 ms = 350 ms saved a speculative dispatch",
             how="ten runs, the tool needed in seven, with and without running ahead",
             play=speculation, judge=judge_speculation),
    Headline(id="S6", claimed="likely and slow: speculate; unlikely and fast: do not",
             how="10 and 20 runs; seconds saved and dollars wasted", play=break_even, judge=judge_break_even),
    Headline(id="S7", claimed="prefetch beside the outline: perceived latency −40 %",
             how="two independent steps at stated durations", play=prefetch, judge=judge_prefetch),
    Headline(id="S8", claimed="fan-out / fan-in with a coordinator",
             how="a small model plans and joins, four look-ups between", play=coordinator, judge=judge_coordinator),
)  # fmt: skip
