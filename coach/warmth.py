"""What is asked of models now, what soon will be, and what their caches hold."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Sequence
from itertools import pairwise

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils import timezone

from coach.beginning import Place
from coach.frames import Subject
from coach.models import CachedPrefix, Chore, ProviderAttempt
from coach.providers.port import Kept
from lessons.models import Cohort, Lesson

Pauses = tuple[float, ...]
"""Seconds between calls that begin alike, in order."""

WATCHED_SECONDS = 3600.0
"""No entry lives longer unused: earlier calls say nothing."""
CALLS_MAX = 64
"""So many of one subject's newest calls say enough."""


def first_lessons_of_cohorts(*, begin: datetime.datetime, end: datetime.datetime) -> list[Subject]:
    """The lessons that the cohorts which start in this time begin with, each once."""
    lessons = Lesson.objects.filter(course=OuterRef("course"), published__isnull=False)
    first = Subquery(lessons.order_by("position", "pk").values("slug")[:1])
    cohorts = Cohort.objects.filter(starts_at__gte=begin, starts_at__lte=end).annotate(first=first)
    slugs = cohorts.exclude(first=None).order_by("first").values_list("first", flat=True)
    return [Subject(kind="lesson", slug=slug) for slug in dict.fromkeys(slugs)]


def _replies() -> QuerySet[ProviderAttempt]:
    """Calls that answered somebody lately; further attempts at one call are no pause between two."""
    since = timezone.now() - datetime.timedelta(seconds=WATCHED_SECONDS)
    answered = ProviderAttempt.objects.filter(purpose="reply", number=1, settled_at__gte=since)
    return answered.filter(turn__isnull=False, reserved_at__gte=since)


def calls_by_subject() -> dict[Subject, list[datetime.datetime]]:
    """When models were asked to answer about each lesson and exercise, in order of time. One query."""
    about = "turn__conversation__lesson__slug", "turn__conversation__exercise__slug"
    found: dict[Subject, list[datetime.datetime]] = {}
    for lesson, exercise, at in _replies().order_by("reserved_at").values_list(*about, "reserved_at"):
        subject = Subject(kind="lesson", slug=lesson) if lesson else Subject(kind="exercise", slug=exercise)
        found.setdefault(subject, []).append(at)
    return found


def pauses_of_many(places: Collection[Place]) -> dict[Place, Pauses]:
    """How long it was between the newest calls about each place, and since the last. One query."""
    lessons = [place.pk for place in places if not place.in_exercise]
    exercises = [place.pk for place in places if place.in_exercise]
    about = Q(turn__conversation__lesson__in=lessons) | Q(turn__conversation__exercise__in=exercises)
    where = "turn__conversation__lesson", "turn__conversation__exercise", "reserved_at"
    newest = _replies().filter(about).order_by("-reserved_at").values_list(*where)
    times: dict[tuple[bool, int], list[datetime.datetime]] = {}
    for lesson, exercise, at in reversed(newest[: CALLS_MAX * len(places)]):
        times.setdefault((lesson is None, lesson or exercise), []).append(at)
    now = timezone.now()
    return {place: pauses(times.get((place.in_exercise, place.pk), ()), now) for place in places}


def pauses(times: Sequence[datetime.datetime], until: datetime.datetime) -> Pauses:
    """The pauses between these, and from the last until now."""
    # The database's clock may be a little ahead of this process's.
    return tuple(max(0.0, (later - at).total_seconds()) for at, later in pairwise((*times, until)))


def prefixes_kept(model: str, keys: Sequence[str]) -> list[Kept]:
    """Those of a model's prefixes that live. One query."""
    now = timezone.now()
    rows = CachedPrefix.objects.filter(model=model, key__in=keys, expires_at__gt=now)
    return [
        Kept(
            model=row.model,
            key=row.key,
            ttl_seconds=row.ttl_seconds,
            left_seconds=(row.expires_at - now).total_seconds(),
            message=row.message,
        )
        for row in rows
    ]


def note_prefixes(kept: Sequence[Kept]) -> None:
    """For other processes, and for this one's successor. One query."""
    now = timezone.now()
    rows = [
        CachedPrefix(
            model=each.model,
            key=each.key,
            ttl_seconds=each.ttl_seconds,
            expires_at=now + datetime.timedelta(seconds=each.left_seconds),
            message=each.message,
        )
        # In one order for all, so that no two wait for each other in a ring.
        for each in sorted(kept, key=lambda each: each.key)
    ]
    CachedPrefix.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["model", "key"],
        update_fields=["ttl_seconds", "expires_at", "message"],
    )


def forget_prefixes() -> None:
    """What has lapsed."""
    CachedPrefix.objects.filter(expires_at__lte=timezone.now()).delete()


def chores_done(names: Collection[str]) -> dict[str, datetime.datetime]:
    """When each of these was begun, of those that ended well."""
    rows = Chore.objects.filter(name__in=names, ended_at__isnull=False, failed=False)
    return {name: at for name, at in rows.values_list("name", "began_at") if at is not None}
