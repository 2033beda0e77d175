"""Classify, then route: a small model decides which tier answers. Units: seconds, tokens, US dollars.

The median falls although the hard requests get slower by one hop, because most requests end in a fast tier
(Anthropic, Building effective agents, 2024). A cache entry belongs to one model, so routing also splits the
cache: `cached_tokens` says per tier what its own calls find.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from coach.engine.errors import PromptError
from coach.engine.pricing import Price, cost_usd
from coach.engine.timing import Tier, total_seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """One tier as it is used: its speed, its price, the tokens of its prompt that it finds cached."""

    tier: Tier
    price: Price
    cached_tokens: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestClass:
    """A kind of request.

    `share`: weight among all; `seat`: the least tier that answers it well enough, by name.
    """

    name: str
    share: float
    seat: str
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Classifier:
    """The first step.

    `accuracy` (0 to 1): share of requests sent to the right tier; the others are answered twice.
    """

    seat: str
    input_tokens: int
    output_tokens: int = 5
    accuracy: float = 1.0


@dataclass(frozen=True, slots=True)
class RoutingResult:
    """Latency in seconds (weighted by share) and mean dollars of one request."""

    mean_seconds: float
    p50_seconds: float
    p95_seconds: float
    mean_cost_usd: float


def route_all_to(seat: str, classes: Sequence[RequestClass], seats: Mapping[str, Seat]) -> RoutingResult:
    """Every request is answered by one tier, without a classifier. Raises PromptError for an unknown seat."""
    _check(classes)
    return _result([(c.share, *_call(seats, seat, c.input_tokens, c.output_tokens)) for c in classes])


def classify_then_route(
    classes: Sequence[RequestClass], seats: Mapping[str, Seat], classifier: Classifier, *, fallback: str
) -> RoutingResult:
    """Every request is classified first; a request sent to the wrong tier is answered again by `fallback`.

    Raises PromptError for an unknown seat, an accuracy outside 0..1, or shares that do not add up to
    something.
    """
    _check(classes)
    if not 0 <= classifier.accuracy <= 1:
        raise PromptError("An accuracy lies between 0 and 1.")
    hop = _call(seats, classifier.seat, classifier.input_tokens, classifier.output_tokens)
    parts: list[tuple[float, float, float]] = []
    for request in classes:
        right = _call(seats, request.seat, request.input_tokens, request.output_tokens)
        again = _call(seats, fallback, request.input_tokens, request.output_tokens)
        seconds, usd = hop[0] + right[0], hop[1] + right[1]
        parts.append((request.share * classifier.accuracy, seconds, usd))
        parts.append((request.share * (1 - classifier.accuracy), seconds + again[0], usd + again[1]))
    return _result(parts)


def _check(classes: Sequence[RequestClass]) -> None:
    if not classes or min(c.share for c in classes) < 0 or sum(c.share for c in classes) <= 0:
        raise PromptError("Routing needs request classes with shares above zero.")


def _call(seats: Mapping[str, Seat], name: str, tokens: int, output: int) -> tuple[float, float]:
    seat = seats.get(name)
    if seat is None:
        raise PromptError(f"No tier “{name}”; known: {', '.join(seats)}.")
    read = min(seat.cached_tokens, tokens)
    seconds = total_seconds(seat.tier, fresh=tokens - read, read=read, output=output)
    return seconds, cost_usd(seat.price, fresh=tokens - read, read=read, output=output)


def _result(parts: Sequence[tuple[float, float, float]]) -> RoutingResult:
    total = sum(share for share, _, _ in parts)
    return RoutingResult(
        mean_seconds=sum(share * seconds for share, seconds, _ in parts) / total,
        p50_seconds=_weighted_percentile(parts, 0.50 * total),
        p95_seconds=_weighted_percentile(parts, 0.95 * total),
        mean_cost_usd=sum(share * usd for share, _, usd in parts) / total,
    )


def _weighted_percentile(parts: Sequence[tuple[float, float, float]], rank: float) -> float:
    reached = 0.0
    ordered = sorted((seconds, share) for share, seconds, _ in parts if share > 0)
    for seconds, share in ordered:
        reached += share
        if reached >= rank - 1e-12:
            return seconds
    return ordered[-1][0]
