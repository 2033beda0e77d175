"""S19, S20, S22 to S24: what the prompt and the output cost, which model, and what is seen first."""

from __future__ import annotations

import asyncio

from bench.headlines.client import (
    IN_PART,
    LARGE,
    MEDIUM,
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
from coach.engine.graph import Task, TaskGraph
from coach.engine.runner import Inputs

TASK, BACKGROUND = 400, 800
STUB = "How many tokens a model writes is told to the server: what a wording does to a model cannot be seen here, only what the tokens cost."


async def task_first(c: Caller) -> Figures:
    background, task = text(BACKGROUND), text(TASK)
    as_found = await c.ask(LARGE, f"{background} {task}", writes=220)
    reordered = await c.ask(LARGE, f"{task} {background}", writes=220)
    stripped = await c.ask(LARGE, task, writes=220)
    shorter = await c.ask(LARGE, task, writes=116)
    return {
        "as found": as_found.seconds,
        "reordered": reordered.seconds,
        "stripped": stripped.seconds,
        "stripped, shorter answer": shorter.seconds,
        "as found: first": as_found.first,
        "reordered: first": reordered.first,
        "stripped: first": stripped.first,
    }


def judge_task_first(f: Figures) -> tuple[str, str]:
    cut = 1 - f["stripped"] / f["as found"]
    all_in = 1 - f["stripped, shorter answer"] / f["as found"]
    said = (
        f"as found {seconds(f['as found'])}; the same tokens reordered {seconds(f['reordered'])}; 800 tokens "
        f"gone {seconds(f['stripped'])} (−{cut:.0%}). All input is read before the first token is written, so "
        "its order costs nothing and 800 tokens of it some 60 ms. To get from 4.1 to 2.3 s the answer has to "
        f"become shorter, 220 to 116 tokens: {seconds(f['stripped, shorter answer'])} (−{all_in:.0%}). That a "
        "direct instruction shortens answers is plausible; the order of the prompt is not the reason."
    )
    return verdict(holds=near(cut, 0.44, 0.1)), said


async def output_tokens(c: Caller) -> Figures:
    prompt = text(600)
    return {str(n): (await c.ask(LARGE, prompt, writes=n)).seconds for n in (800, 560, 320, 300)}


def judge_output_tokens(f: Figures) -> tuple[str, str]:
    said = (
        f"800 tokens {seconds(f['800'])}, 300 tokens {seconds(f['300'])}. A schema that saves 30 % of 800: "
        f"−{1 - f['560'] / f['800']:.0%} of the time; 60 %: −{1 - f['320'] / f['800']:.0%}. {STUB}"
    )
    return verdict(holds=False, otherwise=IN_PART), said


async def reasoning(c: Caller) -> Figures:
    prompt = text(600)
    return {str(n): (await c.ask(MEDIUM, prompt, writes=n)).seconds for n in (60, 300, 600)}


def judge_reasoning(f: Figures) -> tuple[str, str]:
    said = (
        f"60 tokens of answer {seconds(f['60'])}; 5 times the output {seconds(f['300'])} "
        f"({f['300'] / f['60']:.1f}×), 10 times {seconds(f['600'])} ({f['600'] / f['60']:.1f}×): a little less "
        f"than the tokens, for the first token costs the same. {STUB}"
    )
    return verdict(holds=False, otherwise=IN_PART), said


MIX = ((SMALL, 60, 14), (MEDIUM, 150, 4), (LARGE, 300, 2))


async def routed(c: Caller, *, classify: bool) -> list[float]:
    """Seconds of each of twenty requests, four at a time: the engine's limit on a named resource."""
    wanted = [(model, output) for model, output, share in MIX for _ in range(share)]
    tasks = []

    async def one(model: str, output: int) -> float:
        hop = (await c.ask(SMALL, text(600), writes=5)).seconds if classify else 0.0
        reply = await c.ask(model if classify else LARGE, text(600), writes=output)
        return hop + reply.seconds

    for number, (model, output) in enumerate(wanted):
        call = _bound(one, model, output)
        tasks.append(Task(f"r{number}", uses=("calls",), call=call))
    _, result = await c.timed(TaskGraph(tasks, {"calls": 4}))
    return sorted(result.values.values())


def _bound(one, model: str, output: int):  # type: ignore[no-untyped-def]
    async def call(_: Inputs) -> float:
        return await one(model, output)

    return call


async def routing(c: Caller) -> Figures:
    small = await c.ask(SMALL, text(600), writes=5)
    large = await c.ask(LARGE, text(600), writes=5)
    thinking = await c.ask(LARGE, text(600), writes=125)
    all_large, routed_ = await routed(c, classify=False), await routed(c, classify=True)
    return {
        "small": small.seconds,
        "large": large.seconds,
        "large, reasoning": thinking.seconds,
        "all to large: median": (all_large[9] + all_large[10]) / 2,
        "routed: median": (routed_[9] + routed_[10]) / 2,
        "all to large: slowest": all_large[-1],
        "routed: slowest": routed_[-1],
    }


def judge_routing(f: Figures) -> tuple[str, str]:
    alone, both = f["large"] / f["small"], f["large, reasoning"] / f["small"]
    said = (
        f"a label of 5 tokens: small {seconds(f['small'])}, large {seconds(f['large'])} ({alone:.1f}×), large "
        f"with 120 tokens of reasoning {seconds(f['large, reasoning'])} ({both:.1f}×): what the models' rates alone "
        f"bring is less than the claim; the rest is the reasoning left out, and its length is ours. Twenty requests (14 easy, 4 medium, 2 hard): median "
        f"{seconds(f['all to large: median'])} to {seconds(f['routed: median'])} with a classifier in front; "
        f"slowest {seconds(f['all to large: slowest'])} to {seconds(f['routed: slowest'])}."
    )
    falls = f["routed: median"] < f["all to large: median"]
    return verdict(holds=5 <= alone <= 10 and falls, otherwise=IN_PART if falls else NOT_AS_TOLD), said


async def streaming(c: Caller) -> Figures:
    """When something is there to read: streamed, all at once, and during a tool call with a status line."""
    streamed = await c.ask(MEDIUM, text(600), writes=238)
    at_once = await c.ask(MEDIUM, text(600), writes=148)
    began, seen = c.now(), []

    async def search(inputs: Inputs) -> None:
        inputs.emit("Searching for flights…")
        await c.look_up(2000)

    async def answer(inputs: Inputs) -> None:
        await c.ask(SMALL, text(300), writes=60, on_text=inputs.emit)

    graph = TaskGraph([Task("search", call=search), Task("answer", ("search",), call=answer)])
    await c.timed(graph, on_output=lambda task, piece: seen.append((task, c.now() - began)))
    await asyncio.sleep(0)
    first_words = next(at for task, at in seen if task == "answer")
    return {
        "streamed: first": streamed.first,
        "streamed: whole": streamed.seconds,
        "at once: whole": at_once.seconds,
        "status": seen[0][1],
        "answer: first": first_words,
    }


def judge_streaming(f: Figures) -> tuple[str, str]:
    said = (
        f"a {f['streamed: whole']:.1f} s answer has its first words after {seconds(f['streamed: first'])} when "
        f"streamed; a {f['at once: whole']:.1f} s answer shown whole has them after "
        f"{seconds(f['at once: whole'])}. During a tool call of 2 s a status line is there after "
        f"{f['status'] * 1e3:.0f} ms, the answer's first words after {seconds(f['answer: first'])}. How long "
        "people *feel* they waited (−35 %) is a user study; no program measures it."
    )
    return verdict(holds=False, otherwise=IN_PART), said


ROWS = (
    Headline(id="S19", claimed="task first, 800 tokens of preamble gone: 4.1 to 2.3 s, −44 %", scale=4.0,
             how="a prompt of 1,200 tokens as found, reordered, stripped; large model",
             play=task_first, judge=judge_task_first),
    Headline(id="S20", claimed="output costs the most time; a schema saves 30 to 60 %; 800 where 300 do", scale=4.0,
             how="four answers of stated length, large model", play=output_tokens, judge=judge_output_tokens),
    Headline(id="S22", claimed="chain of thought costs 5 to 10 times the output", scale=4.0,
             how="three answers of stated length, medium model", play=reasoning, judge=judge_reasoning),
    Headline(id="S23", claimed="classification on a small model: 5 to 10× faster; route, and the median falls",
             how="labels by small and large; twenty requests, four at a time", scale=4.0,
             play=routing, judge=judge_routing),
    Headline(id="S24", claimed="streaming and status lines: −35 % perceived",
             how="when the first words can be read", play=streaming, judge=judge_streaming),
)  # fmt: skip
