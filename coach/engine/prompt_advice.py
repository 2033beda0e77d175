"""Advice about a prompt under its traffic: the order of its blocks, breakpoints, lifetimes, warming.

What a prefix can share is decided by which blocks stand in it, not by their order inside it. So the search
goes over sets of blocks: for each, which calls of the day have the same texts there. Of sets that part the
calls in the same way only the largest is worth a breakpoint: its tokens are written and read together. Every
chain of such sets with every lifetime is replayed; there are few, and the most shared come first where there
are many. Units: seconds, tokens, US dollars.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, pairwise

from coach.engine.accounting import Advice, Change, Figures, Step, account_for
from coach.engine.errors import PromptError
from coach.engine.pricing import Price, price_of
from coach.engine.prompt import Prompt, Stability
from coach.engine.rules import CacheRules
from coach.engine.sharing import Sharing
from coach.engine.timing import TIERS
from coach.engine.traffic import DayResult, TrafficCall, replay
from coach.engine.warming import Warming

SAMPLE_CALLS = 300
"""The search replays at most so many calls in a row; what comes out of it is replayed on all."""

MOST_REPLAYED = 150_000
"""So many calls are replayed in a search at most."""

FINALISTS = 3
"""So many of the best designs are tried with warming."""

WAKE_SECONDS = 120.0
"""How long before the first call a warm-up goes out: inside every lifetime there is."""

KEEPALIVE_SHARE = 0.9
"""A keep-alive goes out when this share of the lifetime has passed."""


@dataclass(frozen=True, slots=True)
class LayoutPlan:
    """A laid-out prompt, how its cache is kept warm, and its day."""

    prompt: Prompt
    warming: Warming
    day: DayResult


Marks = tuple[tuple[str, str], ...]
"""(block, lifetime), by block."""


@dataclass(frozen=True, slots=True)
class Design:
    """One layout: blocks in order, breakpoints, and the number of a way of warming."""

    order: tuple[str, ...]
    marks: Marks = ()
    warming: int = 0


def advise_prompt(
    prompt: Prompt,
    traffic: Sequence[TrafficCall],
    *,
    model: str,
    value_of_second_usd: float,
    warming: Warming | None = None,
    warmings: Sequence[Warming] | None = None,
    pinned: Collection[str] = (),
) -> Advice[LayoutPlan]:
    """The best layout found for the same blocks and calls.

    `model`: a model's id or a tier's name; its price names the cache's rules. Seconds are the users' waiting
    for first tokens, added up over the day. `warming`: as found. `warmings`: the ways there are besides;
    unless given, those that suit a design's lifetimes. `pinned`: blocks that keep their place. PromptError
    for a prompt that the rules refuse.
    """
    found = warming or Warming()
    bench = Bench(prompt, traffic, price_of(model), value_of_second_usd, warming=found, offered=warmings)
    before = bench.figures(bench.as_found)
    if before is None:
        bench.day(bench.as_found)
        raise PromptError("The prompt as found cannot be replayed.")
    best = best_design(bench, bench.as_found, frozenset(pinned))
    after = bench.figures(best) or before
    plan = LayoutPlan(bench.prompt_of(best), bench.warmings[best.warming], bench.day(best))
    return Advice(plan=plan, before=before, after=after, changes=_changes(bench, bench.as_found, best))


class Bench:
    """Replays designs of one prompt and day; remembers what came out."""

    def __init__(
        self,
        prompt: Prompt,
        traffic: Sequence[TrafficCall],
        price: Price,
        value_of_second_usd: float,
        *,
        warming: Warming,
        offered: Sequence[Warming] | None = None,
    ) -> None:
        self.blocks = {block.name: block for block in prompt.blocks}
        self.traffic = sorted(traffic, key=lambda call: call.at_seconds)
        self.price = price
        self.value_of_second_usd = value_of_second_usd
        self.warmings = [warming]
        self.offered = offered
        marks = tuple((b.name, b.breakpoint) for b in prompt.blocks if b.breakpoint is not None)
        self.as_found = Design(tuple(self.blocks), tuple(sorted(marks)))
        self._figures: dict[tuple[Design, bool], Figures | None] = {}

    def prompt_of(self, design: Design) -> Prompt:
        """The prompt in that layout."""
        marks = dict(design.marks)
        return Prompt(tuple(replace(self.blocks[name], breakpoint=marks.get(name)) for name in design.order))

    def day(self, design: Design, *, sample: bool = False) -> DayResult:
        """Its day, or a stretch of it. PromptError for breakpoints that the rules refuse."""
        traffic = self.traffic[:SAMPLE_CALLS] if sample else self.traffic
        tier, warming = TIERS[self.price.tier], self.warmings[design.warming]
        return replay(self.prompt_of(design), traffic, self.price.rules, tier, self.price, warming=warming)

    def figures(self, design: Design, *, sample: bool = False) -> Figures | None:
        """What it takes; None where the rules refuse it."""
        sample = sample and len(self.traffic) > SAMPLE_CALLS
        if (design, sample) not in self._figures:
            self._figures[design, sample] = self._run(design, sample=sample)
        return self._figures[design, sample]

    def _run(self, design: Design, *, sample: bool) -> Figures | None:
        try:
            day = self.day(design, sample=sample)
        except PromptError:
            return None
        seconds = sum(call.ttft_seconds for call in day.calls)
        burden = day.cost_usd + seconds * self.value_of_second_usd
        return Figures(seconds=seconds, cost_usd=day.cost_usd, burden_usd=burden)

    def rank(self, design: Design, *, sample: bool = False) -> tuple[float, int]:
        """By burden; among equals, the fewest changes."""
        figures = self.figures(design, sample=sample)
        burden = round(figures.burden_usd, 9) if figures else float("inf")
        moves = len(design.order) - len(kept_in_place(self.as_found.order, design.order))
        marks = len(set(design.marks) ^ set(self.as_found.marks))
        return burden, moves + marks + (design.warming != 0)


def best_design(bench: Bench, found: Design, pinned: frozenset[str]) -> Design:
    cold = list(_cold(bench, found, pinned))
    cold.sort(key=lambda design: bench.rank(design, sample=True))
    finalists = [found, *cold[:FINALISTS]]
    warmed = [each for design in finalists for each in _warmed(bench, design)]
    return min([*finalists, *warmed], key=bench.rank)


def _cold(bench: Bench, found: Design, pinned: frozenset[str]) -> Iterator[Design]:
    """The layouts worth a replay, warmed as found."""
    rules, sample = bench.price.rules, bench.traffic[:SAMPLE_CALLS]
    sharing = Sharing([bench.blocks[name] for name in found.order], sample, pinned)
    most = max(20, MOST_REPLAYED // max(1, len(sample)))
    yield from islice(_designs(sharing, rules, found), most)


def _designs(sharing: Sharing, rules: CacheRules, found: Design) -> Iterator[Design]:
    if rules.automatic:
        yield from (Design(sharing.order_along(path), found.marks) for path in sharing.paths())
        return
    for chain in sharing.chains(rules.max_breakpoints, rules.minimum_tokens):
        order = sharing.order_along(chain)
        ends = [order[len(members) - 1] for members in chain]
        for ttls in _lifetimes(rules.ttls, len(ends)):
            yield Design(order, tuple(sorted(zip(ends, ttls, strict=True))))


def _lifetimes(ttls: Mapping[str, float], count: int) -> Iterator[tuple[str, ...]]:
    """Lifetimes along the prompt: never a longer one behind a shorter."""
    if not count:
        yield ()
        return
    for before in _lifetimes(ttls, count - 1):
        yield from ((*before, ttl) for ttl in ttls if not before or ttls[ttl] <= ttls[before[-1]])


def _warmed(bench: Bench, design: Design) -> Iterator[Design]:
    """A design warmed in each of the ways there are for it."""
    ways = _suited(bench, design) if bench.offered is None else bench.offered
    for warming in ways if design.marks or bench.price.rules.automatic else ():
        if warming not in bench.warmings:
            bench.warmings.append(warming)
        yield replace(design, warming=bench.warmings.index(warming))


def _suited(bench: Bench, design: Design) -> Iterator[Warming]:
    """A warm-up before the first call, keep-alives inside the lifetime, both, none."""
    rules = bench.price.rules
    ttls = [rules.ttls[ttl] for _, ttl in design.marks if ttl in rules.ttls]
    if rules.automatic:
        ttls = [rules.ttls[rules.default_ttl]]
    if not ttls or not bench.traffic:
        return
    groups, every = known_texts(bench), KEEPALIVE_SHARE * min(ttls)
    first, last = bench.traffic[0].at_seconds, bench.traffic[-1].at_seconds
    for prewarm in (None, first - WAKE_SECONDS):
        for keepalive in (None, every):
            yield Warming(
                prewarm_at=prewarm,
                keepalive_every_seconds=keepalive,
                keepalive_until=0.0 if keepalive is None else last,
                groups=groups if (prewarm, keepalive) != (None, None) else {},
            )


def known_texts(bench: Bench) -> dict[str, dict[str, str]]:
    """For each group of calls the texts that a warm-up for it can know: those that are the same for all of
    its calls and belong to no user, session or call."""
    groups: dict[str, dict[str, set[str]]] = {}
    for call in bench.traffic:
        texts = groups.setdefault(call.group, {})
        for name, text in call.texts.items():
            if name in bench.blocks and bench.blocks[name].stability <= Stability.SHARED:
                texts.setdefault(name, set()).add(text)
    return {
        group: {name: next(iter(each)) for name, each in texts.items() if len(each) == 1}
        for group, texts in groups.items()
    }


def kept_in_place(found: Sequence[str], wanted: Sequence[str]) -> tuple[str, ...]:
    """The most blocks that can stay while the others move: the longest run that is in order in both."""
    place = {name: i for i, name in enumerate(wanted)}
    best: list[tuple[str, ...]] = []
    for name in found:
        before = [run for run in best if place[run[-1]] < place[name]]
        best.append((*max(before, key=len, default=()), name))
    return max(best, key=len, default=())


@dataclass(frozen=True, slots=True)
class _Way:
    """A state between the layout as found and the best: which blocks have moved, breakpoints, warming."""

    moved: frozenset[str] = field(default_factory=frozenset)
    marks: Marks = ()
    warming: int = 0


def _changes(bench: Bench, found: Design, best: Design) -> tuple[Change, ...]:
    def figures(way: _Way) -> Figures | None:
        order = order_between(found.order, best.order, way.moved)
        return bench.figures(Design(order, way.marks, way.warming))

    steps = [*_moves(found, best), *_markings(found, best), *_warmings(bench, found, best)]
    return account_for(_Way(marks=found.marks), steps, figures)


def order_between(found: tuple[str, ...], best: tuple[str, ...], moved: Collection[str]) -> tuple[str, ...]:
    """The order found, with some blocks moved to where they stand in the best one."""
    order = [name for name in found if name not in moved]
    for place, name in enumerate(best):
        if name in moved:
            before = next((each for each in reversed(best[:place]) if each in order), None)
            order.insert(0 if before is None else order.index(before) + 1, name)
    return tuple(order)


def _moves(found: Design, best: Design) -> Iterator[Step[_Way]]:
    stay = set(kept_in_place(found.order, best.order))
    before = {name: earlier for earlier, name in pairwise(best.order)}
    for name in best.order:
        if name not in stay:
            where = f"behind “{before[name]}”" if name in before else "to the front"
            yield Step("move-block", (name,), f"Move “{name}” {where}.", _moving(name))


def _moving(name: str) -> Callable[[_Way], _Way]:
    return lambda way: replace(way, moved=way.moved | {name})


def _markings(found: Design, best: Design) -> Iterator[Step[_Way]]:
    before, after = dict(found.marks), dict(best.marks)
    for name in best.order:
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        if new is None:
            code, sentence = "remove-breakpoint", f"Take the breakpoint off “{name}”."
        elif old is None:
            code, sentence = "set-breakpoint", f"Set a breakpoint at the end of “{name}” ({new})."
        else:
            code, sentence = "change-lifetime", f"Let the entry at “{name}” live {new} instead of {old}."
        yield Step(code, (name,), sentence, _marking(name, new))


def _marking(name: str, ttl: str | None) -> Callable[[_Way], _Way]:
    def make(way: _Way) -> _Way:
        marks = {**dict(way.marks), name: ttl}
        return replace(way, marks=tuple(sorted((n, t) for n, t in marks.items() if t is not None)))

    return make


def _warmings(bench: Bench, found: Design, best: Design) -> Iterator[Step[_Way]]:
    if best.warming == found.warming:
        return
    warming = bench.warmings[best.warming]
    ways = []
    if warming.prewarm_at is not None:
        lead = bench.traffic[0].at_seconds - warming.prewarm_at
        ways.append(f"a warm-up {lead:.0f} s before the first call")
    if warming.keepalive_every_seconds is not None:
        ways.append(f"a keep-alive after {warming.keepalive_every_seconds:.0f} idle seconds")
    sentence = f"Keep the cache warm by {' and '.join(ways) or 'nothing but the calls themselves'}."
    yield Step("warm", tuple(warming.groups), sentence, lambda way: replace(way, warming=best.warming))
