# var/bench-venvs/anthropic/bin/python -m bench.headlines.agents
"""Six agents over one cold prefix of 40,000 tokens, sent for real in four designs; one line of JSON.

In a row, all at once, one first and the rest at its first output, and what the engine chooses at several
values of a second. Real HTTP through the real SDK, the server's clock twice as fast.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from typing import Any

from bench.headlines.client import MEDIUM, SMALL, Caller, Reply, marked, text
from bench.headlines.programs import start
from coach.engine.calls import ModelCall
from coach.engine.graph import Task, TaskGraph
from coach.engine.prefixes import shared_prefixes
from coach.engine.pricing import cost_usd, price_of
from coach.engine.priming import in_a_row, prime, primed_by
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
        "in a row": in_a_row(graph, prefix),
        "at once": graph,
        "primed": primed_by(graph, prefix, prefix.tasks[0]),
    }


async def send(caller: Caller, graph: TaskGraph) -> dict[str, float]:
    """Seconds and dollars as they came out."""
    took, result = await caller.timed(graph)
    replies: list[Reply] = list(result.values.values())
    price = price_of(MEDIUM)
    dollars = sum(
        cost_usd(price, fresh=r.fresh, read=r.read, written={"5m": r.written}, output=r.output)
        for r in replies
    )
    return {"seconds": took, "cost_usd": dollars, "written": float(sum(r.written for r in replies))}


async def play(rounds: int) -> list[dict[str, Any]]:
    server, port = start(SCALE)
    caller = Caller(port, SCALE)
    rows: list[dict[str, Any]] = []
    try:
        await caller.ask(SMALL, text(50_000), writes=1)
        for _ in range(rounds):
            for name in ("in a row", "at once", "primed"):
                graph = agents(caller, text(PREFIX))
                rows.append({"design": name, **await send(caller, designs(graph)[name])})
            for value in VALUES_USD:
                graph = agents(caller, text(PREFIX))
                chosen = prime(graph, value_of_second_usd=value)
                choice = chosen.choices[0]
                row: dict[str, Any] = {
                    "design": "the engine's choice",
                    "value": value,
                    "chosen": choice.chosen,
                }
                row["estimates"] = {name: each.burden_usd for name, each in choice.estimates.items()}
                rows.append({**row, "reason": choice.reason, **await send(caller, chosen.graph)})
    finally:
        await caller.close()
        server.terminate()
        server.wait(timeout=10)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    print(json.dumps(asyncio.run(play(parser.parse_args().rounds))))


if __name__ == "__main__":
    main()
