"""What is asked of models now, and what soon will be: reads for keeping their caches warm."""

from __future__ import annotations

import datetime
from collections.abc import Collection

from django.db.models import OuterRef, Subquery

from coach.frames import Subject
from coach.models import Chore, ProviderAttempt
from lessons.models import Cohort, Lesson


def first_lessons_of_cohorts(*, begin: datetime.datetime, end: datetime.datetime) -> list[str]:
    """The lessons that the cohorts which start in this time begin with, by slug."""
    lessons = Lesson.objects.filter(course=OuterRef("course"), published__isnull=False)
    first = Subquery(lessons.order_by("position", "pk").values("slug")[:1])
    cohorts = Cohort.objects.filter(starts_at__gte=begin, starts_at__lte=end).annotate(first=first)
    return list(dict.fromkeys(cohorts.exclude(first=None).order_by("first").values_list("first", flat=True)))


def model_calls_by_subject(*, since: datetime.datetime) -> dict[Subject, list[datetime.datetime]]:
    """When models were asked to answer about each lesson and exercise, in order of time. One query."""
    attempts = ProviderAttempt.objects.filter(
        reserved_at__gte=since, purpose="reply", turn__isnull=False, settled_at__isnull=False
    )
    about = "turn__conversation__lesson__slug", "turn__conversation__exercise__slug"
    found: dict[Subject, list[datetime.datetime]] = {}
    for lesson, exercise, at in attempts.order_by("reserved_at").values_list(*about, "reserved_at"):
        subject = Subject(kind="lesson", slug=lesson) if lesson else Subject(kind="exercise", slug=exercise)
        found.setdefault(subject, []).append(at)
    return found


def chores_done(names: Collection[str]) -> dict[str, datetime.datetime]:
    """When each of these was begun, of those that ended well."""
    rows = Chore.objects.filter(name__in=names, ended_at__isnull=False, failed=False)
    return {name: at for name, at in rows.values_list("name", "began_at") if at is not None}
