"""Limits are set in dollars; what was spent is read, with the caches' shortfalls above it."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from coach.models import Limit, ProviderAttempt, Spending
from tests.coach.spending import (
    attempt,
    make_cohort,
    make_member,
    only_limits,
    refused,
    reserve_attempt,
    settle_attempt,
    settled,
)
from tests.lessons.factories import make_instructor

pytestmark = pytest.mark.django_db


@pytest.fixture
def instructor(client: Client) -> Client:
    client.force_login(make_instructor())
    return client


def row(scope: str) -> Limit:
    return Limit.objects.get(scope=scope, cohort=None)


def change(limit: Limit) -> str:
    return reverse("admin:coach_limit_change", args=[limit.pk])


def test_limit_is_changed_in_dollars(instructor: Client):
    Limit.objects.filter(scope="learner").update(daily_micro=250_000)
    page = instructor.get(change(row("learner"))).content.decode()
    assert 'value="0.25"' in page
    data = {"usd": "0.333333", "calls_at_once": "3", "enabled": "on"}
    assert instructor.post(change(row("learner")), data).status_code == 302
    limit = row("learner")
    assert (limit.daily_micro, limit.calls_at_once, limit.enabled) == (333_333, 3, True)
    assert "0.3333" in instructor.get(reverse("admin:coach_limit_changelist")).content.decode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"usd": "-1"},
        {"usd": "x"},
        {"usd": "100001"},
        {"usd": "0.0000001"},
        {"usd": "1", "calls_at_once": "0"},
    ],
)
def test_limit_that_is_none_is_told_at_its_field(instructor: Client, wrong: dict[str, str]):
    before = row("day").daily_micro
    response = instructor.post(change(row("day")), {"enabled": "on", **wrong})
    assert "errorlist" in response.content.decode()
    assert row("day").daily_micro == before


def test_models_are_switched_off_by_a_row(instructor: Client):
    assert 'name="usd"' not in instructor.get(change(row("off"))).content.decode()
    instructor.post(change(row("off")), {"enabled": "on"})
    assert row("off").enabled


def test_cohort_gets_a_limit_of_its_own_once(instructor: Client):
    cohort = make_cohort()
    add = reverse("admin:coach_limit_add")
    assert "errorlist" in instructor.post(add, {"usd": "1", "enabled": "on"}).content.decode()
    data = {"cohort": cohort.pk, "usd": "1.5", "enabled": "on"}
    assert instructor.post(add, data).status_code == 302
    limit = Limit.objects.get(cohort=cohort)
    assert (limit.scope, limit.daily_micro) == ("cohort", 1_500_000)
    assert "has a limit of its own already" in instructor.post(add, data).content.decode()
    assert instructor.get(reverse("admin:coach_limit_delete", args=[limit.pk])).status_code == 200
    assert instructor.get(reverse("admin:coach_limit_delete", args=[row("cohort").pk])).status_code == 403


def spent(**fields: Any) -> None:
    member = make_member()
    reason = "system_changed" if fields.get("read", 0) < fields.get("expected_read", 0) else ""
    settle_attempt(reserve_attempt(member.pk, attempt(0.02)), settled(0.0125, miss_reason=reason, **fields))


@pytest.mark.parametrize("model", ["spending", "providerattempt"])
def test_lists_show_totals_and_are_never_changed(instructor: Client, model: str):
    spent(read=800, expected_read=1000)
    reserve_attempt(None, attempt(0.03, purpose="warm"))
    page = instructor.get(reverse(f"admin:coach_{model}_changelist")).content.decode()
    assert "Today (UTC): 0.0125 US dollars spent, at most 0.0300 more for 1 request under way." in page
    assert "80 %" in page
    assert "errornote" not in page
    assert instructor.get(reverse(f"admin:coach_{model}_add")).status_code == 403
    kept = Spending if model == "spending" else ProviderAttempt
    address = reverse(f"admin:coach_{model}_change", args=[kept.objects.all()[0].pk])
    assert instructor.get(address).status_code == 200
    assert instructor.post(address, {"cost_micro": "0"}).status_code == 403


def test_list_of_requests_raises_an_alarm_when_the_caches_give_less(instructor: Client):
    only_limits()
    for read in [1000] * 15 + [400] * 5:
        spent(read=read, expected_read=1000)
    page = instructor.get(reverse("admin:coach_providerattempt_changelist")).content.decode()
    assert "The last 20 calls for “reply” read 85 % of what the cache should hold." in page
    assert "Most given reason: system_changed." in page


def test_list_of_days_shares_what_was_read_of_what_should_have_been(instructor: Client):
    spent(read=700, expected_read=1000)
    spent(read=9000, expected_read=1000)
    settle_attempt(reserve_attempt(make_member().pk, attempt(0.02)), refused(expected_read=1000))
    page = instructor.get(reverse("admin:coach_providerattempt_changelist")).content.decode()
    assert "<td>2000</td><td>1700</td><td>85 %</td>" in page


def test_list_of_days_leaves_out_what_is_long_ago(instructor: Client):
    spent()
    ProviderAttempt.objects.update(reserved_at=timezone.now() - datetime.timedelta(days=30))
    assert (
        "money-days" not in instructor.get(reverse("admin:coach_providerattempt_changelist")).content.decode()
    )
