"""What models may cost and have cost: limits, counters for a day, and one row for each request.

Money is whole micro-dollars; days are UTC days.
"""

from __future__ import annotations

import datetime
from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from coach.models.conversations import Turn

MICRO = 1_000_000
"""Micro-dollars of a dollar."""

LIMIT_MAX_USD = 100_000


def utc_day() -> datetime.date:
    return timezone.now().astimezone(datetime.UTC).date()


class Limit(models.Model):
    """What one scope may spend in a day, and how many requests may be open at the same time."""

    class Scope(models.TextChoices):
        GUEST = "guest", _("each guest")
        LEARNER = "learner", _("each learner")
        COHORT = "cohort", _("each cohort")
        GUESTS = "guests", _("all guests together")
        DAY = "day", _("everybody together")
        OFF = "off", _("no model at all (while this row is on)")

    scope = models.CharField(_("scope"), max_length=10, choices=Scope.choices)
    cohort = models.ForeignKey(
        "lessons.Cohort",
        verbose_name=_("cohort"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="limits",
        help_text=_("For one cohort only, in place of the row for each cohort."),
    )
    daily_micro = models.PositiveBigIntegerField(
        _("micro-dollars a day"), default=0, validators=[MaxValueValidator(LIMIT_MAX_USD * MICRO)]
    )
    calls_at_once = models.PositiveSmallIntegerField(
        _("requests at the same time"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Left empty, any number."),
    )
    enabled = models.BooleanField(_("on"), default=True)

    class Meta:
        verbose_name = _("limit")
        verbose_name_plural = _("limits")
        ordering: ClassVar[list[str]] = ["pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["scope"], condition=Q(cohort__isnull=True), name="limit_of_a_scope_once"
            ),
            models.UniqueConstraint(
                fields=["cohort"],
                name="limit_of_a_cohort_once",
                violation_error_message=_("This cohort has a limit of its own already."),
            ),
            models.CheckConstraint(
                condition=Q(cohort__isnull=True) | Q(scope="cohort"),
                name="limit_names_a_cohort_for_cohorts",
                violation_error_message=_("Only a limit for cohorts can name a cohort."),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_scope_display()}: {self.cohort}" if self.cohort else self.get_scope_display()


class Spending(models.Model):
    """One account's counter for one day: of a person, a cohort, all guests, or everybody.

    `reserved`: the worst that requests under way can cost. `settled`: what is charged to this account.
    `forgiven`: what answers cost that never arrived, and are not charged. `asked`: what the last request for
    a reply could have cost at most, granted or not: as much has to be left for another one.

    Who locks several does it by their keys in order, so that no two wait in a ring.
    """

    scope = models.CharField(_("scope"), max_length=10, choices=Limit.Scope.choices)
    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("learner"),
        null=True,
        on_delete=models.CASCADE,
        related_name="spendings",
    )
    cohort = models.ForeignKey(
        "lessons.Cohort",
        verbose_name=_("cohort"),
        null=True,
        on_delete=models.CASCADE,
        related_name="spendings",
    )
    day = models.DateField(_("day (UTC)"), default=utc_day)
    reserved_micro = models.PositiveBigIntegerField(_("reserved"), default=0)
    settled_micro = models.PositiveBigIntegerField(_("charged"), default=0)
    forgiven_micro = models.PositiveBigIntegerField(_("not charged"), default=0)
    open_calls = models.PositiveIntegerField(_("requests under way"), default=0)
    refusals = models.PositiveIntegerField(_("refused"), default=0)
    asked_micro = models.PositiveBigIntegerField(_("last reply at most"), default=0)

    class Meta:
        verbose_name = _("spending of a day")
        verbose_name_plural = _("spending by day")
        ordering: ClassVar[list[str]] = ["-day", "pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["learner", "day"], name="spending_of_a_learner_once"),
            models.UniqueConstraint(fields=["cohort", "day"], name="spending_of_a_cohort_once"),
            models.UniqueConstraint(
                fields=["scope", "day"],
                condition=Q(learner__isnull=True, cohort__isnull=True),
                name="spending_of_all_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.learner or self.cohort or self.get_scope_display()}, {self.day}"

    @property
    def key(self) -> tuple[str, int | None, int | None]:
        """Which account it is, whatever the day."""
        return self.scope, self.learner_id, self.cohort_id


class ProviderAttempt(models.Model):
    """One request to a provider: on record before it is sent, settled once."""

    token = models.UUIDField(_("token"), unique=True, null=True, editable=False)
    turn = models.ForeignKey(
        Turn,
        to_field="uuid",
        verbose_name=_("turn"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="attempts",
    )
    learner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("learner"),
        null=True,
        on_delete=models.SET_NULL,
        related_name="provider_attempts",
    )
    charged_to = models.ManyToManyField(Spending, related_name="attempts", verbose_name=_("charged to"))
    number = models.PositiveIntegerField(_("number in its call"))
    model = models.CharField(_("model"), max_length=100)
    purpose = models.CharField(_("purpose"), max_length=40)
    worst_micro = models.PositiveBigIntegerField(_("can cost at most (µ$)"))
    reserved_at = models.DateTimeField(_("reserved at"), default=timezone.now)
    settled_at = models.DateTimeField(_("settled at"), null=True)
    outcome = models.CharField(_("outcome"), max_length=20, blank=True)
    charged = models.BooleanField(_("charged to the learner"), default=False)
    estimated = models.BooleanField(_("partly estimated"), default=False)
    cost_micro = models.PositiveBigIntegerField(_("cost (µ$)"), default=0)
    read_tokens = models.PositiveIntegerField(_("tokens read"), default=0)
    written_tokens = models.PositiveIntegerField(_("tokens written to the cache"), default=0)
    fresh_tokens = models.PositiveIntegerField(_("tokens sent fresh"), default=0)
    output_tokens = models.PositiveIntegerField(_("tokens of the answer"), default=0)
    expected_read_tokens = models.PositiveIntegerField(_("expected to be read"), default=0)
    expected_written_tokens = models.PositiveIntegerField(_("expected to be written"), default=0)
    expected_fresh_tokens = models.PositiveIntegerField(_("expected fresh"), default=0)
    expected_output_tokens = models.PositiveIntegerField(_("expected answer"), default=0)
    miss_reason = models.CharField(_("why less was read"), max_length=100, blank=True)
    request_id = models.CharField(_("the provider's id"), max_length=100, blank=True)

    class Meta:
        verbose_name = _("request to a model")
        verbose_name_plural = _("requests to models")
        ordering: ClassVar[list[str]] = ["-pk"]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["reserved_at"], name="attempt_open", condition=Q(settled_at__isnull=True)),
            models.Index(fields=["purpose", "-settled_at"], name="attempt_by_purpose"),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} {self.number}, {self.model}"

    @property
    def share_micro(self) -> int:
        """What a learner is asked for at most: no more than was set aside."""
        return min(self.cost_micro, self.worst_micro)
