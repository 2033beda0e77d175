"""Whose money pays for a request: the accounts of a payer today, with the limits that hold for them now.

Amounts are micro-dollars; days are UTC days.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from django.db.models import Q, QuerySet
from django.utils import timezone

from coach.models import Limit, Spending
from coach.models.money import MICRO
from lessons.models import Cohort, User

Scope = Limit.Scope

DEFAULTS: dict[str, tuple[int, int | None]] = {
    Scope.GUEST: (150_000, 2),
    Scope.LEARNER: (500_000, 2),
    Scope.COHORT: (5 * MICRO, None),
    Scope.GUESTS: (3 * MICRO, None),
    Scope.DAY: (10 * MICRO, None),
}
"""Micro-dollars a day and requests at the same time, where the table has no row."""

FORGIVEN_TIMES = 3
"""So many allowances' worth of answers that never arrived are free: beyond that it is no bad luck."""

Key = tuple[str, int | None, int | None]
"""Scope, learner and cohort of an account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A counter of today with the limits that hold for it now; None is no limit."""

    pk: int
    key: Key
    scope: str
    limit_micro: int | None
    calls_at_once: int | None
    used_micro: int
    forgiven_micro: int
    open_calls: int
    asked_micro: int
    switched_off: bool

    def has_room(self, worst: int, *, used: int = 0, forgiven: int = 0) -> bool:
        """Whether a request that can cost so much fits, with what was used and forgiven since."""
        if self.limit_micro is None:
            return True
        used += self.used_micro + worst
        all_of_it = used + self.forgiven_micro + forgiven
        return used <= self.limit_micro and all_of_it <= self.limit_micro * (1 + FORGIVEN_TIMES)

    def is_busy(self, open_calls: int) -> bool:
        """Whether as many requests are under way as may be, with those begun since the reading."""
        return self.calls_at_once is not None and self.open_calls + open_calls >= self.calls_at_once

    @property
    def left(self) -> float:
        """The share that is left of what can be used, 0 to 1: the last reply's worst cost has to be free for
        another one, and is never used."""
        if self.limit_micro is None:
            return 1.0
        usable = self.limit_micro - self.asked_micro
        return max(0.0, 1 - self.used_micro / usable) if usable > 0 else 0.0

    @property
    def used_up(self) -> bool:
        """Whether another reply like the last one would be refused; before the first, whether any would."""
        return not self.has_room(max(1, self.asked_micro))


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """Whose accounts a request is charged to: a person with their running cohorts, or the installation."""

    learner_id: int | None = None
    guest: bool = False
    cohorts: tuple[int, ...] = ()

    @property
    def keys(self) -> list[Key]:
        """Its accounts, from what is most its own to everybody's."""
        own = [(Scope.LEARNER.value, self.learner_id, None)] if self.learner_id is not None else []
        classes = [(Scope.COHORT.value, None, cohort) for cohort in self.cohorts]
        pools = [Scope.GUESTS.value, Scope.DAY.value] if self.guest else [Scope.DAY.value]
        return [*own, *classes, *((pool, None, None) for pool in pools)]


def payers_of(learner_ids: Collection[int | None]) -> dict[int | None, Payer]:
    """None is the installation; who is gone is left out. Two queries."""
    people = {pk for pk in learner_ids if pk is not None}
    payers: dict[int | None, Payer] = {None: Payer()}
    if not people:
        return payers
    classes: dict[int, list[int]] = defaultdict(list)
    rows = running_cohorts().filter(learners__in=people).order_by("pk").values_list("learners", "pk")
    for learner, cohort in rows:
        classes[learner].append(cohort)
    for pk, guest in User.objects.filter(pk__in=people).values_list("pk", "is_guest"):
        payers[pk] = Payer(learner_id=pk, guest=guest, cohorts=tuple(classes[pk]))
    return payers


def running_cohorts() -> QuerySet[Cohort]:
    now = timezone.now()
    return Cohort.objects.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=now), starts_at__lte=now)


def accounts_among(rows: Iterable[Spending], *, guests: Collection[int | None]) -> dict[Key, Account]:
    """The rows, by key, with their limits. Two plain queries: to build one that looks up each row's limit
    takes longer than to store a reply."""
    found = list(rows)
    limits = _limits({row.cohort_id for row in found if row.cohort_id is not None})
    return {row.key: _account(row, limits, guest=row.learner_id in guests) for row in found}


_Limits = dict[tuple[str, int | None], tuple[int | None, int | None]]
"""Micro-dollars and requests at once, by scope and cohort. `OFF` is in it while models are switched off."""


def _limits(cohorts: Collection[int]) -> _Limits:
    rows = Limit.objects.filter(Q(cohort__isnull=True) | Q(cohort__in=cohorts))
    return {
        (row.scope, row.cohort_id): (row.daily_micro, row.calls_at_once) if row.enabled else (None, None)
        for row in rows
        if row.enabled or row.scope != Scope.OFF
    }


def _account(row: Spending, limits: _Limits, *, guest: bool) -> Account:
    scope = Scope.GUEST.value if guest else row.scope
    of_all = limits.get((scope, None), DEFAULTS[scope])
    limit, calls = limits.get((scope, row.cohort_id), of_all)
    return Account(
        pk=row.pk,
        key=row.key,
        scope=scope,
        limit_micro=limit,
        calls_at_once=calls,
        used_micro=row.reserved_micro + row.settled_micro,
        forgiven_micro=row.forgiven_micro,
        open_calls=row.open_calls,
        asked_micro=row.asked_micro,
        switched_off=(Scope.OFF.value, None) in limits,
    )
