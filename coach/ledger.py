"""Who pays for requests to models: reserved before they are sent, settled once, given back when they die.

Each account of a payer (the person, their cohorts, all guests, everybody) has a counter for the day. One
conditional UPDATE for each of them decides, all in one transaction and always in the order of the locks.
"""

from __future__ import annotations

import logging
import math
import uuid
from collections.abc import Iterable, Sequence

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from coach.allowance import DEFAULTS, Account, accounts_of, accounts_today, payer_of
from coach.dbclock import lease_end
from coach.engine.ports import Usage
from coach.models import Limit, ProviderAttempt, Spending
from coach.models.money import MICRO, utc_day
from coach.providers.port import ENOUGH, Attempt, OverLimit, Settled
from coach.spending import new_shortfall
from lessons.models import User

logger = logging.getLogger(__name__)
Scope = Limit.Scope

DELIVERED = frozenset({"done", "truncated", ENOUGH})
"""The outcomes that a learner pays for."""

LOST = "lost"
"""The outcome of a request whose process died."""

FORGIVEN_TIMES = 3
"""So many allowances' worth of answers that never arrived are free: beyond that it is no bad luck."""

ATTEMPTS_MAX_PER_TURN = 16
LOST_AFTER_SECONDS = 900.0
"""No request lives so long: one that is open for longer belongs to a process that died."""

_OWN = (Scope.LEARNER, Scope.COHORT)


class _Refused(Exception):  # noqa: N818 - it rolls the transaction back, and is no fault
    def __init__(self, scope: str, account: Account | None = None) -> None:
        super().__init__(scope)
        self.scope = scope
        self.account = account


def make_limits(*, using: str = "default") -> None:
    """The rows of all scopes, where they are missing; what was edited stays."""
    rows = [
        Limit(scope=scope, daily_micro=daily, calls_at_once=calls)
        for scope, (daily, calls) in DEFAULTS.items()
    ]
    off = Limit(scope=Scope.OFF, enabled=False)
    Limit.objects.using(using).bulk_create([*rows, off], ignore_conflicts=True)


def micro_of(usd: float) -> int:
    """Dollars as whole micro-dollars, never less than they are."""
    return max(0, math.ceil(round(usd * MICRO, 3)))


def reserve_attempt(learner_id: int | None, attempt: Attempt) -> int:
    """Put an attempt on record and its worst cost aside, durably; its key. Raises OverLimit.

    Without a learner the installation itself pays. Asked twice for one attempt, it is reserved once.
    """
    known = ProviderAttempt.objects.filter(token=attempt.token).values_list("pk", flat=True).first()
    if known is not None:
        return known
    accounts = _accounts(learner_id)
    if accounts[0].switched_off:
        raise OverLimit(Scope.OFF)
    try:
        return _reserve(learner_id, attempt, accounts)
    except _Refused as refused:
        if refused.account is not None:
            Spending.objects.filter(pk=refused.account.pk).update(refusals=F("refusals") + 1)
        raise OverLimit(refused.scope) from None


def _accounts(learner_id: int | None) -> list[Account]:
    """Today's accounts of a payer, made where they are missing, in the order of the locks."""
    payer, day = payer_of(learner_id), utc_day()
    if payer is None:
        raise OverLimit(Scope.LEARNER)
    found = accounts_today(accounts_of(payer), day=day)
    if len(found) == len(payer.keys):
        return found
    Spending.objects.bulk_create(
        (
            Spending(scope=scope, learner_id=learner, cohort_id=cohort, day=day)
            for scope, learner, cohort in payer.keys
        ),
        ignore_conflicts=True,
    )
    return accounts_today(accounts_of(payer), day=day)


@transaction.atomic
def _reserve(learner_id: int | None, attempt: Attempt, accounts: Sequence[Account]) -> int:
    worst = micro_of(attempt.worst_usd)
    for account in accounts:
        if not _take(account, worst):
            raise _refusal(account, worst)
    turn = uuid.UUID(attempt.turn) if attempt.turn else None
    # Behind the learner's row, which is locked by now: two of one turn are counted one after the other.
    if turn and ProviderAttempt.objects.filter(turn__uuid=turn).count() >= ATTEMPTS_MAX_PER_TURN:
        raise _Refused("turn")
    row = ProviderAttempt.objects.create(
        token=attempt.token,
        turn_id=turn,
        learner_id=learner_id,
        number=attempt.number,
        model=attempt.model,
        purpose=attempt.purpose,
        worst_micro=worst,
        reserved_at=Now(),
    )
    row.charged_to.set([account.pk for account in accounts])
    return row.pk


def _take(account: Account, worst: int) -> bool:
    """The decision: one UPDATE that takes the money only where there is enough."""
    rows = _with_room(account, worst)
    if account.calls_at_once is not None:
        rows = rows.filter(open_calls__lt=account.calls_at_once)
    return bool(rows.update(reserved_micro=F("reserved_micro") + worst, open_calls=F("open_calls") + 1))


def _with_room(account: Account, worst: int) -> QuerySet[Spending]:
    rows = Spending.objects.filter(pk=account.pk)
    limit = account.limit_micro
    if limit is None:
        return rows
    bound = limit * (1 + FORGIVEN_TIMES)
    return rows.filter(
        Q(reserved_micro__lte=limit - worst - F("settled_micro")),
        Q(reserved_micro__lte=bound - worst - F("settled_micro") - F("forgiven_micro")),
    )


def _refusal(account: Account, worst: int) -> _Refused:
    if _with_room(account, worst).exists():
        return _Refused("calls")
    return _Refused(account.scope, account)


def settle_attempt(key: int, settled: Settled) -> bool:
    """Book what an attempt took; False, and nothing else, where it was settled already."""
    usage, expected = settled.usage, settled.expected
    booked = _settle(
        key,
        outcome=_clean(settled.outcome, 20),
        cost=micro_of(usage.cost_usd),
        estimated=settled.estimated,
        miss_reason=_clean(settled.miss_reason, 100),
        request_id=_clean(settled.request_id, 100),
        **_tokens(usage, ""),
        **_tokens(expected, "expected_"),
    )
    # Not only where it read too little itself: a good call may leave the window as well.
    if booked and expected.tokens_read:
        _watch_reads(key)
    return booked


def _watch_reads(key: int) -> None:
    """Say once when a purpose begins to read too little of what the cache should hold for it."""
    if (short := new_shortfall(key)) is not None:
        logger.warning(
            "Calls for “%s” read %d %% of what the cache should hold (last %d calls; most given reason: %s).",
            short.purpose,
            round(short.share * 100),
            short.calls,
            short.miss_reason or "none",
        )


def _clean(text: str, length: int) -> str:
    # What a provider says may hold what no database takes.
    return text.replace("\x00", "")[:length]


def _tokens(usage: Usage, prefix: str) -> dict[str, int]:
    return {
        f"{prefix}{kind}_tokens": max(0, getattr(usage, f"tokens_{kind}"))
        for kind in ("read", "written", "fresh", "output")
    }


@transaction.atomic
def _settle(key: int, *, outcome: str, cost: int | None = None, **fields: object) -> bool:
    """Without a cost, the worst is taken for it."""
    delivered = outcome in DELIVERED
    open_rows = ProviderAttempt.objects.filter(pk=key, settled_at__isnull=True)
    changed = open_rows.update(
        settled_at=Now(),
        outcome=outcome,
        charged=delivered,
        cost_micro=F("worst_micro") if cost is None else cost,
        **fields,
    )
    if changed:
        _book(ProviderAttempt.objects.get(pk=key))
    return bool(changed)


def _book(attempt: ProviderAttempt) -> None:
    """The installation books what it was; a learner pays for what arrived, and no more than was set aside."""
    worst, cost = attempt.worst_micro, attempt.cost_micro
    rows = Spending.objects.filter(attempts=attempt).order_by(*Spending.LOCK_ORDER)
    for pk, scope in list(rows.values_list("pk", "scope")):
        own = scope in _OWN
        share = min(cost, worst) if own else cost
        paid = "forgiven_micro" if own and not attempt.charged else "settled_micro"
        Spending.objects.filter(pk=pk).update(
            reserved_micro=F("reserved_micro") - worst,
            open_calls=F("open_calls") - 1,
            **{paid: F(paid) + share},
        )


def sweep_attempts() -> int:
    """Settle what dead processes left open, at the worst it can have cost. Any number of times, anywhere."""
    return _give_up(ProviderAttempt.objects.filter(reserved_at__lt=lease_end(-LOST_AFTER_SECONDS)))


def give_up_attempts(turn: uuid.UUID) -> int:
    """The same for one turn, by the process that takes it over."""
    return _give_up(ProviderAttempt.objects.filter(turn__uuid=turn))


def _give_up(attempts: QuerySet[ProviderAttempt]) -> int:
    keys: Iterable[int] = attempts.filter(settled_at__isnull=True).order_by("pk").values_list("pk", flat=True)
    return sum(_settle(key, outcome=LOST, estimated=True) for key in list(keys))


def forgive_turn(turn: uuid.UUID) -> int:
    """An answer that never came costs nothing, nor do the requests on the way to it that did end well."""
    charged = ProviderAttempt.objects.filter(turn__uuid=turn, charged=True).order_by("pk")
    return sum(_forgive(key) for key in list(charged.values_list("pk", flat=True)))


@transaction.atomic
def _forgive(key: int) -> bool:
    if not ProviderAttempt.objects.filter(pk=key, charged=True).update(charged=False):
        return False
    attempt = ProviderAttempt.objects.get(pk=key)
    share = min(attempt.cost_micro, attempt.worst_micro)
    rows = Spending.objects.filter(attempts=attempt, scope__in=_OWN).order_by(*Spending.LOCK_ORDER)
    for pk in list(rows.values_list("pk", flat=True)):
        Spending.objects.filter(pk=pk).update(
            settled_micro=F("settled_micro") - share, forgiven_micro=F("forgiven_micro") + share
        )
    return True


@transaction.atomic
def move_spending(*, guest: User, learner: User) -> None:
    """A guest turned out to be a known learner: what they have used counts as that learner's."""
    ProviderAttempt.objects.filter(learner=guest).update(learner=learner)
    for row in Spending.objects.filter(learner=guest).order_by("pk"):
        own = Spending.objects.filter(learner=learner, day=row.day).first()
        if own is None:
            Spending.objects.filter(pk=row.pk).update(learner=learner)
        else:
            _join(row, own)


def _join(row: Spending, own: Spending) -> None:
    names = ("reserved_micro", "settled_micro", "forgiven_micro", "open_calls", "refusals")
    Spending.objects.filter(pk=own.pk).update(**{name: F(name) + getattr(row, name) for name in names})
    ProviderAttempt.charged_to.through.objects.filter(spending=row).update(spending=own)
    row.delete()
