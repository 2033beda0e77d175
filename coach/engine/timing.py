"""How long one model call takes. Units: seconds, tokens, tokens per second.

    time to first token = base + fresh / prefill rate + cached / cache-load rate
    total               = time to first token + output / decode rate

The defaults are this project's, chosen so that two published figures come out: a 45,000-token document whose
time to first token falls by 85 % on a hit (Anthropic, August 2024), and a 50,000-token prompt that takes 3 to
4 s cold and less than 0.5 s on a hit (as reported in the same year). Decode rates follow the usual order of
the tiers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from coach.engine.errors import PromptError


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """The speed of one size of model. All rates in tokens per second and above zero; `base_seconds` >= 0."""

    name: str
    base_seconds: float
    prefill_tokens_per_second: float
    cache_load_tokens_per_second: float
    decode_tokens_per_second: float

    def __post_init__(self) -> None:
        rates = (
            self.prefill_tokens_per_second,
            self.cache_load_tokens_per_second,
            self.decode_tokens_per_second,
        )
        if self.base_seconds < 0 or min(rates) <= 0:
            raise PromptError(
                f"Tier “{self.name}” needs rates above zero and a base of at least zero seconds."
            )


TIERS: Mapping[str, Tier] = MappingProxyType(
    {
        "small": Tier(
            name="small",
            base_seconds=0.20,
            prefill_tokens_per_second=17_000,
            cache_load_tokens_per_second=220_000,
            decode_tokens_per_second=180,
        ),
        "medium": Tier(
            name="medium",
            base_seconds=0.32,
            prefill_tokens_per_second=16_000,
            cache_load_tokens_per_second=300_000,
            decode_tokens_per_second=90,
        ),
        "large": Tier(
            name="large",
            base_seconds=0.34,
            prefill_tokens_per_second=14_000,
            cache_load_tokens_per_second=350_000,
            decode_tokens_per_second=60,
        ),
    }
)
"""The three tiers, smallest first. See the module's text for where the figures come from."""


def time_to_first_token(tier: Tier, *, fresh: float, read: float = 0) -> float:
    """Seconds until the first output token.

    `fresh` are all tokens not read from the cache, written ones included.
    """
    return (
        tier.base_seconds + fresh / tier.prefill_tokens_per_second + read / tier.cache_load_tokens_per_second
    )


def total_seconds(tier: Tier, *, fresh: float, read: float = 0, output: float = 0) -> float:
    """Seconds until the last output token; reasoning tokens count as output, for they are decoded one by one
    too.
    """
    return time_to_first_token(tier, fresh=fresh, read=read) + output / tier.decode_tokens_per_second
