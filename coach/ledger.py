"""Who pays for requests to models: reserved before they are sent, settled once, given back when they die.

Each account of a payer (the person, their cohorts, all guests, everybody) has a counter for the day. What
arrives together is decided together, each request for itself: `book` is part of the journal's transaction.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from coach.accounts import DEFAULTS
from coach.changes import Changes
from coach.dbclock import lease_end
from coach.engine.ports import Usage
from coach.models import Limit, ProviderAttempt, Spending
from coach.providers.port import ENOUGH, Settled
from coach.reserving import Reserve, micro_of, reserve
from coach.spending import new_shortfalls
from lessons.models import User

logger = logging.getLogger(__name__)
Scope = Limit.Scope

DELIVERED = frozenset({"done", "truncated", ENOUGH})
"""The outcomes that a learner pays for."""

LOST = "lost"
"""The outcome of a request whose process died."""

LOST_AFTER_SECONDS = 900.0
"""No request lives so long: one that is open for longer belongs to a process that died."""

_OWN = (Scope.LEARNER, Scope.COHORT)


def make_limits(*, using: str = "default") -> None:
    """The rows of all scopes, where they are missing; what was edited stays."""
    rows = [
        Limit(scope=scope, daily_micro=daily, calls_at_once=calls)
        for scope, (daily, calls) in DEFAULTS.items()
    ]
    off = Limit(scope=Scope.OFF, enabled=False)
    Limit.objects.using(using).bulk_create([*rows, off], ignore_conflicts=True)


@dataclass(frozen=True, slots=True)
class Settle:
    """Book what an attempt took. Its outcome: whether that was not done before."""

    key: int
    settled: Settled


@transaction.atomic(savepoint=False)
def book(writes: Sequence[Reserve | Settle]) -> list[Any]:
    """Any number of reservations and settlements in one transaction, each with an outcome of its own. What is
    settled makes room for what is reserved."""
    changes = Changes()
    settles = {write.key: write.settled for write in reversed(writes) if isinstance(write, Settle)}
    ended = _end({key: _fields(settled) for key, settled in settles.items()}, changes)
    reserves = [write for write in writes if isinstance(write, Reserve)]
    reserved = iter(reserve(reserves, changes, others=list(changes)))
    changes.write()
    # Not only what read too little itself: a good call may leave the window as well.
    _watch_reads({key for key in ended if settles[key].expected.tokens_read})
    return [next(reserved) if isinstance(write, Reserve) else _once(write.key, ended) for write in writes]


def _once(key: int, keys: set[int]) -> bool:
    found = key in keys
    keys.discard(key)
    return found


def _fields(settled: Settled) -> dict[str, Any]:
    return {
        "outcome": _clean(settled.outcome, 20),
        "cost_micro": micro_of(settled.usage.cost_usd),
        "estimated": settled.estimated,
        "miss_reason": _clean(settled.miss_reason, 100),
        "request_id": _clean(settled.request_id, 100),
        **_tokens(settled.usage, ""),
        **_tokens(settled.expected, "expected_"),
    }


def _watch_reads(keys: Collection[int]) -> None:
    """Say once when a purpose begins to read too little of what the cache should hold for it."""
    for short in new_shortfalls(keys):
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


def _end(fields: Mapping[int, Mapping[str, Any]], changes: Changes) -> set[int]:
    """Those of these attempts that nobody had settled before; what that does to the accounts goes to
    `changes`."""
    ended = {key for key in sorted(fields) if _end_one(key, **fields[key])}
    for account, own, row in _charged(ended) if ended else ():
        change = changes[account]
        change.reserved -= row.worst_micro
        change.open_calls -= 1
        if own and not row.charged:
            change.forgiven += row.share_micro
        else:
            change.settled += row.share_micro if own else row.cost_micro
    return ended


def _end_one(key: int, **fields: Any) -> bool:
    open_rows = ProviderAttempt.objects.filter(pk=key, settled_at__isnull=True)
    return bool(open_rows.update(settled_at=Now(), charged=fields["outcome"] in DELIVERED, **fields))


def _charged(keys: Collection[int]) -> Iterator[tuple[int, bool, ProviderAttempt]]:
    """Each account that these attempts are charged to: its key, whether it is a learner's or a class's."""
    rows = ProviderAttempt.charged_to.through.objects.filter(providerattempt__in=keys)
    names = ("spending_id", "spending__scope", "providerattempt__worst_micro", "providerattempt__cost_micro")
    for account, scope, worst, cost, charged in rows.values_list(*names, "providerattempt__charged"):
        yield account, scope in _OWN, ProviderAttempt(worst_micro=worst, cost_micro=cost, charged=charged)


def sweep_attempts() -> int:
    """Settle what dead processes left open, at the worst it can have cost. Any number of times, anywhere."""
    return _give_up(ProviderAttempt.objects.filter(reserved_at__lt=lease_end(-LOST_AFTER_SECONDS)))


def give_up_attempts(turn: uuid.UUID) -> int:
    """The same for one turn, by the process that takes it over."""
    return _give_up(ProviderAttempt.objects.filter(turn__uuid=turn))


@transaction.atomic
def _give_up(attempts: QuerySet[ProviderAttempt]) -> int:
    keys = attempts.filter(settled_at__isnull=True).values_list("pk", flat=True)
    lost = {"outcome": LOST, "estimated": True, "cost_micro": F("worst_micro")}
    changes = Changes()
    ended = _end(dict.fromkeys(keys, lost), changes)
    changes.write()
    return len(ended)


@transaction.atomic
def forgive_turn(turn: uuid.UUID) -> int:
    """An answer that never came costs nothing, nor do the requests on the way to it that did end well."""
    charged = ProviderAttempt.objects.filter(turn__uuid=turn, charged=True).order_by("pk")
    keys = list(charged.select_for_update(no_key=True, of=("self",)).values_list("pk", flat=True))
    changes = Changes()
    for account, own, row in _charged(keys) if keys else ():
        if own:
            changes[account].settled -= row.share_micro
            changes[account].forgiven += row.share_micro
    changes.write()
    return ProviderAttempt.objects.filter(pk__in=keys).update(charged=False)


@transaction.atomic
def move_spending(*, guest: User, learner: User) -> None:
    """A guest turned out to be a known learner: what they have used counts as that learner's."""
    ProviderAttempt.objects.filter(learner=guest).update(learner=learner)
    for row in Spending.objects.filter(learner=guest).order_by("pk").select_for_update():
        own = Spending.objects.filter(learner=learner, day=row.day).first()
        if own is None:
            Spending.objects.filter(pk=row.pk).update(learner=learner)
        else:
            _join(row, own)


def _join(row: Spending, own: Spending) -> None:
    names = ("reserved_micro", "settled_micro", "forgiven_micro", "open_calls", "refusals")
    added: dict[str, Any] = {name: F(name) + getattr(row, name) for name in names}
    Spending.objects.filter(pk=own.pk).update(**added, asked_micro=max(row.asked_micro, own.asked_micro))
    ProviderAttempt.charged_to.through.objects.filter(spending=row).update(spending=own)
    row.delete()
