"""Blocking tasks: each has a thread, and a thread cannot be stopped."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from coach.engine.errors import TaskTimeout
from coach.engine.graph import Fixed, Task, TaskGraph
from coach.engine.runner import Inputs, remaining, run


def test_blocking_tasks_run_in_threads_and_know_the_deadline() -> None:
    def blocking(inputs: Inputs) -> tuple[int, bool]:
        time.sleep(0.01)
        return threading.get_ident(), 0 < (remaining() or 0.0) <= 5

    with ThreadPoolExecutor(2) as pool:
        graph = TaskGraph([Task("a", call=blocking, blocking=True), Task("b", call=blocking, blocking=True)])
        result = asyncio.run(run(graph, pool=pool, deadline_seconds=5))
    for thread, in_time in result.values.values():
        assert thread != threading.get_ident()
        assert in_time


def test_a_blocking_task_can_emit() -> None:
    out: list[Any] = []

    def blocking(inputs: Inputs) -> str:
        inputs.emit("piece")
        return "done"

    graph = TaskGraph([Task("a", call=blocking, blocking=True), Task("b", ("a",), duration=Fixed(0.01))])
    result = asyncio.run(run(graph, on_output=lambda task, piece: out.append((task, piece))))
    assert result["a"] == "done"
    assert out == [("a", "piece")]


def test_a_thread_is_abandoned_when_its_task_times_out() -> None:
    go = threading.Event()

    def blocking(inputs: Inputs) -> None:
        go.wait(5)
        inputs.emit("too late")

    async def main(pool: ThreadPoolExecutor) -> None:
        with pytest.raises(TaskTimeout):
            await run(TaskGraph([Task("a", call=blocking, blocking=True, timeout_seconds=0.01)]), pool=pool)
        assert len(asyncio.all_tasks()) == 1
        go.set()

    with ThreadPoolExecutor(1) as pool:
        asyncio.run(main(pool))


def _own_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("engine")]


def test_every_blocking_task_that_is_ready_has_a_thread() -> None:
    count = min(32, (os.cpu_count() or 1) + 4) + 8
    together = threading.Barrier(count)

    def meet(inputs: Inputs) -> int:
        return together.wait(10)

    graph = TaskGraph(Task(f"t{i}", call=meet, blocking=True) for i in range(count))
    met = asyncio.run(run(graph)).values
    assert sorted(met.values()) == list(range(count))
    for thread in _own_threads():
        thread.join(10)
        assert not thread.is_alive()


def test_an_abandoned_thread_takes_nobodys_place_and_holds_no_run_back() -> None:
    go = threading.Event()

    def stuck(inputs: Inputs) -> None:
        go.wait(10)

    abandoned = [Task(f"t{i}", call=stuck, blocking=True, timeout_seconds=0.01) for i in range(40)]
    names = tuple(task.name for task in abandoned)
    after = Task("after", names, on_failure="collect", call=lambda inputs: "done", blocking=True)
    assert asyncio.run(run(TaskGraph([*abandoned, after])))["after"] == "done"
    assert len(_own_threads()) >= len(abandoned)
    go.set()
    for thread in _own_threads():
        thread.join(10)
