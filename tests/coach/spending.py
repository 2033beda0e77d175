"""Attempts and settlements for the tests of money."""

from __future__ import annotations

import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from coach.engine.ports import Usage
from coach.ledger import Settle, book
from coach.models import Limit, ProviderAttempt, Spending
from coach.models.money import MICRO
from coach.providers.port import Attempt, OverLimit, Settled
from coach.reserving import Reserve
from lessons.models import Cohort, Course, User
from tests.lessons import factories


def make_member() -> User:
    """Nobody signs in here, and hashing a password is slow."""
    return factories.make_member(password=None)


def attempt(usd: float = 0.01, **fields: Any) -> Attempt:
    given = {
        "purpose": "reply",
        "turn": "",
        "model": "claude-haiku-5-5",
        "number": 1,
        **fields,
    }
    return Attempt(worst_usd=usd, **given)


def settled(usd: float = 0.01, outcome: str = "done", **fields: Any) -> Settled:
    usage = Usage(
        tokens_read=fields.pop("read", 0), tokens_written=10, tokens_fresh=20, tokens_output=30, cost_usd=usd
    )
    expected = Usage(tokens_read=fields.pop("expected_read", 0))
    return Settled(outcome=outcome, usage=usage, expected=expected, **fields)


def refused(outcome: str = "busy", *, expected_read: int) -> Settled:
    """A request that the service did not take."""
    return Settled(outcome=outcome, usage=Usage(), expected=Usage(tokens_read=expected_read))


def reserve_attempt(learner_id: int | None, wanted: Attempt) -> int:
    """As a purse does it that nobody shares a batch with."""
    with transaction.atomic():
        (outcome,) = book([Reserve(learner_id, wanted)])
    if isinstance(outcome, OverLimit):
        raise outcome
    return int(outcome)


def settle_attempt(key: int, ended: Settled) -> bool:
    with transaction.atomic():
        (booked,) = book([Settle(key, ended)])
    return bool(booked)


def set_limit(scope: str, usd: float, *, calls: int | None = None, **fields: Any) -> None:
    values = {"daily_micro": round(usd * MICRO), "calls_at_once": calls, "enabled": True}
    Limit.objects.update_or_create(scope=scope, **{"cohort": None, **fields}, defaults=values)


def only_limits(**usd: float) -> None:
    """These limits in dollars; the others are off."""
    Limit.objects.exclude(scope=Limit.Scope.OFF).update(enabled=False)
    for scope, amount in usd.items():
        set_limit(scope, amount)


def make_cohort(*learners: User, title: str = "Autumn", **fields: Any) -> Cohort:
    course, _ = Course.objects.get_or_create(slug="course", defaults={"title": "Course"})
    begun = timezone.now() - datetime.timedelta(days=1)
    cohort = Cohort.objects.create(title=title, course=course, **{"starts_at": begun, **fields})
    cohort.learners.set(learners)
    return cohort


def counter(scope: str, **fields: Any) -> tuple[int, int, int, int]:
    """Reserved, charged, not charged, under way."""
    row = Spending.objects.get(scope=scope, **fields)
    return row.reserved_micro, row.settled_micro, row.forgiven_micro, row.open_calls


def the_attempt() -> ProviderAttempt:
    return ProviderAttempt.objects.get()
