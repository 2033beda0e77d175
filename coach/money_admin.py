"""Limits to set, and what models cost to look at: amounts in US dollars, days in UTC."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from coach.models import Limit, ProviderAttempt, Spending
from coach.models.money import LIMIT_MAX_USD, MICRO
from coach.readonly import ReadOnly
from coach.spending import days_of_purposes, short_reads, today

if TYPE_CHECKING:
    LimitBase = admin.ModelAdmin[Limit]
    SpendingBase = admin.ModelAdmin[Spending]
    AttemptBase = admin.ModelAdmin[ProviderAttempt]
    LimitFormBase = forms.ModelForm[Limit]
else:
    LimitBase = SpendingBase = AttemptBase = admin.ModelAdmin
    LimitFormBase = forms.ModelForm

SHOWN_DAYS = 7


def dollars(micro: int) -> str:
    return f"{Decimal(micro) / MICRO:.4f}"


class LimitForm(LimitFormBase):
    usd = forms.DecimalField(
        label=_("US dollars a day (UTC)"),
        min_value=Decimal(0),
        max_value=LIMIT_MAX_USD,
        decimal_places=6,
        help_text=_("The worst that a request can cost is held against it before the request is sent."),
    )

    class Meta:
        model = Limit
        fields = ("cohort", "calls_at_once", "enabled")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            self.instance.scope = Limit.Scope.COHORT
            self.fields["cohort"].required = True
        elif self.instance.scope == Limit.Scope.OFF:
            del self.fields["usd"]
        else:
            self.fields["usd"].initial = Decimal(self.instance.daily_micro) / MICRO

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "usd" in cleaned:
            self.instance.daily_micro = int(cleaned["usd"] * MICRO)
        return cleaned


@admin.register(Limit)
class LimitAdmin(LimitBase):
    """A row for each scope is always there; a cohort can have one of its own."""

    form = LimitForm
    list_display = ("__str__", "usd_a_day", "calls_at_once", "enabled")
    list_select_related = ("cohort",)
    actions = None

    @admin.display(description=_("US dollars a day"), ordering="daily_micro")
    def usd_a_day(self, limit: Limit) -> str:
        return "" if limit.scope == Limit.Scope.OFF else dollars(limit.daily_micro)

    def get_fields(self, request: HttpRequest, obj: Limit | None = None) -> tuple[str, ...]:
        if obj is None:
            return ("cohort", "usd", "calls_at_once", "enabled")
        if obj.scope == Limit.Scope.OFF:
            return ("scope", "enabled")
        whose = ("scope", "cohort") if obj.cohort_id else ("scope",)
        return (*whose, "usd", "calls_at_once", "enabled")

    def get_readonly_fields(self, request: HttpRequest, obj: Limit | None = None) -> tuple[str, ...]:
        return ("scope", "cohort") if obj is not None else ()

    def has_delete_permission(self, request: HttpRequest, obj: Limit | None = None) -> bool:
        own = obj is None or obj.cohort_id is not None
        return own and super().has_delete_permission(request, obj)


class _WithTotals(ReadOnly):
    """A list under today's totals, the last days by purpose, and what is wrong with the caches."""

    change_list_template: Any = "admin/coach/money/change_list.html"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        since = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=SHOWN_DAYS)
        recent = ProviderAttempt.objects.filter(reserved_at__gte=since)
        extra = {"today": today(), "days": days_of_purposes(recent), "short_reads": short_reads()}
        shown: HttpResponse = super().changelist_view(request, extra | (extra_context or {}))  # type: ignore[misc]  # of the admin it is mixed into
        return shown


@admin.register(Spending)
class SpendingAdmin(_WithTotals, SpendingBase):
    list_display = ("whose", "day", "charged_usd", "reserved_usd", "forgiven_usd", "open_calls", "refusals")
    list_filter = ("scope",)
    list_select_related = ("learner", "cohort")
    date_hierarchy = "day"

    @admin.display(description=_("whose"))
    def whose(self, row: Spending) -> str:
        return str(row.learner or row.cohort or row.get_scope_display())

    @admin.display(description=_("charged ($)"), ordering="settled_micro")
    def charged_usd(self, row: Spending) -> str:
        return dollars(row.settled_micro)

    @admin.display(description=_("reserved ($)"), ordering="reserved_micro")
    def reserved_usd(self, row: Spending) -> str:
        return dollars(row.reserved_micro)

    @admin.display(description=_("not charged ($)"), ordering="forgiven_micro")
    def forgiven_usd(self, row: Spending) -> str:
        return dollars(row.forgiven_micro)


@admin.register(ProviderAttempt)
class ProviderAttemptAdmin(_WithTotals, AttemptBase):
    list_display = (
        "reserved_at",
        "purpose",
        "model",
        "learner",
        "outcome",
        "charged",
        "cost_usd",
        "estimated",
        "read_of_expected",
        "miss_reason",
    )
    list_filter = ("purpose", "model", "outcome", "charged", "estimated")
    list_select_related = ("learner",)
    date_hierarchy = "reserved_at"

    @admin.display(description=_("cost ($)"), ordering="cost_micro")
    def cost_usd(self, row: ProviderAttempt) -> str:
        return dollars(row.cost_micro)

    @admin.display(description=_("tokens read"))
    def read_of_expected(self, row: ProviderAttempt) -> str:
        values = {"read": row.read_tokens, "expected": row.expected_read_tokens}
        return _("%(read)s of %(expected)s") % values
