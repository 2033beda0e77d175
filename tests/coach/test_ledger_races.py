"""Many at once: no more is ever granted than there is, whoever asks and however many.

The same races on SQLite and on PostgreSQL. A naive ledger stands beside ours to show that the test can fail:
SQLite's one writer hides its fault, so that part runs on PostgreSQL.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.db.models import F, Sum

from coach.ledger import Settle, book
from coach.models import ProviderAttempt, Spending
from coach.models.money import utc_day
from coach.providers.port import Attempt, OverLimit
from coach.reserving import Reserve, micro_of
from lessons.models import User
from tests.coach.spending import (
    attempt,
    counter,
    make_cohort,
    make_member,
    only_limits,
    reserve_attempt,
    set_limit,
    settle_attempt,
    settled,
)

pytestmark = pytest.mark.django_db(transaction=True)
ReserveOne = Callable[[int | None, Attempt], int]


def at_once(work: Callable[[int], bool], number: int) -> int:
    """Run it so many times at the same moment, each in a thread with a connection of its own; how many said
    yes."""
    gate = threading.Barrier(number)

    def run(index: int) -> bool:
        gate.wait(60)
        try:
            return work(index)
        finally:
            connection.close()

    with ThreadPoolExecutor(number) as pool:
        return sum(pool.map(run, range(number)))


def granted(reserve: ReserveOne, learner_id: int | None) -> bool:
    try:
        reserve(learner_id, attempt(0.01))
    except OverLimit:
        return False
    return True


@transaction.atomic
def naive_reserve(learner_id: int | None, wanted: Attempt) -> int:
    """Looks first and spends then, as one would write it without thinking of others."""
    worst = micro_of(wanted.worst_usd)
    row = Spending.objects.get(learner=learner_id)
    if row.reserved_micro + row.settled_micro + worst > 100_000:
        raise OverLimit("learner")
    Spending.objects.filter(pk=row.pk).update(reserved_micro=F("reserved_micro") + worst)
    return row.pk


@pytest.mark.parametrize("number", [50, 200])
def test_race_for_ten_grants_ten(number: int):
    member = make_member()
    only_limits(learner=0.1)
    assert at_once(lambda _: granted(reserve_attempt, member.pk), number) == 10
    row = Spending.objects.get(learner=member)
    assert (row.reserved_micro, row.open_calls, row.refusals) == (100_000, 10, number - 10)
    assert ProviderAttempt.objects.count() == 10


@pytest.mark.skipif(
    connection.vendor == "sqlite", reason="one writer at a time hides the naive ledger's fault"
)
def test_race_against_a_naive_ledger_grants_too_much():
    member = make_member()
    Spending.objects.create(scope="learner", learner=member)
    assert at_once(lambda _: granted(naive_reserve, member.pk), 50) > 10


def test_race_for_two_requests_at_once_grants_two():
    member = make_member()
    only_limits()
    set_limit("learner", 1, calls=2)
    assert at_once(lambda _: granted(reserve_attempt, member.pk), 50) == 2


def test_race_of_a_class_grants_what_the_class_has():
    members = [make_member() for _ in range(10)]
    make_cohort(*members)
    only_limits(cohort=0.1, learner=0.02)
    assert at_once(lambda index: granted(reserve_attempt, members[index % 10].pk), 50) == 10


def test_attack_with_a_new_guest_for_each_request_stays_under_the_caps_and_leaves_learners_theirs():
    member = make_member()
    only_limits(guest=0.05, guests=0.1, day=0.15, learner=0.25)

    def attack(_index: int) -> bool:
        return granted(reserve_attempt, User.objects.create_guest().pk)

    assert at_once(attack, 100) == 10
    assert at_once(lambda _: granted(reserve_attempt, member.pk), 20) == 5
    assert Spending.objects.get(scope="day").reserved_micro == 150_000


def test_race_of_reserving_and_settling_never_shows_more_than_the_limit():
    members = [make_member() for _ in range(4)]
    make_cohort(*members[:2])
    only_limits(learner=0.05, cohort=0.08, day=0.12)
    limits = {"learner": 50_000, "cohort": 80_000, "day": 120_000}
    done = threading.Event()
    seen: list[tuple[str, int]] = []

    def watch() -> None:
        while not done.is_set():
            rows = Spending.objects.values_list("scope", F("reserved_micro") + F("settled_micro"))
            seen.extend((scope, used) for scope, used in rows if used > limits[scope])
        connection.close()

    def spend(index: int) -> bool:
        dice = random.Random(index)
        for _ in range(6):
            try:
                key = reserve_attempt(members[index % 4].pk, attempt(0.01))
            except OverLimit:
                continue
            outcome = dice.choice(["done", "interrupted"])
            settle_attempt(key, settled(dice.uniform(0, 0.01), outcome))
        return True

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        at_once(spend, 16)
    finally:
        done.set()
        watcher.join()
    assert not seen
    total = ProviderAttempt.objects.aggregate(total=Sum("cost_micro"))["total"]
    day = Spending.objects.get(scope="day", day=utc_day())
    assert (day.reserved_micro, day.settled_micro, day.open_calls) == (0, total, 0)


def test_race_of_batches_grants_ten_and_settles_what_it_granted():
    members = [make_member() for _ in range(5)]
    make_cohort(*members)
    only_limits(cohort=0.1)
    for member in members:
        settle_attempt(reserve_attempt(member.pk, attempt(0.0)), settled(0.0))

    def batch(index: int) -> bool:
        """Each in an order of its own, so that who locked as they came would wait in a ring."""
        asking = random.Random(index).sample(members, 5)
        with transaction.atomic():
            outcomes = book([Reserve(member.pk, attempt(0.01)) for member in asking])
        keys = [each for each in outcomes if not isinstance(each, OverLimit)]
        keys_granted.extend(keys)
        with transaction.atomic():
            booked = book([Settle(key, settled(0.01)) for key in reversed(keys)])
        return all(booked)

    keys_granted: list[int] = []
    assert at_once(batch, 20) == 20
    assert len(keys_granted) == 10
    assert counter("cohort") == (0, 100_000, 0, 0)


def test_race_of_settlements_books_one():
    member = make_member()
    key = reserve_attempt(member.pk, attempt(0.02))
    costs = [0.001 * (index + 1) for index in range(20)]
    assert at_once(lambda index: settle_attempt(key, settled(costs[index])), 20) == 1
    row = Spending.objects.get(learner=member)
    assert row.reserved_micro == 0
    assert row.settled_micro == ProviderAttempt.objects.get().cost_micro
    assert row.settled_micro in {micro_of(cost) for cost in costs}
