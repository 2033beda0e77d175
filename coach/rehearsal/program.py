"""The options of the server as a program, shared by `manage.py rehearsal` and `python -m coach.rehearsal`."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from coach.engine.timing import TIERS, Tier
from coach.rehearsal.faults import NAMES, FaultPlan
from coach.rehearsal.measures import CHARACTERS, WORDS
from coach.rehearsal.provider import Provider
from coach.rehearsal.scripts import word_orders
from coach.rehearsal.server import Rehearsal, serve

HELP = (
    "Serve the Messages API on the loopback without a model: streams, cache, usage and faults as a provider "
    "has them, words that say that they are a rehearsal."
)
RATES = {
    "base_seconds": "seconds before a model reads",
    "prefill_tokens_per_second": "tokens read a second",
    "cache_load_tokens_per_second": "tokens a second that come from the cache",
    "decode_tokens_per_second": "tokens written a second",
}


def add_options(parser: argparse.ArgumentParser) -> None:
    """All options."""
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--scale", type=float, default=1.0, help="its seconds in one of the clock's")
    for rate, meaning in RATES.items():
        parser.add_argument(f"--{rate.replace('_', '-')}", type=float, help=f"{meaning}, for every model")
    parser.add_argument(
        "--words", action="store_true", help="a word is a token; “[[300]]” orders 300 of them"
    )
    parser.add_argument("--fault", action="append", default=[], metavar="NAME[@AFTER][=AMOUNT]",
                        help=f"one that happens by chance; may be repeated: {', '.join(NAMES)}")  # fmt: skip
    parser.add_argument("--share", type=float, default=0.1, help="how many requests in one meet such a fault")
    parser.add_argument("--seed", type=int, default=0, help="of that chance")
    parser.add_argument("--next", action="append", default=[], metavar="NAME[@AFTER][=AMOUNT]",
                        help="the fault of the next request; may be repeated")  # fmt: skip
    parser.add_argument("--log", type=Path, help="a file that gets what is asked, a line of JSON each")


def made(options: dict[str, Any]) -> Rehearsal:
    """The server that these options describe. Raises ValueError, OSError."""
    faults = FaultPlan(options["fault"], share=options["share"], seed=options["seed"])
    faults.add(*options["next"])
    words = options["words"]
    provider = Provider(
        scale=options["scale"],
        measure=WORDS if words else CHARACTERS,
        tiers={name: _at(tier, options) for name, tier in TIERS.items()},
        delta_tokens=0 if words else Provider.delta_tokens,
    )
    script = word_orders if words else None
    return Rehearsal(
        port=options["port"], provider=provider, script=script, faults=faults, log=options["log"]
    )


def _at(tier: Tier, options: dict[str, Any]) -> Tier:
    return replace(tier, **{rate: options[rate] for rate in RATES if options.get(rate) is not None})


def run(options: dict[str, Any], tell: Callable[[str], None]) -> None:
    """Serves until it is interrupted. `tell` gets the address first. Raises ValueError, OSError."""
    try:
        asyncio.run(serve(made(options), tell))
    except KeyboardInterrupt:
        return
