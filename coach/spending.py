"""What models have cost, and whether their caches gave what the engine said they would: for instructors and
operators. A read that was expected and did not come is money lost."""

from __future__ import annotations

import datetime
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import Least, TruncDate

from coach.models import ProviderAttempt, Spending
from coach.models.money import MICRO, utc_day
from coach.providers.port import ENOUGH
from lessons.models import User

WATCHED_CALLS = 20
READ_SHARE_MIN = 0.9

COUNTED = (
    Q(settled_at__isnull=False, expected_read_tokens__gt=0)
    & (Q(read_tokens__gt=0) | Q(written_tokens__gt=0) | Q(fresh_tokens__gt=0))
    & (Q(estimated=False) | Q(outcome=ENOUGH))
)
"""Requests that tell of a cache: something could be read, and the service has counted the prompt. One that
it refused reads nothing; one that was lost is booked as what was expected. Of one that was heard long enough
only the answer's end is a guess."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadShare:
    """What was read of what could have been, over some calls of one purpose. `share`: 0 to 1."""

    purpose: str
    calls: int
    share: float
    miss_reason: str = ""

    @property
    def short(self) -> bool:
        return self.calls >= WATCHED_CALLS and self.share < READ_SHARE_MIN


_Row = tuple[int, int, int, str]
"""The row's key, tokens read, tokens expected to be, and the provider's reason for less."""


def read_share_of(purpose: str, rows: Sequence[_Row]) -> ReadShare:
    expected = sum(could for _key, _was, could, _reason in rows)
    # What was read beyond the expected makes no other miss good.
    read = sum(min(was, could) for _key, was, could, _reason in rows)
    reasons = Counter(reason for _key, was, could, reason in rows if was < could and reason)
    return ReadShare(
        purpose=purpose,
        calls=len(rows),
        share=read / expected if expected else 1.0,
        miss_reason=reasons.most_common(1)[0][0] if reasons else "",
    )


def last_reads(purpose: str, *, calls: int = WATCHED_CALLS) -> list[_Row]:
    """The newest calls of a purpose that had something to read, newest first."""
    rows = ProviderAttempt.objects.filter(COUNTED, purpose=purpose).order_by("-settled_at", "-pk")
    return list(rows.values_list("pk", "read_tokens", "expected_read_tokens", "miss_reason")[:calls])


def new_shortfalls(keys: Collection[int]) -> list[ReadShare]:
    """What the last calls of a purpose read, for each of these rows that made it too little."""
    by_purpose: dict[str, set[int]] = defaultdict(set)
    if keys:
        for key, purpose in ProviderAttempt.objects.filter(pk__in=keys).values_list("pk", "purpose"):
            by_purpose[purpose].add(key)
    return [short for purpose, of_it in by_purpose.items() for short in _new_shortfalls(purpose, of_it)]


def _new_shortfalls(purpose: str, keys: Collection[int]) -> Iterator[ReadShare]:
    # Others may have been settled since; each row answers for the calls up to its own.
    places = WATCHED_CALLS + len(keys)
    rows = last_reads(purpose, calls=places + WATCHED_CALLS)
    for place, row in enumerate(rows[:places]):
        if row[0] in keys:
            now, before = (read_share_of(purpose, rows[at : at + WATCHED_CALLS]) for at in (place, place + 1))
            if now.short and not before.short:
                yield now


def short_reads() -> list[ReadShare]:
    """The purposes whose last calls read too little of what was there."""
    purposes = ProviderAttempt.objects.order_by("purpose").values_list("purpose", flat=True).distinct()
    shares = [read_share_of(purpose, last_reads(purpose)) for purpose in purposes]
    return [share for share in shares if share.short]


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOfPurpose:
    """Requests of one purpose on one day (UTC), with what their caches gave of what they should have."""

    day: datetime.date
    purpose: str
    requests: int
    lost: int
    usd: float
    read: int
    expected_read: int

    @property
    def share(self) -> float | None:
        return self.read / self.expected_read if self.expected_read else None


def days_of_purposes(attempts: QuerySet[ProviderAttempt]) -> list[DayOfPurpose]:
    """Newest day first. One query."""
    rows = (
        attempts.order_by()
        .annotate(on=TruncDate("reserved_at", tzinfo=datetime.UTC))
        .values("on", "purpose")
        .annotate(
            requests=Count("pk"),
            lost=Count("pk", filter=Q(settled_at__isnull=False, charged=False)),
            micro=Sum("cost_micro"),
            read=Sum(Least("read_tokens", "expected_read_tokens"), filter=COUNTED, default=0),
            expected_read=Sum("expected_read_tokens", filter=COUNTED, default=0),
        )
        .order_by("-on", "purpose")
    )
    return [_day(row) for row in rows]


def _day(row: Any) -> DayOfPurpose:
    micro = row.pop("micro")
    return DayOfPurpose(day=row.pop("on"), usd=micro / MICRO, **row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """What the installation has spent today, and what requests under way can cost at most; US dollars."""

    spent_usd: float
    reserved_usd: float
    open_calls: int


def today() -> Today:
    row = Spending.objects.filter(scope="day", day=utc_day()).first()
    if row is None:
        return Today(spent_usd=0.0, reserved_usd=0.0, open_calls=0)
    return Today(
        spent_usd=row.settled_micro / MICRO,
        reserved_usd=row.reserved_micro / MICRO,
        open_calls=row.open_calls,
    )


def attempts_of_learner(learner: User) -> list[dict[str, Any]]:
    """What was asked of models for a learner, JSON-safe; the installation's money is not theirs to see."""
    rows = ProviderAttempt.objects.filter(learner=learner).order_by("pk")
    found = rows.values("purpose", "model", "outcome", "charged", at=F("reserved_at"))
    return [{**row, "at": row["at"].isoformat()} for row in found]
