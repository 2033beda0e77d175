"""What calls of models are expected to take of limits per minute: by the caches that they meet.

Reads from a cache may not count towards a limit of tokens (`CacheRules.reads_count`), so what a call takes
hangs on whose response has begun when it starts. The caches here are a model of the real ones: what the calls
of one run write. What a call then tells of itself is settled (`Waiters.settle`). Units: seconds, tokens.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from coach.engine.plan import Plan
from coach.engine.rates import Draws

if TYPE_CHECKING:  # who runs no calls of models need not load what knows them
    from coach.engine.cache import CacheUse, Pending, PrefixCache
    from coach.engine.calls import ModelCall


class Caches:
    """Copies of the caches given, one for each rule set, and empty ones for the others. `at_seconds`: when
    the run starts, on their clock; the moments below are seconds from there."""

    def __init__(self, caches: Iterable[PrefixCache] = (), at_seconds: float = 0.0) -> None:
        self._by_rules = {cache.rules.name: cache.copy() for cache in caches}
        self._at = at_seconds

    def of(self, call: ModelCall) -> PrefixCache:
        """The cache that a call meets."""
        name = call.price.rules.name
        if name not in self._by_rules:
            self._by_rules[name] = call.empty_cache()
        return self._by_rules[name]

    def peek(self, call: ModelCall, now: float) -> CacheUse:
        """What a call would use."""
        return self.of(call).peek(call.laid, self._at + now, call.price.model)

    def begin(self, call: ModelCall, now: float) -> Pending:
        """The call is sent."""
        return self.of(call).begin(call.laid, self._at + now, call.price.model)

    def finish(self, call: ModelCall, pending: Pending, now: float) -> None:
        """Its response begins."""
        self.of(call).finish(pending, self._at + now)


class Expected:
    """The draws of the tasks of one run. `caches`: those of a driver that looks its calls up itself and
    writes to them; without, a call writes what it is expected to as it is heard."""

    __slots__ = ("_caches", "_keeps", "_pending", "_plan")

    def __init__(self, plan: Plan, caches: Caches | None = None) -> None:
        self._plan = plan
        self._keeps = caches is None
        self._caches = Caches() if caches is None else caches
        self._pending: dict[int, Pending] = {}

    def draws(self, i: int, now: float) -> Draws:
        """What task `i` takes if it starts now."""
        call = self._plan.calls.get(i)
        if call is None:
            return self._plan.draws[i]
        return self._plan.draws_of(self._plan.tasks[i], call.takes(self._caches.peek(call, now)))

    def begin(self, i: int, now: float) -> None:
        """It starts."""
        call = self._plan.calls.get(i)
        if call is not None and self._keeps:
            self._pending[i] = self._caches.begin(call, now)

    def hear(self, i: int, now: float) -> None:
        """Its response has begun: what it wrote can be read."""
        pending = self._pending.pop(i, None)
        if pending is not None:
            self._caches.finish(self._plan.calls[i], pending, now)
