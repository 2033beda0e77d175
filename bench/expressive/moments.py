"""Moments of single runs: the first piece of a join, the end at a deadline, the cancellation of a loser."""

from __future__ import annotations

import asyncio
import time

from coach.engine.errors import DeadlineExceeded
from coach.engine.graph import Condition, Fixed, LogNormal, Task, TaskGraph
from coach.engine.runner import Inputs, run
from coach.engine.simulation import simulate_many

BRANCHES = {"flights": 0.8, "hotels": 0.6, "visa": 0.45, "loyalty": 0.12}
SEED = 20261122


async def streaming_join() -> dict[str, float]:
    """Seconds until the answer's first piece, until the last, and how many branches it received."""
    began = time.perf_counter()
    pieces: list[float] = []

    async def compose(inputs: Inputs) -> int:
        received = 0
        async for name, _ in inputs.arrivals():
            inputs.emit(name)
            received += 1
        return received

    tasks = [Task(name, duration=Fixed(seconds)) for name, seconds in BRANCHES.items()]
    graph = TaskGraph([*tasks, Task("compose", tuple(BRANCHES), join="stream", call=compose)])
    result = await run(
        graph,
        deadline_seconds=10,
        on_span=lambda span: None,
        on_output=lambda task, piece: pieces.append(time.perf_counter() - began),
    )
    return {"first": pieces[0], "last": pieces[-1], "received": float(result["compose"])}


async def deadline_kept(width: int) -> float:
    """Seconds from the deadline to the end of a run of so many waiting tasks, below zero where it ended before;
    all of them have ended by then."""
    ended = 0

    async def wait(_: Inputs) -> None:
        nonlocal ended
        try:
            await asyncio.sleep(30)
        finally:
            ended += 1

    graph = TaskGraph([Task(f"t{i}", call=wait) for i in range(width)])
    began = time.perf_counter()
    try:
        await run(graph, deadline_seconds=0.2, on_span=lambda span: None)
    except DeadlineExceeded:
        over = time.perf_counter() - began - 0.2
        assert ended == width, "a task was left behind"
        return over
    raise AssertionError("the deadline did not come")


async def losers_told(width: int) -> float:
    """Seconds from the moment of the decision to the last loser's cancellation."""
    decided = 0.0
    told: list[float] = []

    async def decide(_: Inputs) -> None:
        nonlocal decided
        await asyncio.sleep(0.05)
        decided = time.perf_counter()

    async def lose(_: Inputs) -> None:
        try:
            await asyncio.sleep(30)
        finally:
            told.append(time.perf_counter())

    losers = [
        Task(f"l{i}", condition=Condition("decide", 0.5), speculative=True, effects="pure", call=lose)
        for i in range(width)
    ]
    graph = TaskGraph([Task("decide", call=decide), *losers])
    refused = {task.name: False for task in losers}
    await run(graph, deadline_seconds=10, on_span=lambda span: None, needed=refused)
    assert len(told) == width, "a loser was left running"
    return max(told) - decided


async def race_won(width: int) -> float:
    """Seconds from the end of the one that wins a race to the cancellation of the last that loses it."""
    won = 0.0
    told: list[float] = []

    async def win(_: Inputs) -> None:
        nonlocal won
        await asyncio.sleep(0.05)
        won = time.perf_counter()

    async def lose(_: Inputs) -> None:
        try:
            await asyncio.sleep(30)
        finally:
            told.append(time.perf_counter())

    racers = [Task("win", call=win), *(Task(f"l{i}", call=lose) for i in range(width))]
    names = tuple(task.name for task in racers)
    result = await run(
        TaskGraph([*racers, Task("race", names, first=1)]), deadline_seconds=10, on_span=lambda span: None
    )
    assert "race" in result.values
    assert len(told) == width, "a loser was left running"
    return max(told) - won


def simulator_seconds() -> float:
    """A thousand jittered runs of the travel graph."""
    tasks = [Task(name, duration=LogNormal(s, 2 * s)) for name, s in BRANCHES.items()]
    graph = TaskGraph([*tasks, Task("compose", tuple(BRANCHES), duration=LogNormal(0.3, 0.6))])
    cpu = time.process_time()
    simulate_many(graph, runs=1000, seed=SEED)
    return time.process_time() - cpu
