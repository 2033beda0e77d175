"""A long prefix, cold and cached: time to first token, cost, and how long the entry lives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coach.engine.cache import CacheUse, PrefixCache
from coach.engine.pricing import Price, cost_of_use, price_of
from coach.engine.prompt import Block, Prompt, Stability
from coach.engine.timing import TIERS, Tier, time_to_first_token
from lessons.figures.bars import Stretch, time_bars
from lessons.figures.interactive import (
    Answer,
    InteractiveFigure,
    Outcome,
    Text,
    compared,
    seconds_guess,
    slider,
    tier_choice,
)
from lessons.figures.text import seconds_text, share_text, tokens_text, usd_text

_QUESTION_TOKENS = 50
_DEFAULT: Mapping[str, Any] = {"tokens": 50_000, "tier": "medium", "minutes": 2, "ttl": "5m"}


class CacheControls(forms.Form):
    """The prefix, the model, the pause between two calls and the lifetime that was asked for."""

    tokens = slider(
        gettext_lazy("Tokens in the prefix"), low=250, high=200_000, step=250, initial=_DEFAULT["tokens"]
    )
    minutes = slider(
        gettext_lazy("Minutes since the call before"), low=1, high=90, step=1, initial=_DEFAULT["minutes"]
    )
    tier = tier_choice()
    ttl = forms.ChoiceField(
        label=gettext_lazy("Lifetime in the cache"),
        choices=[("5m", gettext_lazy("5 minutes")), ("1h", gettext_lazy("1 hour"))],
        initial=_DEFAULT["ttl"],
    )


@dataclass(frozen=True, slots=True)
class _Call:
    use: CacheUse
    tier: Tier
    price: Price

    @property
    def uncached(self) -> int:
        return self.use.written + self.use.fresh

    @property
    def ttft_seconds(self) -> float:
        return time_to_first_token(self.tier, fresh=self.uncached, read=self.use.read)

    @property
    def cost_usd(self) -> float:
        return cost_of_use(self.price, self.use)


class CacheFirstToken(InteractiveFigure):
    """Two calls with the same prefix through the engine's cache."""

    name: ClassVar[str] = "cache-first-token"
    title: ClassVar[Text] = gettext_lazy("The first token, cold and cached")
    question: ClassVar[Text] = gettext_lazy(
        "Two calls, two minutes apart, begin with the same 50,000 tokens. The medium tier reads them fresh "
        "the first time and finds them in its cache the second. How long until the second answer begins?"
    )
    controls_form: ClassVar[type[forms.Form]] = CacheControls

    def guess_field(self) -> forms.Field:
        """Seconds."""
        return seconds_guess()

    def judge(self, guess: Any) -> Outcome:
        """Close within a quarter: the point is the order of magnitude."""
        _first, second = _two_calls(_DEFAULT)
        close = abs(guess - second.ttft_seconds) <= second.ttft_seconds / 4
        return compared(seconds_text(guess), seconds_text(second.ttft_seconds), close=close)

    def answer(self, values: Mapping[str, Any]) -> Answer:
        """Both calls as bars of time, and what became of the entry."""
        first, second = _two_calls(values)
        later = _("%(minutes)d min later") % {"minutes": values["minutes"]}
        picture = time_bars(
            [(_("First call"), _stretches(first)), (later, _stretches(second))],
            title=_("Time to the first token"),
        )
        return Answer(picture, f"{_fate(values, second)} {_comparison(first, second)}")


def _two_calls(values: Mapping[str, Any]) -> tuple[_Call, _Call]:
    tier, price = TIERS[values["tier"]], price_of(values["tier"])
    cache = PrefixCache(price.rules)
    calls = []
    for number, at_seconds in enumerate((0.0, values["minutes"] * 60.0)):
        prefix = _block("prefix", values["tokens"], Stability.FIXED, ttl=values["ttl"])
        question = _block(f"question {number}", _QUESTION_TOKENS, Stability.CALL)
        use = cache.call(Prompt((prefix, question)), at_seconds, price.model, at_seconds)
        calls.append(_Call(use, tier, price))
    return calls[0], calls[1]


def _block(name: str, tokens: int, stability: Stability, *, ttl: str | None = None) -> Block:
    return Block(name=name, tokens=tokens, stability=stability, fingerprint=name, breakpoint=ttl)


def _stretches(call: _Call) -> list[Stretch]:
    return [
        Stretch(_("before any reading"), call.tier.base_seconds, "base"),
        Stretch(_("reading fresh tokens"), call.uncached / call.tier.prefill_tokens_per_second, "fresh"),
        Stretch(_("loading cached tokens"), call.use.read / call.tier.cache_load_tokens_per_second, "read"),
    ]


def _fate(values: Mapping[str, Any], second: _Call) -> str:
    rules = second.price.rules
    if second.use.hit:
        return _("The entry is still there, and reading it renews it.")
    if values["tokens"] < rules.minimum_tokens:
        return _("Below %(minimum)s tokens this model caches nothing, and says nothing.") % {
            "minimum": tokens_text(rules.minimum_tokens)
        }
    lived = seconds_text(rules.ttls[values["ttl"]])
    return _(
        "The entry lived %(lived)s after its last use: the call is cold, and pays for writing again."
    ) % {"lived": lived}


def _comparison(first: _Call, second: _Call) -> str:
    text = _(
        "First token after %(second)s instead of %(first)s (%(saved)s less); "
        "input for %(cost)s instead of %(paid)s."
    )
    if not second.use.hit:
        text = _("First token after %(second)s again; input for %(cost)s.")
    return text % {
        "first": seconds_text(first.ttft_seconds),
        "second": seconds_text(second.ttft_seconds),
        "saved": share_text(1 - second.ttft_seconds / first.ttft_seconds),
        "paid": usd_text(first.cost_usd),
        "cost": usd_text(second.cost_usd),
    }
