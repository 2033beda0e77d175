"""What the engine expects of the provider's cache: its own cache, played with every request of this process,
and with what the books say of others'.

Units: tokens, seconds of a clock that never goes back.
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from coach.engine.cache import CacheUse, Laid, Pending, PrefixCache
from coach.engine.ports import Clock
from coach.engine.prompt import CHARACTERS_PER_TOKEN, chain_keys, running_sums
from coach.providers.asking import Shape
from coach.providers.catalogue import Model
from coach.providers.port import Kept

PRIOR_CHARACTERS = 4_000.0
"""So many characters of evidence the first estimate counts for."""

KEPT_ENTRIES = 1_024
"""So many prefixes are remembered with the message that wrote them."""

NEWS_SHARE = 0.1
"""That an entry lives on is news for others once so much of its lifetime has passed since they were told."""


@dataclass(frozen=True, slots=True)
class Expected:
    """One request as the engine sees it. `use`: what it should read, write and send fresh; `source`: the
    message whose entry it should read, "" where none is known."""

    use: CacheUse
    source: str
    model: Model
    laid: Laid
    pending: Pending
    characters: int


@dataclass(frozen=True, slots=True)
class Unwritten:
    """A prefix that would be written: up to the breakpoint `mark`, `tokens` long; `read`: the place up to
    which it would be read, -1 for none."""

    mark: int
    key: bytes
    tokens: int
    read: int


_NOTHING = CacheUse(0, 0, 0)
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class Forecast:
    """One per provider. Estimates are put right by every reply's usage."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._caches: dict[str, PrefixCache] = {}
        self._rates: dict[str, _Rate] = {}
        self._writers: OrderedDict[tuple[str, bytes], str] = OrderedDict()
        self._told_at: OrderedDict[tuple[str, bytes], float] = OrderedDict()
        self._lock = threading.Lock()

    def tokens(self, shape: Shape, model: Model) -> tuple[int, ...]:
        """About how many tokens each block has."""
        rate = self._rate(model).characters_per_token
        return tuple(math.ceil(size / rate) for size in shape.sizes)

    def output_tokens(self, characters: int, model: Model) -> int:
        """About how many tokens a piece of an answer has."""
        return math.ceil(characters / self._rate(model).characters_per_token)

    def unwritten(self, shape: Shape, model: Model) -> tuple[Unwritten, ...]:
        """What a request that left now would write, the shortest first; none below the cache's minimum."""
        laid = self._lay(shape, model)
        with self._lock:
            cache = self._caches.setdefault(model.rules.name, PrefixCache(model.rules))
            read = cache.peek(laid, self._clock.now(), model.id).read
        place = max((place for place, sum_ in enumerate(laid.sums) if read and sum_ <= read), default=-1)
        return tuple(
            Unwritten(mark, laid.keys[mark], laid.sums[mark], place)
            for mark, _ in laid.marks
            if mark > place and laid.sums[mark] >= model.rules.minimum_tokens
        )

    def begin(self, shape: Shape, model: Model) -> Expected:
        """The request leaves now."""
        laid = self._lay(shape, model)
        with self._lock:
            cache = self._caches.setdefault(model.rules.name, PrefixCache(model.rules))
            pending = cache.begin(laid, self._clock.now(), model.id)
        use = pending.use
        return Expected(use, self._source(laid, use, model), model, laid, pending, sum(shape.sizes))

    def began(self, expected: Expected, message: str) -> None:
        """The answer `message` begins: what its request wrote can be read from now on."""
        with self._lock:
            cache = self._caches[expected.model.rules.name]
            cache.finish(expected.pending, self._clock.now())
            for mark, _ in expected.laid.marks:
                _put(self._writers, (expected.model.id, expected.laid.keys[mark]), message)

    def keys(self, shape: Shape, model: Model) -> tuple[str, ...]:
        """What the books call the prefixes of a request, at every place where an entry may be found."""
        return tuple(key.hex() for key in self._lay(shape, model).keys)

    def recall(self, kept: Sequence[Kept], model: Model) -> None:
        """Entries that the books tell of live, whoever wrote them."""
        with self._lock:
            now = self._clock.now()
            cache = self._caches.setdefault(model.rules.name, PrefixCache(model.rules))
            for each in kept:
                key = bytes.fromhex(each.key)
                begun = min(now, now + each.left_seconds - each.ttl_seconds)
                cache.finish(Pending(_NOTHING, begun, model.id, ((key, each.ttl_seconds),)), now)
                _put(self._writers, (model.id, key), each.message)
                _put(self._told_at, (model.id, key), begun)

    def news(self, expected: Expected, message: str) -> tuple[Kept, ...]:
        """What the cache holds because of a request whose answer began, as far as nobody was told lately."""
        model, keys = expected.model, expected.laid.keys
        with self._lock:
            found = [self._kept(model, keys[mark], message) for mark, _ in expected.laid.marks]
        return tuple(filter(None, found))

    def _kept(self, model: Model, key: bytes, message: str) -> Kept | None:
        now, place = self._clock.now(), (model.id, key)
        life = self._caches[model.rules.name].life(key, now, model.id)
        if life is None:
            return None
        ttl, left = life
        begun = now + left - ttl
        if begun < self._told_at.get(place, -math.inf) + NEWS_SHARE * ttl:
            return None
        _put(self._told_at, place, begun)
        return Kept(model=model.id, key=key.hex(), ttl_seconds=ttl, left_seconds=left, message=message)

    def learn(self, expected: Expected, tokens: int) -> None:
        """The provider counted the prompt: so many tokens in all."""
        with self._lock:
            self._rate(expected.model).learn(expected.characters, tokens)

    def _lay(self, shape: Shape, model: Model) -> Laid:
        """Keys stand for texts, sums for tokens: a better estimate must not look like a new text."""
        keys = chain_keys(list(zip(shape.fingerprints, shape.sizes, strict=True)))
        return Laid(keys, running_sums(self.tokens(shape, model)), shape.marks)

    def _source(self, laid: Laid, use: CacheUse, model: Model) -> str:
        if not use.hit:
            return ""
        place = max(place for place, sum_ in enumerate(laid.sums) if sum_ <= use.read)
        return self._writers.get((model.id, laid.keys[place]), "")

    def _rate(self, model: Model) -> _Rate:
        return self._rates.setdefault(model.id, _Rate())


def _put(held: OrderedDict[_Key, _Value], key: _Key, value: _Value) -> None:
    """The newest are held."""
    held[key] = value
    held.move_to_end(key)
    if len(held) > KEPT_ENTRIES:
        held.popitem(last=False)


@dataclass(slots=True)
class _Rate:
    """Characters and tokens seen, older ones counting less."""

    characters: float = PRIOR_CHARACTERS
    tokens: float = PRIOR_CHARACTERS / CHARACTERS_PER_TOKEN

    @property
    def characters_per_token(self) -> float:
        return self.characters / self.tokens

    def learn(self, characters: int, tokens: int) -> None:
        if characters <= 0 or tokens <= 0:
            return
        self.characters = 0.8 * self.characters + characters
        self.tokens = 0.8 * self.tokens + tokens


def written_by_ttl(
    written: int, reported: Mapping[str, int], marks: Sequence[tuple[int, str]]
) -> dict[str, int]:
    """Tokens written by lifetime as told; where only their sum is told, all at the longest one asked."""
    told = {ttl: tokens for ttl, tokens in reported.items() if tokens}
    if sum(told.values()) == written:
        return told
    return {marks[0][1] if marks else "5m": written}
