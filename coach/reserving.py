"""Money put aside before a request is sent: any number of them decided together, each for itself.

The accounts that all of a batch want are read and held in one go; what is granted and what is refused is then
decided in turn, with what the batch itself has taken and given back so far.
"""

from __future__ import annotations

import math
import uuid
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q
from django.db.models.functions import Now

from coach.accounts import Account, Key, Payer, Scope, accounts_among, payers_of
from coach.changes import Changes
from coach.models import ProviderAttempt, Spending
from coach.models.money import MICRO, utc_day
from coach.providers.port import Attempt, OverLimit

ATTEMPTS_MAX_PER_TURN = 16
REPLY = "reply"
"""The purpose of what a learner waits for: by its cost they are told how much is left."""


@dataclass(frozen=True, slots=True)
class Reserve:
    """Put an attempt on record and its worst cost aside. Without a learner the installation itself pays.

    Its outcome is the attempt's key, or an OverLimit. Asked twice for one attempt, it is reserved once.
    """

    learner_id: int | None
    attempt: Attempt

    @property
    def worst_micro(self) -> int:
        return micro_of(self.attempt.worst_usd)

    @property
    def turn(self) -> uuid.UUID | None:
        return uuid.UUID(self.attempt.turn) if self.attempt.turn else None


def micro_of(usd: float) -> int:
    """Dollars as whole micro-dollars, never less than they are."""
    return max(0, math.ceil(round(usd * MICRO, 3)))


def reserve(
    writes: Sequence[Reserve], changes: Changes, *, others: Collection[int] = ()
) -> list[int | OverLimit]:
    """The outcomes, in order; what they do to the accounts goes to `changes`. `others`: accounts that are
    changed as well, so that all are locked in order."""
    if not writes:
        return []
    payers = payers_of({write.learner_id for write in writes})
    return _Round(payers, _held(payers.values(), others), changes).outcomes(writes)


def _held(payers: Collection[Payer], others: Collection[int]) -> dict[Key, Account]:
    """Today's accounts of the payers, made where they are missing. Nobody else changes them until the end."""
    found = _locked(payers, others)
    missing = sorted({key for payer in payers for key in payer.keys} - found.keys(), key=str)
    if not missing:
        return found
    rows = [
        Spending(scope=scope, learner_id=learner, cohort_id=cohort, day=utc_day())
        for scope, learner, cohort in missing
    ]
    Spending.objects.bulk_create(rows, ignore_conflicts=True)
    return _locked(payers, others)


def _locked(payers: Collection[Payer], others: Collection[int]) -> dict[Key, Account]:
    people = {payer.learner_id for payer in payers if payer.learner_id is not None}
    classes = {cohort for payer in payers for cohort in payer.cohorts}
    pools = [Scope.GUESTS, Scope.DAY]
    wanted = Q(learner__in=people) | Q(cohort__in=classes) | Q(scope__in=pools)
    day = utc_day()
    rows = Spending.objects.select_for_update(no_key=True).order_by("pk")
    held = rows.filter(Q(wanted, day=day) | Q(pk__in=others))
    guests = {payer.learner_id for payer in payers if payer.guest}
    return accounts_among((row for row in held if row.day == day), guests=guests)


def refusal_of(accounts: Iterable[Account], changes: Changes, worst: int) -> OverLimit | None:
    """The first account that has no room for so much decides. Refusals for want of money are counted."""
    for account in accounts:
        change = changes[account.pk]
        if not account.has_room(worst, used=change.used, forgiven=change.forgiven):
            change.refusals += 1
            return OverLimit(account.scope)
        if account.is_busy(change.open_calls):
            return OverLimit("calls")
    return None


@dataclass(slots=True)
class _Round:
    """One batch of reservations while it is decided. `known`: keys of attempts by token; `of_turn`: how many
    a turn has had."""

    payers: Mapping[int | None, Payer]
    accounts: Mapping[Key, Account]
    changes: Changes
    known: dict[uuid.UUID | None, int] = field(default_factory=dict)
    of_turn: Counter[uuid.UUID | None] = field(default_factory=Counter)
    granted: list[tuple[ProviderAttempt, list[Account]]] = field(default_factory=list)

    def outcomes(self, writes: Sequence[Reserve]) -> list[int | OverLimit]:
        self._recall(writes)
        decided = [self._decide(write) for write in writes]
        self._store()
        return [each.pk if isinstance(each, ProviderAttempt) else each for each in decided]

    def _recall(self, writes: Sequence[Reserve]) -> None:
        """What is on record already. Behind the learners' rows, which are held by now: nobody adds to it."""
        turns = Q(turn__in={write.turn for write in writes if write.turn})
        rows = ProviderAttempt.objects.filter(turns | Q(token__in={write.attempt.token for write in writes}))
        known: Iterable[tuple[int, uuid.UUID | None, Any]] = rows.values_list("pk", "token", "turn_id")
        for key, token, turn in known:
            self.known[token] = key
            self.of_turn[turn] += 1

    def _decide(self, write: Reserve) -> ProviderAttempt | int | OverLimit:
        if (known := self.known.get(write.attempt.token)) is not None:
            return known
        payer = self.payers.get(write.learner_id)
        if payer is None:
            return OverLimit(Scope.LEARNER.value)
        accounts = [self.accounts[key] for key in payer.keys]
        if accounts[0].switched_off:
            return OverLimit(Scope.OFF.value)
        return self._refusal(write, accounts) or self._grant(write, accounts)

    def _refusal(self, write: Reserve, accounts: Sequence[Account]) -> OverLimit | None:
        if write.attempt.purpose == REPLY:
            for account in accounts:
                self.changes[account.pk].asked = write.worst_micro
        refused = refusal_of(accounts, self.changes, write.worst_micro)
        if refused is None and write.turn and self.of_turn[write.turn] >= ATTEMPTS_MAX_PER_TURN:
            return OverLimit("turn")
        return refused

    def _grant(self, write: Reserve, accounts: list[Account]) -> ProviderAttempt:
        row = _row(write)
        self.of_turn[write.turn] += 1
        self.granted.append((row, accounts))
        for account in accounts:
            self.changes[account.pk].reserved += row.worst_micro
            self.changes[account.pk].open_calls += 1
        return row

    def _store(self) -> None:
        ProviderAttempt.objects.bulk_create([row for row, _accounts in self.granted])
        charged = ProviderAttempt.charged_to.through
        charged.objects.bulk_create(
            charged(providerattempt_id=row.pk, spending_id=account.pk)
            for row, accounts in self.granted
            for account in accounts
        )


def _row(write: Reserve) -> ProviderAttempt:
    attempt = write.attempt
    return ProviderAttempt(
        token=attempt.token,
        turn_id=write.turn,
        learner_id=write.learner_id,
        number=attempt.number,
        model=attempt.model,
        purpose=attempt.purpose,
        worst_micro=write.worst_micro,
        reserved_at=Now(),
    )
