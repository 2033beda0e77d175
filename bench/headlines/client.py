"""What the programs of the headlines share: the SDK, texts of a stated length, graphs on a scaled clock."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import anthropic

from coach.engine.graph import Fixed, Task, TaskGraph
from coach.engine.inputs import remaining
from coach.engine.runner import Inputs, RunResult, run
from coach.engine.trace import Span

SMALL, MEDIUM, LARGE = "claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5"
OF_2024 = "claude-3-5-sonnet"
LOOKUP = "lookup"
DEADLINE_SECONDS = 120.0
_texts = count()

Figures = dict[str, float]
Step = Callable[[Inputs], Awaitable[Any]]


class Median(float):
    """Of several rounds, with the least and the most of them; calculates as the number that it is."""

    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Median:
        median = cls(statistics.median(values))
        median.least, median.most = min(values), max(values)
        return median


Measured = Mapping[str, float]
"""By the name of a figure its `Median`."""
REPRODUCED, IN_PART, NOT_AS_TOLD = "reproduced", "in part", "not as told"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """Whether a claim comes out, what was measured, and why it does not come out as told, if it does not."""

    verdict: str
    measured: str
    why: str = ""


def judged(
    measured: str,
    *,
    holds: bool,
    why: str = "",
    at_best: str = REPRODUCED,
    otherwise: str = NOT_AS_TOLD,
) -> Judgement:
    """`at_best`: what a claim comes to of which no program can test all; `why` counts unless all of it holds."""
    verdict = at_best if holds else otherwise
    return Judgement(verdict=verdict, measured=measured, why="" if verdict == REPRODUCED else why)


@dataclass(frozen=True, slots=True)
class Reply:
    """Seconds of the provider's clock, tokens by `usage`."""

    first: float
    seconds: float
    read: int
    written: int
    fresh: int
    output: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """One claim of the source and the program that puts it to the test.

    `play` gives figures; `judge` takes what several rounds of them came to.
    """

    id: str
    claimed: str
    how: str
    play: Callable[[Caller], Awaitable[Figures]]
    judge: Callable[[Measured], Judgement]
    scale: float = 1.0


def text(words: int, name: str = "") -> str:
    """So many words, so many tokens; another text each time unless named."""
    first = name or f"text{next(_texts)}"
    return first + " word" * (words - 1) if words else ""


def marked(content: str, ttl: str | None = None) -> dict[str, Any]:
    """A block of a system prompt that ends in a breakpoint."""
    control = {"type": "ephemeral"} if ttl is None else {"type": "ephemeral", "ttl": ttl}
    return {"type": "text", "text": content, "cache_control": control}


def plain(content: str) -> dict[str, Any]:
    return {"type": "text", "text": content}


class Caller:
    """The real SDK against one server. Its times are the provider's: `scale` to a second of the clock."""

    def __init__(self, port: int, scale: float) -> None:
        self.scale = scale
        self.spans = 0
        url = f"http://127.0.0.1:{port}"
        self.client = anthropic.AsyncAnthropic(api_key="loopback", base_url=url, max_retries=0)
        self.blocking = anthropic.Anthropic(api_key="loopback", base_url=url, max_retries=0)

    def now(self) -> float:
        return time.perf_counter() * self.scale

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.scale)

    async def close(self) -> None:
        await self.client.close()
        self.blocking.close()

    async def ask(
        self,
        model: str,
        user: str,
        *,
        writes: int,
        system: Sequence[Mapping[str, Any]] = (),
        on_text: Callable[[str], None] | None = None,
    ) -> Reply:
        """One streamed call, by a task of a run: what the engine does not drive is not measured here."""
        assert remaining() is not None, "asked outside a run of the engine"
        began, first, parts = self.now(), 0.0, []
        async with self.client.messages.stream(
            model=model,
            max_tokens=max(writes, 1),
            system=list(system),  # type: ignore[arg-type]
            messages=[{"role": "user", "content": f"{user} [[{writes}]]"}],
        ) as stream:
            async for piece in stream.text_stream:
                first = first or self.now() - began
                parts.append(piece)
                if on_text is not None:
                    on_text(piece)
            final = await stream.get_final_message()
        usage = final.usage
        return Reply(
            first,
            self.now() - began,
            usage.cache_read_input_tokens or 0,
            usage.cache_creation_input_tokens or 0,
            usage.input_tokens,
            usage.output_tokens,
            "".join(parts),
        )

    async def warm(self, model: str, system: Sequence[Mapping[str, Any]]) -> int:
        """A call that writes nothing but the cache; tokens written."""
        assert remaining() is not None, "asked outside a run of the engine"
        reply = await self.client.messages.create(
            model=model,
            max_tokens=0,
            system=list(system),  # type: ignore[arg-type]
            messages=[{"role": "user", "content": "warm"}],
        )
        return reply.usage.cache_creation_input_tokens or 0

    async def look_up(self, milliseconds: int) -> Reply:
        """A tool that takes so long."""
        return await self.ask(LOOKUP, "look up", writes=milliseconds)

    def look_up_blocking(self, milliseconds: int) -> None:
        """The same through the blocking client."""
        content = f"look up [[{milliseconds}]]"
        self.blocking.messages.create(
            model=LOOKUP, max_tokens=milliseconds, messages=[{"role": "user", "content": content}]
        )

    def tool(self, name: str, milliseconds: int, *needs: str, **more: Any) -> Task:
        """A task of a graph that looks something up."""

        async def call(_: Any) -> Reply:
            return await self.look_up(milliseconds)

        return Task(name, needs, duration=Fixed(milliseconds / 1000), call=call, **more)

    def asking(self, model: str, user: str, **how: Any) -> Step:
        """A step that asks."""

        async def call(inputs: Inputs) -> Reply:
            return await self.ask(model, user, **how)

        return call

    def warming(self, model: str, system: Sequence[Mapping[str, Any]]) -> Step:
        async def call(_: Inputs) -> int:
            return await self.warm(model, system)

        return call

    def until(self, moment: float) -> Step:
        """A step that waits for a moment of the provider's clock."""

        async def call(_: Inputs) -> None:
            await self.sleep(moment - self.now())

        return call

    async def timed(self, graph: TaskGraph, **how: Any) -> tuple[float, RunResult]:
        """The engine runs it, with a deadline and its spans: seconds and what came out."""
        began = self.now()
        result = await run(graph, deadline_seconds=DEADLINE_SECONDS, on_span=self._count, **how)
        return self.now() - began, result

    def _count(self, _: Span) -> None:
        self.spans += 1

    async def in_order(self, *steps: Step) -> list[Any]:
        """What each gives, one after the other: a chain of the engine's tasks."""
        return (await self.side_by_side(steps=steps))["steps"]

    async def side_by_side(self, **chains: Sequence[Step]) -> dict[str, list[Any]]:
        """The same for several chains that run at once, in one graph."""
        tasks = [task for name, steps in chains.items() for task in chain(name, steps)]
        _, result = await self.timed(TaskGraph(tasks))
        return {name: [result[f"{name} {n}"] for n in range(len(steps))] for name, steps in chains.items()}

    async def both_ways(self, *tasks: Task) -> tuple[float, float]:
        """Seconds at once and in a row."""
        graph = TaskGraph(tasks)
        at_once, _ = await self.timed(graph)
        in_a_row, _ = await self.timed(graph.one_at_a_time())
        return at_once, in_a_row


def chain(name: str, steps: Sequence[Step]) -> list[Task]:
    """Tasks of which each needs the one before."""
    return [Task(f"{name} {n}", (f"{name} {n - 1}",) if n else (), call=step) for n, step in enumerate(steps)]


def seconds(value: float) -> str:
    """0.61 s, or 0.61 (0.60 to 0.64) s where rounds differ."""
    least, most = (f"{getattr(value, each, value):.2f}" for each in ("least", "most"))
    return f"{value:.2f} s" if least == most else f"{value:.2f} ({least} to {most}) s"


def milliseconds(value: float, digits: int = 0) -> str:
    least, most = (f"{getattr(value, each, value) * 1e3:.{digits}f}" for each in ("least", "most"))
    middle = f"{value * 1e3:.{digits}f}"
    return f"{middle} ms" if least == most else f"{middle} ({least} to {most}) ms"


TOLERANCE = 0.1
"""A figure is the one that is claimed if it is no more than so far from it: SDK, loopback and a busy machine
add to every one."""


def near(value: float, target: float) -> bool:
    return abs(value - target) <= TOLERANCE * abs(target)


def below(value: float, limit: float) -> bool:
    return value <= limit * (1 + TOLERANCE)
