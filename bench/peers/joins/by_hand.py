"""asyncio without any library: the answer takes the branches as they end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping


async def run(branches: Mapping[str, float], receive: Callable[[str], None]) -> None:
    async def branch(name: str, seconds: float) -> str:
        await asyncio.sleep(seconds)
        return name

    for ended in asyncio.as_completed([branch(*each) for each in branches.items()]):
        receive(await ended)
