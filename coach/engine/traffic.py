"""A day of calls through one prompt layout: per call what was cached, how long the first token took, what it
cost.

Units: seconds since midnight (or any common zero), tokens, US dollars. Pure and deterministic: 2,000 calls
take milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from coach.engine.cache import CacheRules, CacheUse, Laid, PrefixCache, check_marks
from coach.engine.percentiles import percentile
from coach.engine.pricing import Price, cost_of_use
from coach.engine.prompt import Prompt, chain_keys, running_sums
from coach.engine.timing import Tier, time_to_first_token
from coach.engine.warming import Warming, warming_times


@dataclass(frozen=True, slots=True, kw_only=True)
class TrafficCall:
    """One call of the day.

    `texts`: block name -> fingerprint of this call's text; a block not named keeps the layout's own.
    `tokens`: block name -> tokens where they differ from the layout's. `group`: what calls share (e.g. the
    contract), for warming. `label`: for people.
    """

    at_seconds: float
    texts: Mapping[str, str] = field(default_factory=dict)
    tokens: Mapping[str, int] = field(default_factory=dict)
    output_tokens: int = 0
    group: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallResult:
    """One call as it went. `kind`: "call", "prewarm" or "keepalive"; `ttft_seconds`: time to first token."""

    at_seconds: float
    kind: str
    label: str
    group: str
    use: CacheUse
    ttft_seconds: float
    cost_usd: float


@dataclass(frozen=True, slots=True)
class DayResult:
    """A day: `calls` are the users', `warming` the ones made for the cache. `cost_usd` is of both."""

    calls: tuple[CallResult, ...]
    warming: tuple[CallResult, ...] = ()

    @property
    def hit_rate(self) -> float:
        """Share (0 to 1) of the users' prompt tokens that were read from the cache."""
        total = sum(call.use.tokens for call in self.calls)
        return sum(call.use.read for call in self.calls) / total if total else 0.0

    @property
    def calls_hit(self) -> float:
        """Share (0 to 1) of the users' calls that read anything."""
        return sum(call.use.hit for call in self.calls) / len(self.calls) if self.calls else 0.0

    @property
    def ttft_p50(self) -> float:
        """Median time to first token of the users' calls, seconds."""
        return percentile(sorted(call.ttft_seconds for call in self.calls), 0.50)

    @property
    def ttft_p95(self) -> float:
        """95th percentile of the time to first token of the users' calls, seconds."""
        return percentile(sorted(call.ttft_seconds for call in self.calls), 0.95)

    @property
    def cost_usd(self) -> float:
        """Dollars of the day, warming included."""
        return sum(call.cost_usd for call in self.calls) + self.warming_usd

    @property
    def warming_usd(self) -> float:
        """Dollars spent on warming alone."""
        return sum(call.cost_usd for call in self.warming)

    @property
    def tokens(self) -> CacheUse:
        """Tokens of all users' calls together."""
        return CacheUse(
            sum(call.use.read for call in self.calls),
            sum(call.use.written for call in self.calls),
            sum(call.use.fresh for call in self.calls),
        )


def replay(
    layout: Prompt,
    traffic: Sequence[TrafficCall],
    rules: CacheRules,
    tier: Tier,
    price: Price,
    *,
    warming: Warming | None = None,
) -> DayResult:
    """Run a day of calls, in order of time, through one layout.

    Simultaneous calls that share a cold prefix each pay the write, as with the provider: an entry is readable
    only once the response that writes it has begun. Raises PromptError for breakpoints that the rules refuse.
    """
    model = _Layout(layout, rules)
    cache = PrefixCache(rules)
    calls: list[CallResult] = []
    extra: list[CallResult] = []
    for event in _events(traffic, warming or Warming()):
        laid = model.lay(event)
        if laid is not None:
            pending = cache.begin(laid, event.call.at_seconds, price.model)
            result = _result(event, pending.use, tier, price)
            cache.finish(pending, event.call.at_seconds + result.ttft_seconds)
            (calls if event.kind == "call" else extra).append(result)
    return DayResult(tuple(calls), tuple(extra))


@dataclass(frozen=True, slots=True)
class _Event:
    """A call that goes out. `guessed`: blocks whose text a warm-up does not know."""

    kind: str
    call: TrafficCall
    guessed: frozenset[str] = frozenset()


def _result(event: _Event, use: CacheUse, tier: Tier, price: Price) -> CallResult:
    output = event.call.output_tokens if event.kind == "call" else 0
    return CallResult(
        at_seconds=event.call.at_seconds,
        kind=event.kind,
        label=event.call.label,
        group=event.call.group,
        use=use,
        ttft_seconds=time_to_first_token(tier, fresh=use.fresh + use.written, read=use.read),
        cost_usd=cost_of_use(price, use, output=output),
    )


class _Layout:
    """A layout with what does not change between calls worked out once."""

    def __init__(self, layout: Prompt, rules: CacheRules) -> None:
        self._blocks = [(b.name, b.fingerprint or b.name, b.tokens) for b in layout.blocks]
        marks = tuple((i, layout.blocks[i].breakpoint or "") for i in layout.breakpoints)
        self._marks = check_marks(marks, len(layout.blocks), rules)

    def lay(self, event: _Event) -> Laid | None:
        """The call's prompt. A warm-up ends at a breakpoint; None when there is none to end at."""
        blocks, marks = self._blocks, self._marks
        if event.kind != "call":
            if not marks:
                return None
            marks = self._warmed(event.guessed)
            blocks = blocks[: marks[-1][0] + 1]
        texts, tokens = event.call.texts, event.call.tokens
        parts = [(texts.get(name, text), tokens.get(name, count)) for name, text, count in blocks]
        return Laid(chain_keys(parts), running_sums([count for _, count in parts]), marks)

    def _warmed(self, guessed: frozenset[str]) -> tuple[tuple[int, str], ...]:
        """A warm-up carries the breakpoints whose prefix it knows; all of them when it knows none."""
        known = next((i for i, block in enumerate(self._blocks) if block[0] in guessed), len(self._blocks))
        return tuple(mark for mark in self._marks if mark[0] < known) or self._marks


def _events(traffic: Sequence[TrafficCall], warming: Warming) -> list[_Event]:
    """Users' calls and warm-ups in order of time; at the same second a warm-up goes first."""
    calls = sorted(traffic, key=lambda call: call.at_seconds)
    # A warm-up cannot guess a text that calls bring along unless it is told.
    changing = frozenset(name for call in calls for name in call.texts)
    events = [_Event("call", call) for call in calls]
    for group, known in warming.groups.items():
        mine = [call for call in calls if call.group == group]
        events += _warm_ups(group, known, mine, warming, changing)
    return sorted(events, key=lambda event: (event.call.at_seconds, event.kind == "call"))


def _warm_ups(
    group: str,
    known: Mapping[str, str],
    mine: Sequence[TrafficCall],
    warming: Warming,
    changing: frozenset[str],
) -> Iterator[_Event]:
    guessed = changing - known.keys()
    tokens = mine[0].tokens if mine else {}
    times = warming_times([call.at_seconds for call in mine], warming)
    for number, (kind, at_seconds) in enumerate(times):
        guesses = dict.fromkeys(guessed, f"warm-up {group} {number}")
        texts = {**guesses, **known}
        call = TrafficCall(at_seconds=at_seconds, texts=texts, tokens=tokens, group=group, label=group)
        yield _Event(kind, call, guessed)
