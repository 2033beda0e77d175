"""A prefix cache: what one call reads, writes and sends fresh, under dated and sourced rules.

Units: seconds from any common zero, tokens. The model is the one of the providers' pages: entries exist only
at breakpoints (or, for automatic caches, at every block end), a hit is the longest earlier entry that is an
exact prefix inside the look-back, a hit refreshes the entry, and an entry is readable once the response of
the call that wrote it has begun.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from coach.engine.errors import PromptError
from coach.engine.prompt import Prompt
from coach.engine.rules import RULES, CacheRules, rules_named

__all__ = [
    "RULES",
    "CacheRules",
    "CacheUse",
    "Laid",
    "Pending",
    "PrefixCache",
    "check_marks",
    "lay",
    "rules_named",
]


@dataclass(frozen=True, slots=True)
class CacheUse:
    """Tokens of one call: `read` from the cache, `written` to it, sent `fresh`; together the whole prompt.

    `written_by_ttl` splits `written` by lifetime, because lifetimes are priced differently.
    """

    read: int
    written: int
    fresh: int
    written_by_ttl: Mapping[str, int] = field(default_factory=dict)

    @property
    def tokens(self) -> int:
        """All tokens of the prompt."""
        return self.read + self.written + self.fresh

    @property
    def hit(self) -> bool:
        """Whether anything was read."""
        return self.read > 0


@dataclass(slots=True)
class _Entry:
    readable_at: float
    expires_at: float
    ttl_seconds: float


@dataclass(frozen=True, slots=True)
class Laid:
    """A prompt as the cache sees it: key and tokens of the prefix at each block, breakpoints as (position,
    lifetime).
    """

    keys: tuple[bytes, ...]
    sums: tuple[int, ...]
    marks: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Pending:
    """A call that was looked up and whose response has not begun: its use, and what it will write."""

    use: CacheUse
    at_seconds: float
    model: str
    writes: tuple[tuple[bytes, float], ...]


def lay(prompt: Prompt, rules: CacheRules) -> Laid:
    """The prompt as this rule set sees it.

    Raises PromptError for too many breakpoints, an unknown lifetime, or a longer lifetime behind a shorter
    one (the provider answers such a request with an error as well).
    """
    marks = tuple((i, prompt.blocks[i].breakpoint or "") for i in prompt.breakpoints)
    return Laid(prompt.prefix_keys(), prompt.prefix_tokens(), check_marks(marks, len(prompt.blocks), rules))


def check_marks(
    marks: Sequence[tuple[int, str]], blocks: int, rules: CacheRules
) -> tuple[tuple[int, str], ...]:
    """The breakpoints that count under these rules; an automatic cache marks every block end.

    See `lay` for errors.
    """
    if rules.automatic:
        return tuple((position, rules.default_ttl) for position in range(blocks))
    if len(marks) > rules.max_breakpoints:
        raise PromptError(f"{len(marks)} breakpoints; {rules.name} allows {rules.max_breakpoints}.")
    last = float("inf")
    for position, ttl in marks:
        seconds = rules.seconds_of(ttl)
        if seconds is None:
            raise PromptError(f"{rules.name} has no lifetime “{ttl}” (block {position + 1}).")
        if seconds > last:
            raise PromptError(f"Block {position + 1} asks for a longer lifetime than a block before it.")
        last = seconds
    return tuple(marks)


class PrefixCache:
    """The cache of one provider under one rule set, for calls in order of time.

    Raises PromptError when a call comes before an earlier one.
    """

    def __init__(self, rules: CacheRules) -> None:
        self.rules = rules
        self._entries: dict[tuple[str, bytes], _Entry] = {}
        self._now = float("-inf")
        self._sweep_at = 4096

    def call(self, prompt: Prompt, at_seconds: float, model: str, response_begins_at: float) -> CacheUse:
        """Look up and store one call whose response begins at a known second; returns its tokens."""
        pending = self.begin(lay(prompt, self.rules), at_seconds, model)
        self.finish(pending, response_begins_at)
        return pending.use

    def begin(self, laid: Laid, at_seconds: float, model: str) -> Pending:
        """The request leaves: what it reads is fixed now, and what it reads is refreshed from now."""
        if at_seconds < self._now:
            raise PromptError(
                f"A call at {at_seconds:g} s comes after one at {self._now:g} s; sort the calls."
            )
        self._now = at_seconds
        hit = self._longest_hit(laid, at_seconds, model)
        self._refresh(laid, hit, at_seconds, model)
        return Pending(self._use(laid, hit), at_seconds, model, self._writes(laid, hit))

    def peek(self, laid: Laid, at_seconds: float, model: str) -> CacheUse:
        """What a call would use at that second; nothing is refreshed and nothing stored."""
        return self._use(laid, self._longest_hit(laid, at_seconds, model))

    def life(self, key: bytes, at_seconds: float, model: str) -> tuple[float, float] | None:
        """(lifetime, seconds of it that are left) of a prefix that can be read at that second."""
        entry = self._alive(model, key, at_seconds)
        return None if entry is None else (entry.ttl_seconds, entry.expires_at - at_seconds)

    def copy(self) -> PrefixCache:
        """A cache with the same entries that goes its own way from here."""
        other = type(self)(self.rules)
        other._entries = {key: replace(entry) for key, entry in self._entries.items()}
        other._now, other._sweep_at = self._now, self._sweep_at
        return other

    def finish(self, pending: Pending, response_begins_at: float) -> None:
        """The response begins: from here on, what the call wrote can be read.

        It lives from the call's start.
        """
        if response_begins_at < pending.at_seconds:
            raise PromptError("A response cannot begin before its request.")
        for key, ttl_seconds in pending.writes:
            self._store(pending, key, ttl_seconds, response_begins_at)
        if len(self._entries) > self._sweep_at:
            self._sweep()

    def _store(self, pending: Pending, key: bytes, ttl_seconds: float, readable_at: float) -> None:
        expires_at = pending.at_seconds + ttl_seconds
        entry = self._entries.get((pending.model, key))
        if entry is not None and entry.expires_at > pending.at_seconds:
            entry.readable_at = min(entry.readable_at, readable_at)
            if expires_at > entry.expires_at:
                entry.expires_at, entry.ttl_seconds = expires_at, ttl_seconds
        else:
            self._entries[pending.model, key] = _Entry(readable_at, expires_at, ttl_seconds)

    def _alive(self, model: str, key: bytes, at_seconds: float) -> _Entry | None:
        entry = self._entries.get((model, key))
        if entry is None or not entry.readable_at <= at_seconds < entry.expires_at:
            return None
        return entry

    def _longest_hit(self, laid: Laid, at_seconds: float, model: str) -> int:
        """Position of the longest readable prefix, or -1. Later breakpoints see further, so they go first."""
        best = -1
        for mark, _ in reversed(laid.marks):
            for position in range(mark, max(best, mark - self.rules.lookback, -1), -1):
                if self._alive(model, laid.keys[position], at_seconds) is not None:
                    best = position
                    break
        return best

    def _refresh(self, laid: Laid, hit: int, at_seconds: float, model: str) -> None:
        if hit < 0:
            return
        for position in {hit, *(mark for mark, _ in laid.marks if mark < hit)}:
            entry = self._alive(model, laid.keys[position], at_seconds)
            if entry is not None:
                entry.expires_at = max(entry.expires_at, at_seconds + entry.ttl_seconds)

    def _use(self, laid: Laid, hit: int) -> CacheUse:
        grain = self.rules.granularity_tokens
        read = laid.sums[hit] // grain * grain if hit >= 0 else 0
        by_ttl: dict[str, int] = {}
        done = read
        for mark, ttl in laid.marks:
            end = laid.sums[mark] // grain * grain
            if mark > hit and end >= self.rules.minimum_tokens and end > done:
                by_ttl[ttl] = by_ttl.get(ttl, 0) + end - done
                done = end
        total = laid.sums[-1] if laid.sums else 0
        return CacheUse(read, done - read, total - done, by_ttl)

    def _writes(self, laid: Laid, hit: int) -> tuple[tuple[bytes, float], ...]:
        return tuple(
            (laid.keys[mark], self.rules.ttls[ttl])
            for mark, ttl in laid.marks
            if mark > hit and laid.sums[mark] >= self.rules.minimum_tokens
        )

    def _sweep(self) -> None:
        self._entries = {key: e for key, e in self._entries.items() if e.expires_at > self._now}
        self._sweep_at = max(4096, 2 * len(self._entries))
