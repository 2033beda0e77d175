"""The rules of the providers' prefix caches, as data: each set with its date and its source.

Units: seconds, tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from coach.engine.errors import PromptError
from coach.engine.prompt import TTL_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheRules:
    """One provider's rules as of one date.

    `minimum_tokens`: shorter prefixes are silently not cached. `lookback`: positions looked at per
    breakpoint, its own included. `automatic`: entries without breakpoints. `ttls`: lifetime name -> seconds,
    the first is the default. `write_multiplier`, `read_multiplier`: factors on the price of an input token.
    `granularity_tokens`: reads are rounded down to a multiple of it (1 = exact). `reads_count`: whether
    tokens read from the cache count towards a limit of input tokens per minute, by `rate_source`.
    """

    name: str
    dated: str
    source: str
    minimum_tokens: int
    max_breakpoints: int
    lookback: int
    automatic: bool
    ttls: Mapping[str, float]
    write_multiplier: Mapping[str, float]
    read_multiplier: float
    granularity_tokens: int = 1
    reads_count: bool = True
    rate_source: str = ""
    note: str = ""

    @property
    def default_ttl(self) -> str:
        """The lifetime that applies when none is asked for."""
        return next(iter(self.ttls))

    def seconds_of(self, ttl: str, /) -> float | None:
        """Seconds of a lifetime, or None when this rule set does not offer it."""
        return self.ttls.get(ttl)


def _anthropic_2026(model: str, minimum: int, read: float, note: str = "") -> CacheRules:
    return CacheRules(
        name=f"anthropic-2026-10-{model}",
        dated="2026-10",
        source="Anthropic: Messages API, Prompt caching; model pages",
        minimum_tokens=minimum,
        max_breakpoints=4,
        lookback=20,
        automatic=False,
        ttls={"5m": TTL_SECONDS["5m"], "1h": TTL_SECONDS["1h"]},
        write_multiplier={"5m": 1.25, "1h": 2.0},
        read_multiplier=read,
        reads_count=False,
        rate_source="Anthropic: Rate limits",
        note=note,
    )


_RULE_SETS = (
    CacheRules(
        name="anthropic-2024-08",
        dated="2024-08",
        source="Anthropic: Prompt caching with Claude (announcement, 14 August 2024)",
        minimum_tokens=1024,
        max_breakpoints=4,
        lookback=1,
        automatic=False,
        ttls={"5m": TTL_SECONDS["5m"]},
        write_multiplier={"5m": 1.25},
        read_multiplier=0.1,
        rate_source="Anthropic: Token-saving updates on the API, March 2025: from then on reads do not count",
        note="Claude 3 Haiku: 2,048 tokens. The look-back came later: only marked positions were compared.",
    ),
    _anthropic_2026("claude-haiku-5-5", 512, 0.1),
    _anthropic_2026("claude-sonnet-5-5", 512, 0.05),
    _anthropic_2026("claude-opus-5-5", 512, 0.05, "Minimum second-hand."),
    _anthropic_2026("claude-sonnet-5", 1024, 0.1),
    _anthropic_2026("claude-sonnet-4-6", 1024, 0.1),
    _anthropic_2026("claude-haiku-4-5", 4096, 0.1),
    CacheRules(
        name="openai-2024-10",
        dated="2024-10",
        source="OpenAI: Prompt Caching in the API (announcement, 1 October 2024)",
        minimum_tokens=1024,
        max_breakpoints=0,
        lookback=1,
        automatic=True,
        ttls={"5m": TTL_SECONDS["5m"]},
        write_multiplier={"5m": 1.0},
        read_multiplier=0.5,
        granularity_tokens=128,
        rate_source="OpenAI: Prompt caching guide: caching does not affect rate limits",
        note="Kept 5 to 10 minutes of inactivity; the shorter is modelled. Writing costs nothing extra.",
    ),
    CacheRules(
        name="openai-today",
        dated="2026-11",
        source="OpenAI: Prompt caching guide (GPT-5.6 family)",
        minimum_tokens=1024,
        max_breakpoints=4,
        lookback=20,
        automatic=True,
        ttls={"30m": TTL_SECONDS["30m"]},
        write_multiplier={"30m": 1.25},
        read_multiplier=0.1,
        granularity_tokens=128,
        rate_source="OpenAI: Prompt caching guide: caching does not affect rate limits",
        note="Kept at least 30 minutes. Models before GPT-5.6 write at no extra cost.",
    ),
)

RULES: Mapping[str, CacheRules] = MappingProxyType({rules.name: rules for rules in _RULE_SETS})
"""All rule sets by name; each carries its date and its source."""


def rules_named(name: str) -> CacheRules:
    """The rule set of that name. Raises PromptError naming the known ones."""
    try:
        return RULES[name]
    except KeyError:
        raise PromptError(f"No rule set “{name}”; known: {', '.join(RULES)}.") from None
