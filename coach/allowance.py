"""How much of today's money for models is left, for whom, and how that is said.

Amounts are micro-dollars; learners are told shares and times, never amounts.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from coach.models import Limit, Spending
from coach.models.money import MICRO, utc_day
from lessons.models import Cohort, User

Scope = Limit.Scope
LOW_SHARE, PLENTY = 0.1, 0.95

DEFAULTS: dict[str, tuple[int, int | None]] = {
    Scope.GUEST: (150_000, 2),
    Scope.LEARNER: (500_000, 2),
    Scope.COHORT: (5 * MICRO, None),
    Scope.GUESTS: (3 * MICRO, None),
    Scope.DAY: (10 * MICRO, None),
}
"""Micro-dollars a day and requests at the same time, where the table has no row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A counter of today with the limits that hold for it now; None is no limit."""

    pk: int
    scope: str
    limit_micro: int | None
    calls_at_once: int | None
    used_micro: int
    refusals: int
    switched_off: bool

    @property
    def left(self) -> float:
        """The share of the limit that is left, 0 to 1."""
        if self.limit_micro is None:
            return 1.0
        return max(0.0, 1 - self.used_micro / self.limit_micro) if self.limit_micro else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Payer:
    """Whose accounts a request is charged to: a person with their running cohorts, or the installation."""

    learner_id: int | None = None
    guest: bool = False
    cohorts: tuple[int, ...] = ()

    @property
    def keys(self) -> list[tuple[str, int | None, int | None]]:
        """Scope, learner and cohort of each account, in the order of the locks."""
        own = [(Scope.LEARNER.value, self.learner_id, None)] if self.learner_id is not None else []
        classes = [(Scope.COHORT.value, None, cohort) for cohort in self.cohorts]
        pools = [Scope.GUESTS.value, Scope.DAY.value] if self.guest else [Scope.DAY.value]
        return [*own, *classes, *((pool, None, None) for pool in pools)]


def payer_of(learner_id: int | None) -> Payer | None:
    """None where there is no such learner any more. Two queries."""
    if learner_id is None:
        return Payer()
    guest = User.objects.filter(pk=learner_id).values_list("is_guest", flat=True).first()
    if guest is None:
        return None
    cohorts = running_cohorts().filter(learners=learner_id).order_by("pk").values_list("pk", flat=True)
    return Payer(learner_id=learner_id, guest=guest, cohorts=tuple(cohorts))


def running_cohorts() -> QuerySet[Cohort]:
    now = timezone.now()
    return Cohort.objects.filter(Q(ends_at__isnull=True) | Q(ends_at__gt=now), starts_at__lte=now)


def accounts_today(wanted: Q, *, day: datetime.date) -> list[Account]:
    """In the order of the locks. Two plain queries: to build one that looks up each row's limit takes longer
    than to store a reply."""
    rows = Spending.objects.filter(wanted, day=day).order_by(*Spending.LOCK_ORDER)
    found = list(rows.annotate(guest=F("learner__is_guest")))
    limits = _limits({row.cohort_id for row in found if row.cohort_id is not None})
    return [_account(row, limits) for row in found]


_Limits = dict[tuple[str, int | None], tuple[int | None, int | None]]
"""Micro-dollars and requests at once, by scope and cohort. `OFF` is in it while models are switched off."""


def _limits(cohorts: Collection[int]) -> _Limits:
    rows = Limit.objects.filter(Q(cohort__isnull=True) | Q(cohort__in=cohorts))
    return {
        (row.scope, row.cohort_id): (row.daily_micro, row.calls_at_once) if row.enabled else (None, None)
        for row in rows
        if row.enabled or row.scope != Scope.OFF
    }


def _account(row: Any, limits: _Limits) -> Account:
    scope = Scope.GUEST.value if row.guest else row.scope
    of_all = limits.get((scope, None), DEFAULTS[scope])
    limit, calls = limits.get((scope, row.cohort_id), of_all)
    return Account(
        pk=row.pk,
        scope=scope,
        limit_micro=limit,
        calls_at_once=calls,
        used_micro=row.reserved_micro + row.settled_micro,
        refusals=row.refusals,
        switched_off=(Scope.OFF.value, None) in limits,
    )


def accounts_of(payer: Payer) -> Q:
    """What `accounts_today` is to find for a payer."""
    own = Q(learner=payer.learner_id) if payer.learner_id is not None else Q(pk__in=[])
    return own | Q(cohort__in=payer.cohorts) | _pools(guest=payer.guest)


def _pools(*, guest: bool) -> Q:
    scopes = [Scope.GUESTS, Scope.DAY] if guest else [Scope.DAY]
    return Q(scope__in=scopes, learner__isnull=True, cohort__isnull=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a learner may still ask of models today. `left`: a share, 0 to 1; `scope`: whose it is."""

    left: float = 1.0
    scope: str = Scope.LEARNER.value
    used_up: bool = False

    @property
    def low(self) -> bool:
        return self.left <= LOW_SHARE

    @property
    def text(self) -> str:
        if self.used_up:
            return over_limit_text(self.scope)
        return " ".join([_left_text(self), *([_then_text()] if self.low else [])])


def allowance_for(learner: User | None) -> Allowance:
    """Where today's accounts of a learner stand. Two queries; one more on a day nobody has spent on."""
    now = timezone.now()
    wanted = _pools(guest=learner is None or learner.is_guest)
    if learner is not None:
        running = Q(cohort__ends_at__isnull=True) | Q(cohort__ends_at__gt=now)
        wanted |= Q(learner=learner) | Q(running, cohort__learners=learner, cohort__starts_at__lte=now)
    accounts = accounts_today(wanted, day=utc_day())
    if accounts[0].switched_off if accounts else Limit.objects.filter(scope=Scope.OFF, enabled=True).exists():
        return Allowance(left=0.0, scope=Scope.OFF.value, used_up=True)
    return _nearest(accounts)


def allowance_of(learner_id: int) -> Allowance:
    return allowance_for(User.objects.filter(pk=learner_id).first())


def _nearest(accounts: list[Account]) -> Allowance:
    """The account with the least left; a learner's own where others are no nearer."""
    if not accounts:
        return Allowance()
    nearest = min(accounts, key=lambda account: account.left)
    # A call that did not fit any more was refused: what little is left is of no use.
    used_up = nearest.left <= 0 or (nearest.refusals > 0 and nearest.left <= LOW_SHARE)
    return Allowance(left=nearest.left, scope=nearest.scope, used_up=used_up)


def _left_text(allowance: Allowance) -> str:
    if allowance.left >= PLENTY:
        return _("You still have all of today’s model answers.")
    share = _share_text(allowance.left)
    if allowance.scope in {Scope.GUEST, Scope.LEARNER}:
        return _("%(share)s of your model answers for today are left.") % {"share": share}
    if allowance.scope == Scope.COHORT:
        return _("%(share)s of your class’s model answers for today are left.") % {"share": share}
    return _("%(share)s of everybody’s model answers for today are left.") % {"share": share}


def _share_text(left: float) -> str:
    percent = round(left * 10) * 10
    return _("About %(percent)s %%") % {"percent": percent} if left > LOW_SHARE else _("Less than a tenth")


def _then_text() -> str:
    return _("When they are used up, the built-in coach answers until new ones come %(when)s.") % {
        "when": renewal_text()
    }


def renewal_text(now: datetime.datetime | None = None) -> str:
    """When the next day's money comes, in words that hold wherever the learner is."""
    now = (now or timezone.now()).astimezone(datetime.UTC)
    tomorrow = datetime.datetime.combine(
        now.date() + datetime.timedelta(days=1), datetime.time(), datetime.UTC
    )
    minutes = max(1, int((tomorrow - now).total_seconds() // 60))
    if minutes < 90:
        return ngettext("in %(count)s minute", "in %(count)s minutes", minutes) % {"count": minutes}
    hours = round(minutes / 60)
    return ngettext("in about %(count)s hour", "in about %(count)s hours", hours) % {"count": hours}


def over_limit_text(scope: str) -> str:
    """Why the built-in coach answers, by the scope of an `OverLimit`, and until when."""
    if scope in _BUSY:
        return stood_in_text(scope)
    said = {"why": _used_up_text(scope), "when": renewal_text()}
    return _("%(why)s, so the built-in coach answers; new ones come %(when)s.") % said


def stood_in_text(scope: str) -> str:
    """The same beside a reply that stays: without a time that soon is past."""
    if scope in _BUSY:
        return str(_BUSY[scope])
    return _("%(why)s, so the built-in coach wrote this.") % {"why": _used_up_text(scope)}


def _used_up_text(scope: str) -> str:
    return str(_USED_UP.get(scope, _USED_UP[Scope.LEARNER]))


_USED_UP: dict[str, Any] = {
    Scope.LEARNER: gettext_lazy("Your model answers for today are used up"),
    Scope.COHORT: gettext_lazy("Your class has used its model answers for today"),
    Scope.DAY: gettext_lazy("Today’s model answers for everybody are used up"),
    Scope.GUESTS: gettext_lazy("Today’s model answers for visitors without an account are used up"),
}
_BUSY: dict[str, Any] = {
    "calls": gettext_lazy("The model was busy with other replies, so the built-in coach answers this one."),
    "turn": gettext_lazy(
        "The model was asked often enough for this reply, so the built-in coach answers it."
    ),
    Scope.OFF: gettext_lazy("Model answers are switched off at the moment, so the built-in coach answers."),
}
