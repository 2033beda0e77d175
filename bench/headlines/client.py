"""What the programs of the headlines share: the SDK, texts of a stated length, graphs on a scaled clock."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import anthropic

from coach.engine.graph import Fixed, Task, TaskGraph
from coach.engine.runner import RunResult, run

SMALL, MEDIUM, LARGE = "claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5"
OF_2024 = "claude-3-5-sonnet"
LOOKUP = "lookup"
DEADLINE_SECONDS = 120.0
_texts = count()

Figures = dict[str, float]


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

    `play` gives figures; `judge` takes their medians and says whether the claim comes out (reproduced, in
    part, not as told) and in what words.
    """

    id: str
    claimed: str
    how: str
    play: Callable[[Caller], Awaitable[Figures]]
    judge: Callable[[Figures], tuple[str, str]]
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
        """One streamed call."""
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

    async def timed(self, graph: TaskGraph, **how: Any) -> tuple[float, RunResult]:
        """The engine runs it: seconds and what came out."""
        began = self.now()
        result = await run(graph, deadline_seconds=DEADLINE_SECONDS, on_span=lambda span: None, **how)
        return self.now() - began, result

    async def both_ways(self, *tasks: Task) -> tuple[float, float]:
        """Seconds at once and in a row."""
        graph = TaskGraph(tasks)
        at_once, _ = await self.timed(graph)
        in_a_row, _ = await self.timed(graph.one_at_a_time())
        return at_once, in_a_row


def seconds(value: float) -> str:
    """0.61 s."""
    return f"{value:.2f} s"


def near(value: float, target: float, share: float = 0.05) -> bool:
    return abs(value - target) <= share * abs(target)


REPRODUCED, IN_PART, NOT_AS_TOLD = "reproduced", "in part", "not as told"


def verdict(*, holds: bool, otherwise: str = NOT_AS_TOLD) -> str:
    return REPRODUCED if holds else otherwise
