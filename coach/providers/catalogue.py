"""The models that can be asked: context, longest answer, least thinking, effort, all of `DATED`.

Source: Anthropic, models overview, thinking, effort.

Prices and cache rules are the engine's (`pricing.PRICES`, `rules.RULES`), each with its date and source; none
is repeated here. Units: tokens, US dollars per million tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from coach.engine.pricing import PRICES, TIER_MODELS, Price
from coach.engine.rules import CacheRules

DATED = "2026-10"

Tier = Literal["small", "medium"]
TIERS: tuple[Tier, ...] = ("small", "medium")
"""Who classifies, and who writes. There is no larger one for what is hard: a cache belongs to one model, so a
turn in five with it would have the conversation paid anew."""

Thinking = Mapping[str, str]
Effort = Literal["low", "medium", "high"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model as it is asked. `thinking`: the least that it takes; `effort`; None where it has no such
    setting. Both are the same in every call, because a change of either empties the cache of the messages.
    """

    id: str
    price: Price
    context_tokens: int
    output_tokens: int
    thinking: Thinking | None = None
    effort: Effort | None = None

    @property
    def billed(self) -> bool:
        """Whether anybody pays for it. Where nobody does, no cache is reported either."""
        return self.price.input_usd > 0

    @property
    def rules(self) -> CacheRules:
        """The rules of its prefix cache."""
        return self.price.rules


def _today(name: str, thinking: Thinking, effort: Effort) -> Model:
    return Model(
        id=name,
        price=PRICES[name],
        context_tokens=1_000_000,
        output_tokens=128_000,
        thinking=thinking,
        effort=effort,
    )


MODELS: Mapping[str, Model] = MappingProxyType(
    {
        model.id: model
        for model in (
            _today("claude-haiku-5-5", {"type": "disabled"}, "low"),
            _today("claude-sonnet-5-5", {"type": "between_tools"}, "medium"),
            # It always thinks; where that is sent along, it is seen to make progress.
            _today("claude-opus-5-5", {"type": "adaptive", "display": "summarized"}, "medium"),
        )
    }
)
"""By id: the models whose price is known."""

_OWN_MACHINE = CacheRules(
    name="own-machine",
    dated=DATED,
    source="Servers of open models: whatever they keep, they neither take breakpoints nor report it.",
    minimum_tokens=0,
    max_breakpoints=4,
    lookback=20,
    automatic=False,
    ttls={"5m": 300.0, "1h": 3600.0},
    write_multiplier={"5m": 1.0, "1h": 1.0},
    read_multiplier=1.0,
)


def default_model(tier: Tier) -> str:
    """The id of today's model of a tier."""
    return TIER_MODELS[tier]


def own_model(name: str, tier: Tier, context_tokens: int) -> Model:
    """A model on a machine of one's own: nobody bills it, and its server knows no newer settings."""
    price = Price(
        model=name,
        tier=tier,
        input_usd=0.0,
        output_usd=0.0,
        rules=_OWN_MACHINE,
        dated=DATED,
        source="No price: it runs on a machine of one's own.",
    )
    return Model(id=name, price=price, context_tokens=context_tokens, output_tokens=context_tokens)
