"""What a call costs, in US dollars. Prices are dollars per million tokens, dated and sourced.

Cache factors are not repeated here: they belong to the rule set (`cache.RULES`) that the price names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from coach.engine.cache import RULES, CacheRules, CacheUse
from coach.engine.errors import PromptError


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """One model's price. `input_usd`, `output_usd`: dollars per million tokens; `tier`: its speed in
    `timing.TIERS`.

    A prompt of more than `long_prompt_tokens` multiplies every rate by `long_prompt_factor` (0 tokens = no
    such rule).
    """

    model: str
    tier: str
    input_usd: float
    output_usd: float
    rules: CacheRules
    dated: str
    source: str
    long_prompt_tokens: int = 0
    long_prompt_factor: float = 1.0

    def factor(self, prompt_tokens: float) -> float:
        """The factor on every rate for a prompt of that length."""
        return self.long_prompt_factor if 0 < self.long_prompt_tokens < prompt_tokens else 1.0


def _today(
    model: str, tier: str, prices: tuple[float, float], *, above: int = 0, factor: float = 1.0
) -> Price:
    return Price(
        model=model,
        tier=tier,
        input_usd=prices[0],
        output_usd=prices[1],
        rules=RULES[f"anthropic-2026-10-{model}"],
        dated="2026-10",
        source="Anthropic: pricing page",
        long_prompt_tokens=above,
        long_prompt_factor=factor,
    )


_PRICES = (
    _today("claude-haiku-5-5", "small", (0.10, 0.50), above=100_000, factor=5.0),
    _today("claude-sonnet-5-5", "medium", (2.0, 10.0)),
    _today("claude-opus-5-5", "large", (4.0, 20.0)),
    Price(
        model="claude-3-5-sonnet",
        tier="medium",
        input_usd=3.0,
        output_usd=15.0,
        rules=RULES["anthropic-2024-08"],
        dated="2024-08",
        source="Anthropic: Prompt caching with Claude (announcement, 14 August 2024)",
    ),
    Price(
        model="gpt-4o",
        tier="medium",
        input_usd=2.5,
        output_usd=10.0,
        rules=RULES["openai-2024-10"],
        dated="2024-10",
        source="OpenAI: Prompt Caching in the API (announcement, 1 October 2024)",
    ),
    Price(
        model="gpt-5.6-terra",
        tier="medium",
        input_usd=2.5,
        output_usd=15.0,
        rules=RULES["openai-today"],
        dated="2026-06",
        source="OpenAI: GPT-5.6 announcement (second-hand)",
    ),
)

PRICES: Mapping[str, Price] = MappingProxyType({price.model: price for price in _PRICES})
"""Prices by model id; each carries its date and its source."""

TIER_MODELS: Mapping[str, str] = MappingProxyType(
    {"small": "claude-haiku-5-5", "medium": "claude-sonnet-5-5", "large": "claude-opus-5-5"}
)
"""The model of today that stands for each tier of `timing.TIERS`."""


def price_of(model: str) -> Price:
    """The price of a model, or of a tier's model. Raises PromptError naming the known ones."""
    try:
        return PRICES[TIER_MODELS.get(model, model)]
    except KeyError:
        raise PromptError(f"No price for “{model}”; known: {', '.join(PRICES)}.") from None


def cost_usd(
    price: Price,
    *,
    fresh: float = 0,
    read: float = 0,
    written: Mapping[str, float] | Mapping[str, int] | None = None,
    output: float = 0,
) -> float:
    """Dollars of one call.

    `written`: tokens by lifetime ("5m", "1h"). Raises PromptError for an unknown lifetime.
    """
    written = written or {}
    factor = price.factor(fresh + read + sum(written.values()))
    units = fresh + read * price.rules.read_multiplier
    for ttl, tokens in written.items():
        multiplier = price.rules.write_multiplier.get(ttl)
        if multiplier is None:
            raise PromptError(f"{price.rules.name} has no lifetime “{ttl}”.")
        units += tokens * multiplier
    return factor * (units * price.input_usd + output * price.output_usd) / 1_000_000


def cost_of_use(price: Price, use: CacheUse, *, output: float = 0) -> float:
    """Dollars of one call whose prompt used the cache like this."""
    return cost_usd(price, fresh=use.fresh, read=use.read, written=use.written_by_ttl, output=output)
