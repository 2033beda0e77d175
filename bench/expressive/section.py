# .venv/bin/python -m bench.expressive.section --rounds 3
"""Joins that stream from their first branch, deadlines that hold, losers that are told at once, speculation that
saves what the formula says, and a simulator fast enough to ask a thousand times."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from functools import partial
from statistics import fmean
from typing import Any

from bench.expressive import speculation
from bench.expressive.moments import (
    BRANCHES,
    deadline_kept,
    losers_told,
    race_won,
    simulator_seconds,
    streaming_join,
)
from bench.figures import Goal, Promise, Section, Spread, at_most, spread, table
from bench.part import Part, Tell
from bench.peers.joining import joined, joins_text

TRIES = 5
"""Tries of each short measurement in a round."""
OFF = 0.03

Measured = dict[str, list[Any]]

JOIN = at_most("the join that may start at 120 ms: first piece, and all branches received", 125, "ms")
AT_MOST = {
    "loser": at_most("one cancelled loser, after the decision", 1, "ms", digits=2),
    "losers": at_most("the last of 100 losers, after the decision", 1, "ms", digits=2),
    "race": at_most("one loser of a race, after the win", 1, "ms", digits=2),
    "races": at_most("the last of 100 losers of a race, after the win", 1, "ms", digits=2),
}
DEADLINES = {
    "deadline": at_most("a deadline of 200 ms, 4 tasks to stop: off by", 5, "ms", digits=2),
    "deadlines": at_most("the same, 1,000 tasks to stop: off by", 5, "ms", digits=2),
}
SAVED = Promise(
    f"speculation's saving, {speculation.RUNS:,} seeded runs against p × hidden latency", "within 3 %"
)
SIMULATED = Promise(f"the same in the simulator, mean of {len(speculation.SEEDS)} seeds", "within 3 %")
SIMULATOR = at_most("1,000 jittered runs of the travel graph", 60, "ms CPU")

MOMENTS: dict[str, Callable[[], Awaitable[Any]]] = {
    "join": streaming_join,
    "deadline": partial(deadline_kept, 4),
    "deadlines": partial(deadline_kept, 1000),
    "loser": partial(losers_told, 1),
    "losers": partial(losers_told, 100),
    "race": partial(race_won, 1),
    "races": partial(race_won, 100),
}


async def moments(rounds: int) -> Measured:
    """Interleaved: each measurement once, then all again."""
    found: Measured = defaultdict(list)
    await streaming_join()
    for _ in range(rounds * TRIES):
        for name, measure in MOMENTS.items():
            found[name].append(await measure())
        found["simulator"].append(simulator_seconds())
    return found


def measure(rounds: int, tell: Tell) -> Section:
    found = asyncio.run(moments(rounds))
    tell("expressive: moments measured")
    joins, left_out = joined(rounds)
    tell("expressive: other joins measured")
    run = asyncio.run(speculation.play())
    tell("expressive: speculative runs measured")
    simulated = speculation.simulate()
    return Section(
        text="\n\n".join(
            [
                " ".join((__doc__ or "").split()),
                moments_table(found),
                *joins_text(joins, left_out),
                *saving_texts(run, simulated),
            ]
        ),
        goals=(join_goal(found["join"]), *moment_goals(found), *saving_goals(run, simulated)),
        data={"measured": found, "joins": joins, "speculation": run, "speculation, simulated": simulated},
    )


def in_ms(values: list[float]) -> Spread | None:
    return spread(value * 1e3 for value in values)


def told(values: list[float]) -> str:
    found = in_ms(values)
    return found.told(2) if found else ""


def join_goal(joins: list[dict[str, float]]) -> Goal:
    least = min(each["received"] for each in joins)
    return JOIN.of(
        in_ms([each["first"] for each in joins]),
        and_also=least == len(BRANCHES),
        note=f"received in every run: at least {least:.0f} of {len(BRANCHES)}",
    )


def moment_goals(found: Measured) -> list[Goal]:
    plain = [promise.of(in_ms(found[name])) for name, promise in AT_MOST.items()]
    kept = [
        promise.of(
            in_ms([abs(each) for each in found[name]]),
            note=f"all tasks have ended by then; after the deadline, below zero before it: {told(found[name])} ms",
        )
        for name, promise in DEADLINES.items()
    ]
    return [*plain, *kept, SIMULATOR.of(in_ms(found["simulator"]))]


def saving_goals(run: list[dict[str, Any]], simulated: list[dict[str, Any]]) -> list[Goal]:
    offs = [speculation.off(each) for each in run]
    plain = [each["mean_saved"] / each["expected"] - 1 for each in run]
    waits = [
        (1 + off) * each["hidden"] / each["hidden_as_measured"] - 1
        for off, each in zip(offs, run, strict=True)
    ]
    means = [fmean(offs_of(each)) for each in simulated]
    note = (
        "the runner itself, deadline and spans on; medians; against what the waits came to "
        f"{_signed(waits)}; by the plain mean {_signed(plain)}"
    )
    return [
        SAVED.judged(_at_most(offs), kept=_within(offs), note=note),
        SIMULATED.judged(_at_most(means), kept=_within(means), note=f"{len(means)} cases"),
    ]


def _at_most(offs: list[float]) -> str:
    return f"{max(offs, key=abs):+.1%} off at most ({min(offs):+.1%} to {max(offs):+.1%})"


def _signed(offs: list[float]) -> str:
    return ", ".join(f"{each:+.1%}" for each in offs)


def _within(offs: list[float]) -> bool:
    return all(abs(each) <= OFF for each in offs)


def offs_of(case: dict[str, Any]) -> list[float]:
    """By what share each seed's saving is not the formula's."""
    return [seed["saved"] / case["expected"] - 1 for seed in case["seeds"]]


# Words


def saving_texts(run: list[dict[str, Any]], simulated: list[dict[str, Any]]) -> list[str]:
    return [
        f"**Speculation, the runner itself.** {speculation.RUNS:,} seeded runs of each case, a pair every "
        f"{speculation.PAIR_EVERY_SECONDS * 1e3:g} ms: the same run without and with running ahead, side by side, so "
        "that what else the machine does meets both. Hidden latency = min(decider, tool). Exactly a share of p of "
        "the runs need the tool, in an order drawn from the seed. Saved: the medians of those that needed it and of "
        "those that did not, weighed as p does; a standstill of the machine is part of the plain mean only. A wait that ends late on a busy machine is "
        "hidden latency too: beside the stated one stands what the waits came to.",
        run_table(run),
        f"**The same in the simulator**, needs drawn one by one: {len(speculation.SEEDS)} seeds of "
        f"{speculation.RUNS:,} runs. With p = 0.7 chance alone moves one seed's saving by ±1.5 % (one standard "
        "deviation), with p = 0.3 by ±3.4 %.",
        simulated_table(simulated),
    ]


def moments_table(found: Measured) -> str:
    joins = found["join"]
    rows = [
        ["first piece of the streaming join", told([each["first"] for each in joins])],
        ["its last piece", told([each["last"] for each in joins])],
        ["end of a run with a deadline of 200 ms, 4 tasks, after it", told(found["deadline"])],
        ["the same with 1,000 tasks to stop", told(found["deadlines"])],
        ["decision to the loser's cancellation", told(found["loser"])],
        ["the same, the last of 100 losers", told(found["losers"])],
        ["win of a race to the loser's cancellation", told(found["race"])],
        ["the same, the last of 100 losers", told(found["races"])],
        ["1,000 jittered runs in the simulator, CPU", told(found["simulator"])],
    ]
    return table(["", "ms, median (least to most)"], rows)


def run_table(run: list[dict[str, Any]]) -> str:
    rows = [
        [
            each["case"],
            _ms(each["expected"]),
            _ms(each["saved"]),
            f"{speculation.off(each):+.1%}",
            f"{_ms(each['mean_saved'])} ± {_ms(each['standard_error'])}",
            f"{_ms(each['hidden'])}, {_ms(each['hidden_as_measured'])}",
            each["saved_when_needed"].told(1, 1e3),
            each["saved_when_not"].told(1, 1e3),
            f"{_ms(each['wasted'])} ({_ms(each['expected_waste'])})",
        ]
        for each in run
    ]
    head = [
        "decider / tool / p",
        "p × hidden, ms",
        "saved",
        "off",
        "plain mean ± its error",
        "hidden: stated, as measured",
        "saved when needed",
        "when not",
        "wasted ((1 − p) × hidden)",
    ]
    return table(head, rows)


def simulated_table(simulated: list[dict[str, Any]]) -> str:
    rows = []
    for each in simulated:
        offs = spread(offs_of(each))
        saved = in_ms([seed["saved"] for seed in each["seeds"]])
        assert offs is not None
        assert saved is not None
        rows.append([each["case"], _ms(each["expected"]), saved.told(), offs.told(1, 100)])
    return table(["decider / tool / p", "p × hidden, ms", "saved, ms", "off, %"], rows)


def _ms(value: float) -> str:
    return f"{value * 1e3:.1f}"


EXPRESSIVE = Part(
    name="expressive",
    title="2. What dependency order alone does not give",
    command="python -m bench.expressive.section",
    promises=(JOIN, *AT_MOST.values(), *DEADLINES.values(), SIMULATOR, SAVED, SIMULATED),
    measure=measure,
)


if __name__ == "__main__":
    EXPRESSIVE.main()
