"""Keeping a cache warm: none, a warm-up at a time, a keep-alive every k seconds, a longer lifetime.

Two views of the same rule. `Warming` with `warming_times` says at which seconds of a given day warm-up calls
go out (`traffic.replay` runs them). `expected_warming` gives, for one prefix and a sample of the gaps between
calls, the expected cost and the expected cold starts of each strategy, and the best. Units: seconds, tokens,
US dollars.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from coach.engine.errors import PromptError
from coach.engine.pricing import Price, cost_usd


@dataclass(frozen=True, slots=True, kw_only=True)
class Warming:
    """Calls made only to fill or keep the cache, for each group.

    `prewarm_at`: one call per group at this second. `keepalive_every_seconds`: a call whenever a group has
    been idle so long, from its first use until `keepalive_until`. `groups`: group -> the texts that its warm-
    up can know; a block whose text the warm-up cannot know gets a text of its own, and so matches nobody's.
    """

    prewarm_at: float | None = None
    keepalive_every_seconds: float | None = None
    keepalive_until: float = 0.0
    groups: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


def warming_times(uses: Sequence[float], warming: Warming) -> list[tuple[str, float]]:
    """When a group is warmed, given the ascending times of its uses: (kind, second) in order of time."""
    found: list[tuple[str, float]] = []
    if warming.prewarm_at is not None:
        found.append(("prewarm", warming.prewarm_at))
    every = warming.keepalive_every_seconds
    if every is None or every <= 0:
        return found
    marks = [*uses, *(at for _, at in found)]
    marks.sort()
    for position, start in enumerate(marks):
        end = marks[position + 1] if position + 1 < len(marks) else warming.keepalive_until
        end = min(end, warming.keepalive_until)
        count = int((end - start) / every) if end > start else 0
        found += [
            ("keepalive", start + every * step) for step in range(1, count + 1) if start + every * step < end
        ]
    return sorted(found, key=lambda item: item[1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Strategy:
    """One way to keep a prefix warm. `kind`: "none", "prewarm", "keepalive" or "longer_ttl".

    `ttl`: lifetime of the entries ("5m", "1h"). `lead_seconds`: how long before the first call the warm-up
    goes out. `every_seconds`: idle time before a keep-alive call. `tail_seconds`: how long keep-alive goes on
    after a call, because nobody knows whether it was the last; a longer gap is left to lapse.
    """

    kind: str
    ttl: str = "5m"
    lead_seconds: float = 0.0
    every_seconds: float = 0.0
    tail_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class WarmingOutcome:
    """What a strategy does for one session: dollars for the prefix, calls that find it cold, calls made to
    warm it.
    """

    strategy: Strategy
    cost_usd: float
    cold_starts: float
    warming_calls: float


@dataclass(frozen=True, slots=True)
class WarmingChoice:
    """Every strategy's outcome, in the order given, and the one with the least dollars + cold starts x their
    worth.
    """

    outcomes: tuple[WarmingOutcome, ...]
    best: WarmingOutcome


def expected_warming(
    gaps_seconds: Sequence[float],
    *,
    calls: float,
    prefix_tokens: int,
    price: Price,
    strategies: Sequence[Strategy],
    cold_start_usd: float = 0.0,
) -> WarmingChoice:
    """Compare strategies for sessions of `calls` calls whose gaps are like the sample (each gap equally
    likely).

    `cold_start_usd`: what it is worth to spare a user one cold start. Raises PromptError without gaps,
    strategies or calls, for a lifetime that the price's rules do not offer, and for a keep-alive that is not
    every k > 0 seconds.
    """
    if not gaps_seconds or not strategies or calls < 1:
        raise PromptError("Comparing needs at least one gap, one strategy and one call.")
    outcomes = tuple(
        _outcome(strategy, gaps_seconds, calls, _Prefix(prefix_tokens, price, strategy.ttl))
        for strategy in strategies
    )
    best = min(outcomes, key=lambda o: o.cost_usd + o.cold_starts * cold_start_usd)
    return WarmingChoice(outcomes, best)


class _Prefix:
    """Dollars of writing and of reading one prefix, and how long an entry lives."""

    def __init__(self, tokens: int, price: Price, ttl: str) -> None:
        seconds = price.rules.seconds_of(ttl)
        if seconds is None:
            raise PromptError(f"{price.rules.name} has no lifetime “{ttl}”.")
        self.ttl_seconds = seconds
        self.write_usd = cost_usd(price, written={ttl: tokens})
        self.read_usd = cost_usd(price, read=tokens)

    def call_usd(self, *, cold: bool) -> float:
        return self.write_usd if cold else self.read_usd


def _outcome(strategy: Strategy, gaps: Sequence[float], calls: float, prefix: _Prefix) -> WarmingOutcome:
    cost, cold, extra = _first_call(strategy, prefix)
    for gap in gaps:
        weight = (calls - 1) / len(gaps)
        pings, idle = _pings(strategy, gap)
        is_cold = idle >= prefix.ttl_seconds
        cost += weight * (_pings_usd(strategy, pings, prefix) + prefix.call_usd(cold=is_cold))
        cold += weight * is_cold
        extra += weight * pings
    tail, _ = _pings(strategy, strategy.tail_seconds)
    return WarmingOutcome(strategy, cost + _pings_usd(strategy, tail, prefix), cold, extra + tail)


def _first_call(strategy: Strategy, prefix: _Prefix) -> tuple[float, float, float]:
    """(dollars, cold starts, warming calls) of a session's first call and what was done before it."""
    if strategy.kind != "prewarm":
        return prefix.write_usd, 1.0, 0.0
    cold = strategy.lead_seconds >= prefix.ttl_seconds
    return prefix.write_usd + prefix.call_usd(cold=cold), float(cold), 1.0


def _pings(strategy: Strategy, gap_seconds: float) -> tuple[int, float]:
    """(keep-alive calls inside a gap, seconds from the last use to the gap's end)."""
    if strategy.kind != "keepalive":
        return 0, gap_seconds
    if strategy.every_seconds <= 0:
        raise PromptError("A keep-alive needs a number of seconds above zero.")
    count = int(min(gap_seconds, strategy.tail_seconds) / strategy.every_seconds)
    if count and count * strategy.every_seconds >= gap_seconds:
        count -= 1
    return count, gap_seconds - count * strategy.every_seconds


def _pings_usd(strategy: Strategy, pings: int, prefix: _Prefix) -> float:
    return pings * prefix.call_usd(cold=strategy.every_seconds >= prefix.ttl_seconds)
