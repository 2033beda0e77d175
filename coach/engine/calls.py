"""What a task sends to a model, and what that takes by the rules of the model's cache.

Units: seconds, tokens, US dollars.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coach.engine.cache import CacheUse, Laid, PrefixCache, lay
from coach.engine.errors import PromptError
from coach.engine.pricing import Price, cost_of_use, price_of
from coach.engine.prompt import Prompt
from coach.engine.timing import TIERS, Tier, time_to_first_token, total_seconds


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One call of a model: the laid-out prompt, the model's id or its tier's name, the tokens it writes.

    PromptError for a model without a price, a negative output, or breakpoints that the model's rules refuse.
    """

    prompt: Prompt
    model: str
    output_tokens: int = 0

    def __post_init__(self) -> None:
        if self.output_tokens < 0:
            raise PromptError(f"A model cannot write {self.output_tokens} tokens.")
        lay(self.prompt, self.price.rules)

    @property
    def price(self) -> Price:
        """What the model costs; its cache rules are there as well."""
        return price_of(self.model)

    @property
    def tier(self) -> Tier:
        """How fast the model is."""
        return TIERS[self.price.tier]

    @property
    def laid(self) -> Laid:
        """The prompt as the model's cache sees it."""
        return lay(self.prompt, self.price.rules)

    def empty_cache(self) -> PrefixCache:
        """The cache that it meets, with nothing in it."""
        return PrefixCache(self.price.rules)

    def first_output_seconds(self, use: CacheUse) -> float:
        """From the start to the first token."""
        return time_to_first_token(self.tier, fresh=use.fresh + use.written, read=use.read)

    def seconds(self, use: CacheUse) -> float:
        """From the start to the last token."""
        fresh = use.fresh + use.written
        return total_seconds(self.tier, fresh=fresh, read=use.read, output=self.output_tokens)

    def cost_usd(self, use: CacheUse) -> float:
        """Dollars of the call."""
        return cost_of_use(self.price, use, output=self.output_tokens)

    def takes(self, use: CacheUse) -> dict[str, float]:
        """What the call counts for in limits per minute, for `Task.takes`: by the model's rules, reads from
        the cache may not."""
        read = use.read if self.price.rules.reads_count else 0
        return {
            "requests": 1.0,
            "input tokens": float(use.fresh + use.written + read),
            "output tokens": float(self.output_tokens),
        }

    @property
    def takes_cold(self) -> dict[str, float]:
        """The same where nothing is cached."""
        return self.takes(CacheUse(read=0, written=0, fresh=self.laid.sums[-1] if self.laid.sums else 0))

    def took(self, facts: Mapping[str, Any]) -> dict[str, float]:
        """The same by what the call told of itself: tokens_read, tokens_written, tokens_fresh, tokens_output.
        Only what it told; of its input, what it did not tell of was sent fresh."""
        read, written = facts.get("tokens_read", 0), facts.get("tokens_written", 0)
        told: dict[str, float] = {}
        if not facts.keys().isdisjoint(("tokens_read", "tokens_written", "tokens_fresh")):
            rest = max(0.0, self.takes_cold["input tokens"] - read - written)
            use = CacheUse(read=read, written=written, fresh=facts.get("tokens_fresh", rest))
            told["input tokens"] = self.takes(use)["input tokens"]
        if "tokens_output" in facts:
            told["output tokens"] = float(facts["tokens_output"])
        return told
