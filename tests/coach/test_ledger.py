"""Money is put aside before a request is sent, and settled once, fairly."""

from __future__ import annotations

import asyncio
import datetime
import logging
import threading

import pytest
from django.db import IntegrityError, OperationalError
from django.utils import timezone

from coach.accounts import FORGIVEN_TIMES
from coach.actions import write_batch
from coach.budget import DatabasePurse, alone
from coach.journal import Journal
from coach.ledger import (
    LOST_AFTER_SECONDS,
    Settle,
    book,
    forgive_turn,
    give_up_attempts,
    sweep_attempts,
)
from coach.models import Limit, ProviderAttempt, Spending
from coach.providers.booking import Booked
from coach.providers.port import OverLimit
from coach.reserving import ATTEMPTS_MAX_PER_TURN, Reserve, micro_of
from coach.spending import short_reads
from lessons.actions import claim_guest, delete_account
from lessons.models import User
from tests.coach.factories import make_exercise, make_turn
from tests.coach.spending import (
    attempt,
    counter,
    make_cohort,
    make_member,
    only_limits,
    refused,
    reserve_attempt,
    set_limit,
    settle_attempt,
    settled,
    the_attempt,
)
from tests.coach.talking import in_thread

pytestmark = pytest.mark.django_db


@pytest.fixture
def guest() -> User:
    return User.objects.create_guest()


@pytest.fixture
def member() -> User:
    return make_member()


def refused_scope(learner: User | None, usd: float = 0.01, **fields) -> str:
    with pytest.raises(OverLimit) as refused:
        reserve_attempt(learner.pk if learner else None, attempt(usd, **fields))
    return refused.value.scope


def test_limits_have_a_row_for_each_scope_from_the_first_migration_on():
    assert set(Limit.objects.values_list("scope", flat=True)) == set(Limit.Scope.values)
    assert not Limit.objects.get(scope="off").enabled


def test_reservation_is_on_record_and_put_aside_on_every_account(guest: User):
    cohort = make_cohort(guest)
    reserve_attempt(guest.pk, attempt(0.012))
    for scope in ("learner", "cohort", "guests", "day"):
        assert counter(scope) == (12_000, 0, 0, 1)
    assert (the_attempt().worst_micro, the_attempt().settled_at) == (12_000, None)
    assert Spending.objects.get(cohort=cohort).scope == "cohort"


@pytest.mark.parametrize(
    ("limits", "scope"),
    [
        ({"guest": 0.02}, "guest"),
        ({"guests": 0.02}, "guests"),
        ({"cohort": 0.02, "guest": 1}, "cohort"),
        ({"day": 0.02, "guest": 1}, "day"),
    ],
)
def test_reservation_beyond_any_limit_is_refused_by_its_name_and_leaves_nothing(
    guest: User, limits: dict[str, float], scope: str
):
    make_cohort(guest)
    only_limits(**limits)
    reserve_attempt(guest.pk, attempt(0.015))
    assert refused_scope(guest, 0.0051) == scope
    assert ProviderAttempt.objects.count() == 1
    assert set(Spending.objects.values_list("reserved_micro", "open_calls")) == {(15_000, 1)}
    reserve_attempt(guest.pk, attempt(0.005))


def test_reservation_of_a_signed_up_guest_goes_by_the_limit_of_learners(guest: User):
    only_limits(guest=0.02, learner=0.05)
    reserve_attempt(guest.pk, attempt(0.02))
    assert refused_scope(guest) == "guest"
    User.objects.filter(pk=guest.pk).update(is_guest=False, email="now@example.org")
    reserve_attempt(guest.pk, attempt(0.03))
    assert refused_scope(guest) == "learner"


def test_reservation_by_a_cohorts_own_limit_and_only_while_it_runs(member: User):
    only_limits(cohort=0.01)
    own = make_cohort(member, title="own")
    set_limit("cohort", 0.03, cohort=own)
    over = timezone.now() - datetime.timedelta(hours=1)
    make_cohort(member, title="over", ends_at=over)
    make_cohort(member, title="later", starts_at=timezone.now() + datetime.timedelta(days=1))
    reserve_attempt(member.pk, attempt(0.03))
    assert refused_scope(member) == "cohort"
    assert Spending.objects.filter(cohort__isnull=False).count() == 1


def test_reservation_of_more_requests_at_once_than_allowed_is_refused(member: User):
    only_limits()
    set_limit("learner", 1, calls=2)
    first = reserve_attempt(member.pk, attempt())
    reserve_attempt(member.pk, attempt())
    assert refused_scope(member) == "calls"
    settle_attempt(first, settled())
    reserve_attempt(member.pk, attempt())
    assert Spending.objects.get(scope="learner").refusals == 0


def test_reservation_while_models_are_switched_off_is_refused(member: User):
    Limit.objects.filter(scope="off").update(enabled=True)
    assert refused_scope(member) == "off"
    assert refused_scope(None) == "off"


def test_reservation_of_the_installation_itself_is_counted_for_everybody_only():
    only_limits(day=0.02)
    reserve_attempt(None, attempt(0.015, purpose="warm"))
    assert list(Spending.objects.values_list("scope", flat=True)) == ["day"]
    assert refused_scope(None) == "day"


def test_reservation_for_a_learner_who_is_gone_is_refused():
    assert refused_scope(User(pk=987_654)) == "learner"


def test_reservation_on_the_next_day_begins_anew(member: User):
    only_limits(learner=0.01)
    reserve_attempt(member.pk, attempt(0.01))
    Spending.objects.update(day=timezone.now() - datetime.timedelta(days=1))
    reserve_attempt(member.pk, attempt(0.01))
    assert Spending.objects.filter(learner=member).count() == 2


def test_reservation_of_too_many_attempts_for_one_turn_is_refused(member: User):
    only_limits()
    turn = str(make_turn(member, make_exercise()).uuid)
    for number in range(ATTEMPTS_MAX_PER_TURN):
        reserve_attempt(member.pk, attempt(turn=turn, number=number))
    assert refused_scope(member, turn=turn) == "turn"
    reserve_attempt(member.pk, attempt())


def test_settlement_charges_what_it_took_and_keeps_what_was_expected(member: User):
    key = reserve_attempt(member.pk, attempt(0.02))
    assert settle_attempt(key, settled(0.007, read=800, expected_read=1000, miss_reason="system_changed"))
    for scope in ("learner", "day"):
        assert counter(scope) == (0, 7000, 0, 0)
    row = the_attempt()
    assert (row.outcome, row.charged, row.cost_micro) == ("done", True, 7000)
    assert (row.read_tokens, row.expected_read_tokens, row.written_tokens) == (800, 1000, 10)
    assert (row.fresh_tokens, row.output_tokens, row.miss_reason) == (20, 30, "system_changed")


def test_settlement_a_second_time_changes_nothing(member: User):
    key = reserve_attempt(member.pk, attempt(0.02))
    assert settle_attempt(key, settled(0.007))
    assert not settle_attempt(key, settled(0.02, "interrupted"))
    assert counter("day") == (0, 7000, 0, 0)
    assert the_attempt().outcome == "done"


@pytest.mark.parametrize("outcome", ["interrupted", "stalled", "refused", "cancelled", "unreachable"])
def test_settlement_of_an_answer_that_never_came_costs_the_learner_nothing(guest: User, outcome: str):
    make_cohort(guest)
    key = reserve_attempt(guest.pk, attempt(0.02))
    settle_attempt(key, settled(0.015, outcome, estimated=True))
    assert counter("learner") == counter("cohort") == (0, 0, 15_000, 0)
    assert counter("guests") == counter("day") == (0, 15_000, 0, 0)
    assert (the_attempt().charged, the_attempt().estimated) == (False, True)


def test_settlement_beyond_what_was_set_aside_is_the_installations_loss(member: User):
    key = reserve_attempt(member.pk, attempt(0.01))
    settle_attempt(key, settled(0.03))
    assert counter("learner") == (0, 10_000, 0, 0)
    assert counter("day") == (0, 30_000, 0, 0)


def test_answers_that_never_come_are_free_up_to_a_bound(member: User):
    only_limits(learner=0.01)
    for _ in range(FORGIVEN_TIMES):
        settle_attempt(reserve_attempt(member.pk, attempt(0.01)), settled(0.01, "interrupted"))
    settle_attempt(reserve_attempt(member.pk, attempt(0.01)), settled(0.01))
    assert counter("learner") == (0, 10_000, 30_000, 0)
    Spending.objects.filter(scope="learner").update(settled_micro=0, forgiven_micro=40_000)
    assert refused_scope(member, 0.001) == "learner"


def test_turn_without_an_answer_gives_back_what_led_to_it(member: User):
    turn = make_turn(member, make_exercise()).uuid
    settle_attempt(reserve_attempt(member.pk, attempt(turn=str(turn), purpose="classify")), settled(0.001))
    settle_attempt(reserve_attempt(member.pk, attempt(turn=str(turn))), settled(0.004, "stalled"))
    assert forgive_turn(turn) == 1
    assert forgive_turn(turn) == 0
    assert counter("learner") == (0, 0, 5000, 0)
    assert counter("day") == (0, 5000, 0, 0)


def test_sweep_books_the_worst_for_a_dead_process_once_and_charges_nobody(member: User):
    key = reserve_attempt(member.pk, attempt(0.02))
    assert sweep_attempts() == 0
    long_ago = timezone.now() - datetime.timedelta(seconds=LOST_AFTER_SECONDS + 1)
    ProviderAttempt.objects.update(reserved_at=long_ago)
    assert (sweep_attempts(), sweep_attempts()) == (1, 0)
    assert not settle_attempt(key, settled(0.005))
    assert counter("learner") == (0, 0, 20_000, 0)
    assert counter("day") == (0, 20_000, 0, 0)
    assert (the_attempt().outcome, the_attempt().estimated) == ("lost", True)


def test_take_over_of_a_turn_frees_what_its_dead_process_held(member: User):
    only_limits()
    set_limit("learner", 1, calls=1)
    turn = make_turn(member, make_exercise()).uuid
    reserve_attempt(member.pk, attempt(turn=str(turn)))
    assert refused_scope(member, turn=str(turn)) == "calls"
    assert give_up_attempts(turn) == 1
    reserve_attempt(member.pk, attempt(turn=str(turn)))


def test_guest_who_signs_in_takes_what_was_used_along(guest: User, member: User):
    open_key = reserve_attempt(guest.pk, attempt(0.02))
    settle_attempt(reserve_attempt(guest.pk, attempt(0.01)), settled(0.01))
    settle_attempt(reserve_attempt(member.pk, attempt(0.01)), settled(0.01))
    assert claim_guest(guest=guest, learner=member)
    assert counter("learner") == (20_000, 20_000, 0, 1)
    assert Spending.objects.get(scope="learner").asked_micro == 10_000
    settle_attempt(open_key, settled(0.02))
    assert counter("learner", learner=member) == (0, 40_000, 0, 0)
    assert set(ProviderAttempt.objects.values_list("learner", flat=True)) == {member.pk}


def test_deleted_learner_leaves_totals_only(member: User):
    key = reserve_attempt(member.pk, attempt(0.02, turn=str(make_turn(member, make_exercise()).uuid)))
    delete_account(learner=member)
    assert settle_attempt(key, settled(0.005))
    assert counter("day") == (0, 5000, 0, 0)
    assert not Spending.objects.filter(scope="learner").exists()
    assert (the_attempt().learner_id, the_attempt().turn_id) == (None, None)


def test_settlement_takes_what_no_database_would(member: User):
    key = reserve_attempt(member.pk, attempt())
    settle_attempt(key, settled(outcome="done", request_id="r\x00" * 200, miss_reason="m\x00" * 200))
    assert the_attempt().request_id == "r" * 100


@pytest.mark.parametrize(
    ("usd", "micro"), [(0, 0), (0.000_000_2, 1), (0.1, 100_000), (0.3, 300_000), (-1, 0)]
)
def test_micro_is_never_less_than_the_dollars(usd: float, micro: int):
    assert micro_of(usd) == micro


def short_call(member: User, *, read: int) -> None:
    call = settled(read=read, expected_read=1000, miss_reason="messages_changed" if read < 1000 else "")
    settle_attempt(reserve_attempt(member.pk, attempt()), call)


def test_alarm_is_logged_once_when_the_cache_gives_less_than_expected(
    member: User, caplog: pytest.LogCaptureFixture
):
    only_limits()
    caplog.set_level(logging.WARNING, "coach.ledger")
    for _ in range(18):
        short_call(member, read=1000)
    for _ in range(6):
        short_call(member, read=0)
    assert [record.getMessage() for record in caplog.records] == [
        "Calls for “reply” read 85 % of what the cache should hold (last 20 calls; most given reason: "
        "messages_changed)."
    ]


@pytest.fixture
def alarms(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    only_limits()
    caplog.set_level(logging.WARNING, "coach.ledger")
    return caplog


def test_alarm_is_not_raised_by_requests_that_were_refused(member: User, alarms: pytest.LogCaptureFixture):
    for _ in range(20):
        short_call(member, read=1000)
    for outcome in ("busy", "overloaded", "rejected"):
        settle_attempt(reserve_attempt(member.pk, attempt()), refused(outcome, expected_read=1000))
    assert alarms.records == []
    assert short_reads() == []


def test_alarm_is_not_raised_again_by_what_is_not_watched(member: User, alarms: pytest.LogCaptureFixture):
    for read in [1000] * 17 + [0] * 3:
        short_call(member, read=read)
    lost = settled(0.01, "interrupted", read=0, expected_read=1000, estimated=True)
    for _ in range(2):
        settle_attempt(reserve_attempt(member.pk, attempt()), lost)
    assert len(alarms.records) == 1


def test_alarm_is_raised_where_a_good_call_leaves_the_window(member: User, alarms: pytest.LogCaptureFixture):
    long = settled(read=90_000, expected_read=90_000)
    settle_attempt(reserve_attempt(member.pk, attempt()), long)
    for read in [0] * 3 + [1000] * 16:
        short_call(member, read=read)
    assert alarms.records == []
    short_call(member, read=1000)
    assert len(alarms.records) == 1


def test_alarm_counts_answers_that_were_heard_long_enough(member: User, alarms: pytest.LogCaptureFixture):
    for _ in range(20):
        enough = settled(0.01, "enough", read=0, expected_read=1000, estimated=True)
        settle_attempt(reserve_attempt(member.pk, attempt()), enough)
    assert len(alarms.records) == 1


def test_batch_grants_and_refuses_each_for_itself_by_what_is_left_then(guest: User, member: User):
    only_limits(guest=0.02, day=0.05)
    set_limit("learner", 1, calls=1)
    wanted = [
        Reserve(guest.pk, attempt(0.015)),
        Reserve(guest.pk, attempt(0.006)),
        Reserve(987_654, attempt(0.001)),
        Reserve(member.pk, attempt(0.03)),
        Reserve(member.pk, attempt(0.001)),
        Reserve(guest.pk, attempt(0.005)),
        Reserve(None, attempt(0.001)),
    ]
    outcomes = [each.scope if isinstance(each, OverLimit) else "" for each in book(wanted)]
    assert outcomes == ["", "guest", "learner", "", "calls", "", "day"]
    assert counter("learner", learner=guest) == (20_000, 0, 0, 2)
    assert counter("learner", learner=member) == (30_000, 0, 0, 1)
    assert counter("day") == (50_000, 0, 0, 3)
    assert Spending.objects.get(learner=guest).refusals == 1
    charged = ProviderAttempt.objects.order_by("pk").values_list("worst_micro", "charged_to__scope")
    assert sorted(charged) == sorted(
        [(micro, scope) for micro in (15_000, 5000) for scope in ("learner", "guests", "day")]
        + [(30_000, "learner"), (30_000, "day")]
    )


def test_batch_makes_room_by_what_it_settles(member: User):
    only_limits(learner=0.02)
    first = reserve_attempt(member.pk, attempt(0.02))
    wanted = Reserve(member.pk, attempt(0.015))
    second, booked, again = book([wanted, Settle(first, settled(0.005)), Settle(first, settled(0.02))])
    assert (booked, again) == (True, False)
    assert counter("learner") == (15_000, 5000, 0, 1)
    assert ProviderAttempt.objects.get(pk=second).settled_at is None


def test_batch_counts_the_attempts_of_a_turn(member: User):
    only_limits()
    turn = str(make_turn(member, make_exercise()).uuid)
    wanted = [Reserve(member.pk, attempt(turn=turn)) for _ in range(ATTEMPTS_MAX_PER_TURN + 2)]
    refusals = [each.scope for each in book(wanted) if isinstance(each, OverLimit)]
    assert refusals == ["turn", "turn"]


def test_batch_takes_as_many_statements_whoever_is_in_it(django_assert_max_num_queries):
    members = [make_member() for _ in range(20)]
    make_cohort(*members)
    only_limits(cohort=10, learner=1)
    book([Reserve(member.pk, attempt()) for member in members])
    with django_assert_max_num_queries(8):
        keys = book([Reserve(member.pk, attempt()) for member in members])
    assert len({*keys}) == 20


@pytest.mark.django_db(transaction=True)
async def test_purse_reserves_and_settles():
    member = await in_thread(make_member)()
    journal = Journal(write_batch)
    purse = DatabasePurse(member.pk, journal.put, run_here)
    await purse.settle(await purse.reserve(attempt(0.02)), settled(0.01))
    await journal.close()
    assert await in_thread(counter)("learner") == (0, 10_000, 0, 0)


@pytest.mark.django_db(transaction=True)
async def test_purses_that_share_a_batch_hear_each_their_own():
    member = await in_thread(make_member)()
    await in_thread(only_limits)(learner=0.02)
    journal = Journal(write_batch)
    purse = DatabasePurse(member.pk, journal.put, run_here)
    outcomes = await asyncio.gather(*(purse.reserve(attempt()) for _ in range(4)), return_exceptions=True)
    await journal.close()
    assert [isinstance(each, OverLimit) and each.scope for each in outcomes] == [False, False] + 2 * [
        "learner"
    ]


@pytest.mark.django_db(transaction=True)
async def test_purse_without_a_journal_reserves_alone():
    member = await in_thread(make_member)()
    await in_thread(only_limits)(learner=0.01)
    purse = DatabasePurse(member.pk, alone(run_here), run_here)
    await purse.settle(await purse.reserve(attempt()), settled())
    with pytest.raises(OverLimit):
        await purse.reserve(attempt())


async def run_here(work):
    return await in_thread(work)()


@pytest.mark.django_db(transaction=True)
async def test_purse_that_hears_of_no_commit_reserves_once():
    member = await in_thread(make_member)()
    heard = iter([False, True, True])

    def unheard(writes):
        outcomes = write_batch(writes)
        if not next(heard):
            raise IntegrityError("the connection was closed before it said so")
        return outcomes

    journal = Journal(unheard)
    purse = DatabasePurse(member.pk, journal.put, run_here)
    await purse.settle(await purse.reserve(attempt(0.02)), settled(0.01))
    await journal.close()
    assert await in_thread(counter)("learner") == (0, 10_000, 0, 0)
    assert await in_thread(ProviderAttempt.objects.count)() == 1


@pytest.mark.django_db(transaction=True)
async def test_purse_lets_an_answer_stand_though_it_cannot_be_settled(caplog: pytest.LogCaptureFixture):
    member = await in_thread(make_member)()

    async def away(write):
        raise OperationalError("secret words")

    ticket = await DatabasePurse(member.pk, alone(run_here), run_here).reserve(attempt(0.02))
    await DatabasePurse(member.pk, away, run_here).settle(ticket, settled(0.01))
    assert "could not be settled: OperationalError" in caplog.text
    assert "secret" not in caplog.text
    assert await in_thread(counter)("learner") == (20_000, 0, 0, 1)


@pytest.mark.django_db(transaction=True)
async def test_purse_gives_back_what_a_provider_reserved_for_a_reply_that_is_cancelled():
    member = await in_thread(make_member)()
    begun, go_on = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    async def slowly(work):
        def held():
            loop.call_soon_threadsafe(begun.set)
            assert go_on.wait(10)
            return work()

        return await in_thread(held)()

    async def reply() -> None:
        purse = DatabasePurse(member.pk, alone(slowly), run_here)
        async with Booked(purse, attempt(0.02), lambda outcome: settled(0.0, outcome)):
            raise AssertionError("it was cancelled before it had a request")

    task = asyncio.ensure_future(reply())
    await begun.wait()
    task.cancel()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await in_thread(counter)("learner") == (0, 0, 0, 0)
    assert (await in_thread(the_attempt)()).outcome == "cancelled"
