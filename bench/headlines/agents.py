# var/bench-venvs/anthropic/bin/python -m bench.headlines.agents
"""Six agents over one cold prefix of 40,000 tokens, sent for real in four designs; one line of JSON.

In a row, all at once, one first and the rest at its first output, and what the engine chooses at several
values of a second. Real HTTP through the real SDK, the server's clock twice as fast.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from typing import Any

from bench.headlines.client import MEDIUM, Caller, Reply, marked, text
from bench.headlines.programs import calling
from coach.engine.calls import ModelCall
from coach.engine.graph import Task, TaskGraph
from coach.engine.prefixes import shared_prefixes
from coach.engine.pricing import cost_usd, price_of
from coach.engine.priming import AT_ONCE, IN_A_ROW, PRIMED, in_a_row, prime, primed_by
from coach.engine.prompt import Block, Prompt, Stability
from coach.engine.runner import Inputs

SCALE = 2.0
AGENTS, PREFIX, OWN, OUTPUT = 6, 40_000, 200, 150
VALUES_USD = (0.0, 0.01, 0.1, 0.3, 0.6, 1.0, 3.0, 10.0)


def agents(caller: Caller, shared: str) -> TaskGraph:
    """Six calls that share the text; none waits for another."""
    return TaskGraph([_agent(caller, shared, number) for number in range(AGENTS)])


def _agent(caller: Caller, shared: str, number: int) -> Task:
    own = text(OWN)
    blocks = (
        Block(
            name="shared", tokens=PREFIX, stability=Stability.SHARED, fingerprint=shared[:40], breakpoint="5m"
        ),
        Block(name="own", tokens=OWN, stability=Stability.CALL, fingerprint=own[:40]),
    )

    async def call(inputs: Inputs) -> Reply:
        return await caller.ask(MEDIUM, own, writes=OUTPUT, system=[marked(shared)], on_text=inputs.emit)

    return Task(f"agent{number}", call=call, model_call=ModelCall(Prompt(blocks), MEDIUM, OUTPUT))


def designs(graph: TaskGraph) -> dict[str, TaskGraph]:
    prefix = shared_prefixes(graph)[0]
    return {
        IN_A_ROW: in_a_row(graph, prefix),
        AT_ONCE: graph,
        PRIMED: primed_by(graph, prefix, prefix.tasks[0]),
    }


def shape(graph: TaskGraph) -> frozenset[tuple[str, tuple[str, ...], tuple[str, ...]]]:
    """What of a graph decides when its calls are sent."""
    return frozenset((task.name, task.uses, task.after_output) for task in graph)


def chosen_at(graph: TaskGraph, value: float) -> tuple[dict[str, Any], TaskGraph]:
    """What the engine chooses where a second is worth so many dollars, and why. The design has the name of the
    fixed one that it is, if it is one."""
    chosen = prime(graph, value_of_second_usd=value)
    choice = chosen.choices[0]
    names = {shape(each): name for name, each in designs(graph).items()}
    row = {
        "value": value,
        "design": names.get(shape(chosen.graph), f"{choice.chosen}, some released"),
        "estimates": {
            name: {"seconds": each.seconds, "cost_usd": each.cost_usd}
            for name, each in choice.estimates.items()
        },
        "reason": choice.reason,
    }
    return row, chosen.graph


async def send(caller: Caller, graph: TaskGraph) -> dict[str, float]:
    """Seconds and dollars as they came out, and the CPU of this process."""
    cpu = time.process_time()
    took, result = await caller.timed(graph)
    replies: list[Reply] = list(result.values.values())
    price = price_of(MEDIUM)
    dollars = sum(
        cost_usd(price, fresh=r.fresh, read=r.read, written={"5m": r.written}, output=r.output)
        for r in replies
    )
    return {
        "seconds": took,
        "cost_usd": dollars,
        "written": float(sum(r.written for r in replies)),
        "cpu_seconds": time.process_time() - cpu,
    }


async def play(rounds: int) -> list[dict[str, Any]]:
    """Interleaved: each fixed design, then what the engine chooses at each value of a second, then all again."""
    rows: list[dict[str, Any]] = []
    async with calling(SCALE) as caller:
        for _ in range(rounds):
            for name in (IN_A_ROW, AT_ONCE, PRIMED):
                graph = designs(agents(caller, text(PREFIX)))[name]
                rows.append({"value": None, "design": name, **await send(caller, graph)})
            for value in VALUES_USD:
                row, graph = chosen_at(agents(caller, text(PREFIX)), value)
                rows.append({**row, **await send(caller, graph)})
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    print(json.dumps(asyncio.run(play(parser.parse_args().rounds))))


if __name__ == "__main__":
    main()
