"""S9 and S10: what the fan-in costs, and what helps. Five branches, one synthesis."""

from __future__ import annotations

from typing import Any

from bench.headlines.client import (
    IN_PART,
    MEDIUM,
    NOT_AS_TOLD,
    SMALL,
    Caller,
    Figures,
    Headline,
    Judgement,
    Measured,
    Reply,
    judged,
    seconds,
    text,
)
from coach.engine.graph import Task, TaskGraph
from coach.engine.runner import Inputs

FETCHES_MS = (300, 400, 500, 600, 700)
DOCUMENT, SUMMARY, ANSWER = 8_000, 150, 200


def fetched(c: Caller, words: int) -> list[Task]:
    """Branches that bring a document each: quick to get, long to read."""

    def call_for(milliseconds: int) -> Any:
        async def call(_: Inputs) -> str:
            await c.look_up(milliseconds)
            return text(words)

        return call

    return [Task(f"branch{i}", call=call_for(ms)) for i, ms in enumerate(FETCHES_MS)]


def joined(c: Caller, needs: list[Task], model: str) -> Task:
    """One call that reads everything."""

    async def call(inputs: Inputs) -> Reply:
        everything = " ".join([str(inputs[task.name]) for task in needs])
        return await c.ask(model, everything, writes=ANSWER, on_text=inputs.emit)

    return Task("synthesis", tuple(task.name for task in needs), call=call)


async def measured(c: Caller, tasks: list[Task]) -> tuple[float, float, float]:
    """Seconds of the whole, until the first word, and of the longest branch."""
    _, result = await c.timed(TaskGraph(tasks))
    trace = result.trace
    branches = [span.seconds for span in trace.spans if span.name.startswith("branch")]
    return tuple(value * c.scale for value in (trace.makespan, trace.first_output, max(branches)))  # type: ignore[return-value]


async def fan_in(c: Caller) -> Figures:
    async def write(_: Inputs) -> str:
        return (await c.ask(MEDIUM, text(300), writes=400)).text

    branches = fetched(c, DOCUMENT)
    whole, _, longest = await measured(c, [*branches, joined(c, branches, MEDIUM)])
    written = [Task(f"branch{i}", call=write) for i in range(5)]
    whole2, _, longest2 = await measured(c, [*written, joined(c, written, MEDIUM)])
    return {
        "fetched: branch": longest,
        "fetched: synthesis": whole - longest,
        "written: branch": longest2,
        "written: synthesis": whole2 - longest2,
    }


def judge_fan_in(f: Measured) -> Judgement:
    worse = f["fetched: synthesis"] > f["fetched: branch"]
    also = f["written: synthesis"] > f["written: branch"]
    said = (
        f"five fetched documents of 8,000 tokens: synthesis {seconds(f['fetched: synthesis'])}, slowest branch "
        f"{seconds(f['fetched: branch'])}. Five outputs *written* by subagents (400 tokens each): synthesis "
        f"{seconds(f['written: synthesis'])}, slowest branch {seconds(f['written: branch'])}."
    )
    return judged(
        said,
        holds=worse and also,
        otherwise=IN_PART if worse or also else NOT_AS_TOLD,
        why="Reading is some hundred times faster than writing, so what the branches wrote themselves is read in no "
        "time; the claim holds where branches bring long material, or where the synthesis writes it out again.",
    )


async def remedies(c: Caller) -> Figures:
    branches = fetched(c, DOCUMENT)
    found: Figures = {}
    for name, tasks in (
        ("verbatim", [*branches, joined(c, branches, MEDIUM)]),
        ("streamed", [*branches, streamed(c, branches)]),
        ("summarised", [*branches, *summarised(c, branches)]),
        ("small", [*branches, joined(c, branches, SMALL)]),
    ):
        found[f"{name}: whole"], found[f"{name}: first"], _ = await measured(c, tasks)
    return found


def streamed(c: Caller, branches: list[Task]) -> Task:
    """A call per branch, as each arrives: no call can be sent before all it reads is there."""

    async def call(inputs: Inputs) -> int:
        async for _, document in inputs.arrivals():
            await c.ask(MEDIUM, document, writes=ANSWER // len(branches), on_text=inputs.emit)
        return len(branches)

    return Task("synthesis", tuple(task.name for task in branches), join="stream", call=call)


def summarised(c: Caller, branches: list[Task]) -> list[Task]:
    def call_for(name: str) -> Any:
        async def call(inputs: Inputs) -> str:
            return (await c.ask(SMALL, inputs[name], writes=SUMMARY)).text

        return call

    short = [Task(f"short{i}", (task.name,), call=call_for(task.name)) for i, task in enumerate(branches)]
    return [*short, joined(c, short, MEDIUM)]


def judge_remedies(f: Measured) -> Judgement:
    parts = [
        f"{told} {seconds(f[f'{name}: first'])} / {seconds(f[f'{name}: whole'])}"
        for name, told in (
            ("verbatim", "verbatim"),
            ("streamed", "streamed"),
            ("summarised", "summarised first"),
            ("small", "by a small model"),
        )
    ]
    said = (
        f"first word / last word: {', '.join(parts)}. A call takes its whole prompt at once, so a streaming join "
        "sends one call per branch: the first word comes sooner, the last one need not."
    )
    earlier = f["streamed: first"] < f["verbatim: first"]
    shorter = all(f[f"{name}: whole"] < f["verbatim: whole"] for name in ("summarised", "small"))
    return judged(said, holds=earlier and shorter, otherwise=IN_PART if earlier or shorter else NOT_AS_TOLD)


ROWS = (
    Headline(id="S9", claimed="five verbatim outputs make the synthesis slower than any branch", scale=4.0,
             how="five branches into one call of the medium model that writes 200 tokens",
             play=fan_in, judge=judge_fan_in),
    Headline(id="S10", claimed="stream the synthesis, summarise the branches, a smaller model", scale=4.0,
             how="five fetched documents of 8,000 tokens, joined in four ways", play=remedies, judge=judge_remedies),
)  # fmt: skip
