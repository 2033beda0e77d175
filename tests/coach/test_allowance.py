"""Learners see what is left for today, are warned in time, and hear why the built-in coach answers."""

from __future__ import annotations

import datetime

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from coach.allowance import allowance_for, over_limit_text, renewal_text
from coach.beginning import Begun
from coach.models import Limit, Spending, TurnEvent
from coach.providers.port import OverLimit
from coach.rendering import fragment
from coach.turns import Supervisor
from lessons.models import User
from tests.coach.factories import make_exercise, make_lesson
from tests.coach.spending import (
    attempt,
    make_cohort,
    make_member,
    only_limits,
    reserve_attempt,
    set_limit,
    settle_attempt,
    settled,
)
from tests.coach.talking import in_thread
from tests.coach.test_turns import ask

pytestmark = pytest.mark.django_db


def spend(learner: User, usd: float) -> None:
    """On something that is no reply."""
    settle_attempt(reserve_attempt(learner.pk, attempt(usd, purpose="run")), settled(usd))


def get_reply(learner: User, *, worst: float, took: float) -> bool:
    """Whether there was enough for it."""
    try:
        settle_attempt(reserve_attempt(learner.pk, attempt(worst)), settled(took))
    except OverLimit:
        return False
    return True


@pytest.mark.parametrize(
    ("usd", "begins"),
    [
        (0.0, "You still have all of today’s model answers."),
        (0.04, "About 60 % of your model answers for today are left."),
        (0.0899, "About 10 % of your"),
        (0.0901, "Less than a tenth of your model answers for today are left. When they are used up, the"),
        (0.1, "Your model answers for today are used up, so the built-in coach answers; new ones come in"),
    ],
)
def test_allowance_says_the_share_that_is_left(usd: float, begins: str):
    member = make_member()
    only_limits(learner=0.1)
    spend(member, usd)
    found = allowance_for(member)
    assert found.text.startswith(begins)
    assert found.low == (usd > 0.09)


def test_allowance_takes_two_queries_however_many_accounts():
    guest = User.objects.create_guest()
    make_cohort(guest)
    make_cohort(guest, title="Second")
    spend(guest, 0.01)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        allowance_for(guest)
    assert len(queries) == 2


def test_allowance_counts_what_is_under_way():
    member = make_member()
    only_limits(learner=0.1)
    reserve_attempt(member.pk, attempt(0.05, purpose="run"))
    assert allowance_for(member).left == 0.5


def test_allowance_of_a_visitor_who_has_kept_nothing_is_whole():
    spend(make_member(), 0.01)
    assert allowance_for(None).left > 0.99


@pytest.mark.parametrize(
    ("scope", "words"),
    [("cohort", "your class’s model answers"), ("day", "everybody’s model answers")],
)
def test_allowance_of_others_is_spoken_of_when_it_is_low_and_says_whose(scope: str, words: str):
    member, other = make_member(), make_member()
    make_cohort(member, other)
    only_limits(learner=0.1, **{scope: 0.1})
    spend(other, 0.07)
    spend(member, 0.01)
    assert (allowance_for(member).scope, round(allowance_for(member).left, 3)) == ("learner", 0.9)
    spend(other, 0.015)
    found = allowance_for(member)
    assert (found.scope, round(found.left, 3)) == (scope, 0.05)
    assert words in found.text


def test_allowance_that_is_used_up_is_said_before_one_that_is_low():
    member, other = make_member(), make_member()
    only_limits(learner=0.1, day=0.12)
    spend(other, 0.02)
    assert get_reply(member, worst=0.05, took=0.05)
    spend(member, 0.04)
    found = allowance_for(member)
    assert (found.scope, found.used_up) == ("learner", True)


def test_allowance_of_another_class_is_not_ones_own():
    member, other = make_member(), make_member()
    make_cohort(other)
    only_limits(cohort=0.1)
    spend(other, 0.1)
    assert allowance_for(member).left == 1.0


@pytest.mark.parametrize(("worst", "took"), [(0.05, 0.004), (0.05, 0.013), (0.05, 0.05), (0.04, 0.04)])
def test_allowance_is_used_up_exactly_when_the_next_reply_does_not_fit(worst: float, took: float):
    guest = User.objects.create_guest()
    only_limits(guest=0.15)
    assert get_reply(guest, worst=worst, took=took)
    for _ in range(40):
        told = allowance_for(guest)
        assert get_reply(guest, worst=worst, took=took) is not told.used_up
    assert allowance_for(guest).text.startswith("Your model answers for today are used up")


def test_allowance_is_said_to_be_low_before_it_is_used_up():
    guest = User.objects.create_guest()
    only_limits(guest=0.15)
    told = []
    while get_reply(guest, worst=0.05, took=0.004):
        found = allowance_for(guest)
        told.append("used up" if found.used_up else "low" if found.low else "enough")
    assert told == ["enough"] * 22 + ["low"] * 3 + ["used up"]


def test_allowance_too_small_for_a_reply_that_was_refused_is_used_up():
    member = make_member()
    only_limits(learner=0.1)
    spend(member, 0.06)
    assert not get_reply(member, worst=0.05, took=0.0)
    assert allowance_for(member).used_up
    assert get_reply(member, worst=0.02, took=0.0)
    assert not allowance_for(member).used_up


def test_allowance_goes_by_the_cost_of_replies_only():
    member = make_member()
    only_limits(learner=0.1)
    assert get_reply(member, worst=0.02, took=0.01)
    with pytest.raises(OverLimit):
        reserve_attempt(member.pk, attempt(0.095, purpose="run"))
    assert round(allowance_for(member).left, 3) == round(1 - 0.01 / 0.08, 3)


def test_allowance_is_used_up_where_too_many_answers_were_free():
    member = make_member()
    only_limits(learner=0.01)
    Spending.objects.create(scope="learner", learner=member, forgiven_micro=40_000)
    assert allowance_for(member).used_up


@pytest.mark.parametrize("spent", [True, False])
def test_allowance_while_models_are_switched_off(*, spent: bool):
    member = make_member()
    if spent:
        spend(member, 0.01)
    Limit.objects.filter(scope="off").update(enabled=True)
    assert allowance_for(member).text.startswith("Model answers are switched off")


def test_every_refusal_has_words_of_its_own():
    scopes = ["learner", "cohort", "guests", "day", "off", "calls", "turn"]
    texts = {over_limit_text(scope) for scope in scopes}
    assert len(texts) == len(scopes)
    assert all("built-in coach answers" in text for text in texts)


@pytest.mark.parametrize(
    ("hour", "minute", "said"),
    [
        (0, 0, "in about 24 hours"),
        (19, 10, "in about 5 hours"),
        (22, 45, "in 75 minutes"),
        (23, 59, "in 1 minute"),
    ],
)
def test_renewal_is_at_midnight_utc_wherever_one_is(hour: int, minute: int, said: str):
    west = datetime.timezone(datetime.timedelta(hours=-7))
    now = datetime.datetime(2026, 11, 22, hour, minute, tzinfo=datetime.UTC)
    assert renewal_text(now) == renewal_text(now.astimezone(west)) == said


def panel_address() -> str:
    return reverse("coach:conversation", args=["lesson", make_lesson().slug])


def test_panel_shows_the_allowance_only_where_there_is_a_model(client: Client, settings):
    address = panel_address()
    settings.ANTHROPIC_API_KEY = settings.ANTHROPIC_BASE_URL = ""
    page = client.get(address).content.decode()
    assert "coach-allowance" not in page
    assert "without a language model" in page
    settings.ANTHROPIC_API_KEY = "key"
    page = client.get(address).content.decode()
    assert "You still have all of today’s model answers." in page
    assert "without a language model" not in page


def test_panel_warns_when_little_is_left(client: Client, settings):
    settings.ANTHROPIC_API_KEY = "key"
    address = panel_address()
    member = make_member()
    client.force_login(member)
    set_limit("learner", 0.1)
    spend(member, 0.095)
    page = client.get(address).content.decode()
    assert "coach-allowance-low" in page
    assert "Less than a tenth" in page


@pytest.mark.django_db(transaction=True)
async def test_end_of_a_reply_tells_what_is_left(supervisor: Supervisor, settings):
    settings.ANTHROPIC_API_KEY = "key"

    def world() -> User:
        make_exercise(make_lesson())
        member = make_member()
        set_limit("learner", 0.1)
        spend(member, 0.04)
        return member

    outcome = await supervisor.begin_and_wait(ask(await in_thread(world)()), 10)
    assert isinstance(outcome, Begun)
    end = await in_thread(TurnEvent.objects.get)(turn=outcome.turn, kind=TurnEvent.Kind.END)
    assert "About 60 % of your model answers" in fragment(outcome.turn, end)
