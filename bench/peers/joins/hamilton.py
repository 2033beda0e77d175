"""Hamilton: the answer is a function of all its branches; there is no other kind."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from hamilton import ad_hoc_utils, async_driver, base

_modules = count()


async def run(branches: Mapping[str, float], receive: Callable[[str], None]) -> None:
    def branch(name: str, seconds: float) -> Any:
        async def call() -> str:
            await asyncio.sleep(seconds)
            return name

        call.__name__ = call.__qualname__ = name
        return call

    async def answer(**ended: str) -> int:
        for name in ended:
            receive(name)
        return len(ended)

    keyword = inspect.Parameter.KEYWORD_ONLY
    answer.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, keyword, annotation=str) for name in branches], return_annotation=int
    )
    answer.__annotations__ = {**dict.fromkeys(branches, str), "return": int}
    calls = [branch(*each) for each in branches.items()]
    module = ad_hoc_utils.create_temporary_module(*calls, answer, module_name=f"joined{next(_modules)}")
    driver = async_driver.AsyncDriver({}, module, result_builder=base.DictResult())
    await driver.ainit()
    await driver.execute(["answer"])
