"""S19, S20, S22 to S24: what the prompt and the output cost, which model, and what is seen first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from bench.headlines.client import (
    IN_PART,
    LARGE,
    MEDIUM,
    NOT_AS_TOLD,
    SMALL,
    Caller,
    Figures,
    Headline,
    Judgement,
    Measured,
    chain,
    judged,
    milliseconds,
    near,
    seconds,
    text,
)
from coach.engine.graph import Task, TaskGraph
from coach.engine.runner import Inputs
from coach.engine.timing import TIERS

TASK, BACKGROUND = 400, 800
STUB = (
    "How many tokens a model writes is told to the server: what a wording or a schema does to a model cannot be seen "
    "here, only what the tokens cost."
)


async def task_first(c: Caller) -> Figures:
    background, task = text(BACKGROUND), text(TASK)
    asked = {
        "as found": (f"{background} {task}", 220),
        "reordered": (f"{task} {background}", 220),
        "stripped": (task, 220),
        "stripped, shorter answer": (task, 116),
    }
    replies = await c.in_order(*(c.asking(LARGE, prompt, writes=n) for prompt, n in asked.values()))
    return {name: reply.seconds for name, reply in zip(asked, replies, strict=True)}


def judge_task_first(f: Measured) -> Judgement:
    cut = 1 - f["stripped"] / f["as found"]
    all_in = 1 - f["stripped, shorter answer"] / f["as found"]
    said = (
        f"as found {seconds(f['as found'])}; the same tokens reordered {seconds(f['reordered'])}; 800 tokens gone "
        f"{seconds(f['stripped'])} (−{cut:.0%}); and an answer of 116 tokens instead of 220 "
        f"{seconds(f['stripped, shorter answer'])} (−{all_in:.0%})."
    )
    return judged(
        said,
        holds=near(cut, 0.44),
        why="All input is read before the first token is written, so its order costs nothing and 800 tokens of it "
        f"some {milliseconds(BACKGROUND / TIERS['large'].prefill_tokens_per_second)}. To get from 4.1 to 2.3 s the answer has to become shorter. That a direct instruction shortens "
        "answers is plausible; the order of the prompt is not the reason.",
    )


async def timed_outputs(c: Caller, model: str, outputs: Sequence[int]) -> Figures:
    """Seconds of answers of stated length to one prompt, and until the first word of the first."""
    prompt = text(600)
    replies = await c.in_order(*(c.asking(model, prompt, writes=n) for n in outputs))
    times = {str(n): reply.seconds for n, reply in zip(outputs, replies, strict=True)}
    return {**times, "first word": replies[0].first}


async def output_tokens(c: Caller) -> Figures:
    return await timed_outputs(c, LARGE, (800, 560, 320, 300))


def judge_output_tokens(f: Measured) -> Judgement:
    writing = 1 - f["first word"] / f["800"]
    said = (
        f"800 tokens {seconds(f['800'])}, of which {writing:.0%} pass after the first word; 300 tokens "
        f"{seconds(f['300'])}. A schema that saves 30 % of 800: −{1 - f['560'] / f['800']:.0%} of the time; 60 %: "
        f"−{1 - f['320'] / f['800']:.0%}."
    )
    return judged(said, holds=writing > 0.5, at_best=IN_PART, why=STUB)


async def reasoning(c: Caller) -> Figures:
    return await timed_outputs(c, MEDIUM, (60, 300, 600))


def judge_reasoning(f: Measured) -> Judgement:
    """As many times the tokens, as many times the time of writing; the wait for the first word stays."""
    five, ten = f["300"] / f["60"], f["600"] / f["60"]
    said = (
        f"60 tokens of answer {seconds(f['60'])}; 5 times the output {seconds(f['300'])} ({five:.1f}×), 10 times "
        f"{seconds(f['600'])} ({ten:.1f}×): less than the tokens, for the first word costs the same."
    )
    writing = [f[n] - f["first word"] for n in ("60", "300", "600")]
    holds = near(writing[1] / writing[0], 5) and near(writing[2] / writing[0], 10)
    return judged(said, holds=holds, at_best=IN_PART, why=STUB)


MIX = ((SMALL, 60, 14), (MEDIUM, 150, 4), (LARGE, 300, 2))


async def routed(c: Caller, *, classify: bool) -> list[float]:
    """Seconds of each of twenty requests, four calls at a time: the engine's limit on a named resource."""
    wanted = [(model, output) for model, output, share in MIX for _ in range(share)]
    chains = [request(c, n, model, output, classify=classify) for n, (model, output) in enumerate(wanted)]
    _, result = await c.timed(TaskGraph([task for each in chains for task in each], {"calls": 4}))
    return sorted(sum(result[task.name].seconds for task in each) for each in chains)


def request(c: Caller, number: int, model: str, output: int, *, classify: bool) -> list[Task]:
    """Answered by the large model, or classified by the small one and answered by the one that it takes."""
    answer = c.asking(model if classify else LARGE, text(600), writes=output)
    steps = [c.asking(SMALL, text(600), writes=5), answer] if classify else [answer]
    return [replace(task, uses=("calls",)) for task in chain(f"request {number}", steps)]


async def routing(c: Caller) -> Figures:
    small, large, thinking = await c.in_order(
        *(c.asking(model, text(600), writes=n) for model, n in ((SMALL, 5), (LARGE, 5), (LARGE, 125)))
    )
    all_large, routed_ = await routed(c, classify=False), await routed(c, classify=True)
    return {
        "small": small.seconds,
        "large": large.seconds,
        "large, reasoning": thinking.seconds,
        "all to large: median": median(all_large),
        "routed: median": median(routed_),
        "all to large: slowest": all_large[-1],
        "routed: slowest": routed_[-1],
    }


def judge_routing(f: Measured) -> Judgement:
    alone, both = f["large"] / f["small"], f["large, reasoning"] / f["small"]
    said = (
        f"a label of 5 tokens: small {seconds(f['small'])}, large {seconds(f['large'])} ({alone:.1f}×), large with "
        f"120 tokens of reasoning {seconds(f['large, reasoning'])} ({both:.1f}×). Twenty requests (14 easy, 4 medium, "
        f"2 hard): median {seconds(f['all to large: median'])} to {seconds(f['routed: median'])} with a classifier in "
        f"front; slowest {seconds(f['all to large: slowest'])} to {seconds(f['routed: slowest'])}."
    )
    falls = f["routed: median"] < f["all to large: median"]
    return judged(
        said,
        holds=5 <= alone <= 10 and falls,
        otherwise=IN_PART if falls else NOT_AS_TOLD,
        why="What the models' rates alone bring is less than the claim; the rest is the reasoning left out, and its "
        "length is ours.",
    )


async def streaming(c: Caller) -> Figures:
    """When something is there to read: streamed, all at once, and during a tool call with a status line."""
    streamed, at_once = await c.in_order(*(c.asking(MEDIUM, text(600), writes=n) for n in (238, 148)))
    began, seen = c.now(), []

    async def search(inputs: Inputs) -> None:
        inputs.emit("Searching for flights…")
        await c.look_up(2000)

    async def answer(inputs: Inputs) -> None:
        await c.ask(SMALL, text(300), writes=60, on_text=inputs.emit)

    graph = TaskGraph([Task("search", call=search), Task("answer", ("search",), call=answer)])
    await c.timed(graph, on_output=lambda task, piece: seen.append((task, c.now() - began)))
    first_words = next(at for task, at in seen if task == "answer")
    return {
        "streamed: first": streamed.first,
        "streamed: whole": streamed.seconds,
        "at once: whole": at_once.seconds,
        "status": seen[0][1],
        "answer: first": first_words,
    }


def judge_streaming(f: Measured) -> Judgement:
    said = (
        f"a {f['streamed: whole']:.1f} s answer has its first words after {seconds(f['streamed: first'])} when "
        f"streamed; a {f['at once: whole']:.1f} s answer shown whole has them after "
        f"{seconds(f['at once: whole'])}. During a tool call of 2 s a status line is there after "
        f"{milliseconds(f['status'], 1)}, the answer's first words after {seconds(f['answer: first'])}."
    )
    sooner = f["streamed: first"] < f["at once: whole"] and f["status"] < f["answer: first"]
    return judged(
        said,
        holds=sooner,
        at_best=IN_PART,
        why="How long people *feel* they waited (−35 %) is a user study; no program measures it.",
    )


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
