"""The books under any order of reserving, settling, crashing, sweeping and taking over, beside a model of
what must be so; and planted bugs that this must find."""

from __future__ import annotations

import contextlib
import datetime
import uuid
from collections import Counter
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

import pytest
from django.db import IntegrityError
from django.utils import timezone
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from coach import ledger, reserving
from coach.accounts import FORGIVEN_TIMES
from coach.ledger import DELIVERED, LOST_AFTER_SECONDS
from coach.models import Conversation, ProviderAttempt, Spending, Turn
from coach.providers.port import Attempt, OverLimit, Settled
from coach.reserving import ATTEMPTS_MAX_PER_TURN
from lessons.models import Cohort, User
from tests.coach.factories import make_exercise, make_lesson, make_turn
from tests.coach.spending import (
    attempt,
    make_cohort,
    make_member,
    only_limits,
    reserve_attempt,
    settle_attempt,
    settled,
)

pytestmark = pytest.mark.django_db

LIMITS = {"learner": 30_000, "cohort": 45_000, "guests": 20_000, "day": 60_000}
WORST = [1, 9_999, 10_000, 15_000, 30_000]
OUTCOMES = ["done", "truncated", "interrupted", "cancelled"]
MICRO = 1_000_000


class Ledger:
    """The ledger as it is; a planted bug is a subclass."""

    def reserve(self, learner_id: int, wanted: Attempt) -> int:
        return reserve_attempt(learner_id, wanted)

    def settle(self, key: int, ended: Settled) -> bool:
        return settle_attempt(key, ended)

    def sweep(self) -> int:
        return ledger.sweep_attempts()

    def give_up(self, turn: uuid.UUID) -> int:
        return ledger.give_up_attempts(turn)

    def forgive(self, turn: uuid.UUID) -> int:
        return ledger.forgive_turn(turn)


@dataclass(slots=True)
class Sent:
    """What the model knows of one attempt."""

    key: int
    turn: uuid.UUID
    accounts: tuple[tuple[str, int], ...]
    worst: int
    cost: int | None = None
    charged: bool = False
    dead: bool = False


class Books(RuleBasedStateMachine):
    ledger_class: type[Ledger] = Ledger

    def __init__(self) -> None:
        super().__init__()
        for table in (ProviderAttempt, Spending, Turn, Conversation, Cohort):
            table.objects.all().delete()
        self.ledger = self.ledger_class()
        only_limits(**{"guest": 0.03, **{scope: micro / MICRO for scope, micro in LIMITS.items()}})
        self.people = [make_member(), make_member(), User.objects.create_guest()]
        self.cohort = make_cohort(*self.people[:2])
        exercise = WORLD["exercise"]
        self.turns = [make_turn(person, exercise).uuid for person in self.people]
        self.sent: list[Sent] = []

    def accounts(self, who: int) -> tuple[tuple[str, int], ...]:
        own = ("learner", self.people[who].pk)
        return own, (("guests", 0) if who == 2 else ("cohort", self.cohort.pk)), ("day", 0)

    @property
    def open(self) -> list[Sent]:
        return [sent for sent in self.sent if sent.cost is None]

    @rule(who=st.integers(0, 2), worst=st.sampled_from(WORST))
    def reserve(self, who: int, worst: int) -> None:
        wanted = attempt(worst / MICRO, turn=str(self.turns[who]))
        before = self.used()
        fits = all(
            before[account] + worst <= LIMITS[account[0]] and self.bounded(account, before, worst)
            for account in self.accounts(who)
        )
        of_turn = sum(sent.turn == self.turns[who] for sent in self.sent)
        key = None
        with contextlib.suppress(OverLimit):
            key = self.ledger.reserve(self.people[who].pk, wanted)
            self.sent.append(Sent(key, self.turns[who], self.accounts(who), worst))
        assert (key is not None) == (fits and of_turn < ATTEMPTS_MAX_PER_TURN)

    def bounded(self, account: tuple[str, int], used: Counter[tuple[str, int]], worst: int) -> bool:
        times = 1 + FORGIVEN_TIMES
        return used[account] + self.forgiven()[account] + worst <= times * LIMITS[account[0]]

    @precondition(lambda self: self.open)
    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES), share=st.floats(0, 1))
    def settle(self, data: st.DataObject, outcome: str, share: float) -> None:
        """Also by a process that was taken for dead: it still has its ticket."""
        sent = data.draw(st.sampled_from(self.open))
        self.book(sent, int(share * sent.worst), outcome)

    def book(self, sent: Sent, cost: int, outcome: str) -> None:
        first = sent.cost is None
        booked = self.ledger.settle(sent.key, settled(cost / MICRO, outcome))
        assert booked == first, "settled twice" if booked else "not settled"
        if first:
            sent.cost, sent.charged = cost, outcome in DELIVERED

    @precondition(lambda self: len(self.open) < len(self.sent))
    @rule(data=st.data(), outcome=st.sampled_from(OUTCOMES))
    def settle_again(self, data: st.DataObject, outcome: str) -> None:
        sent = data.draw(st.sampled_from([sent for sent in self.sent if sent.cost is not None]))
        self.book(sent, sent.worst, outcome)

    @precondition(lambda self: self.open)
    @rule(data=st.data())
    def crash(self, data: st.DataObject) -> None:
        """Its process dies, and a while goes by."""
        sent = data.draw(st.sampled_from(self.open))
        sent.dead = True
        long_ago = timezone.now() - datetime.timedelta(seconds=LOST_AFTER_SECONDS + 60)
        ProviderAttempt.objects.filter(pk=sent.key).update(reserved_at=long_ago)

    @precondition(lambda self: any(sent.dead for sent in self.open))
    @rule()
    def sweep(self) -> None:
        dead = [sent for sent in self.open if sent.dead]
        assert self.ledger.sweep() == len(dead)
        self.lose(dead)

    @rule(who=st.integers(0, 2))
    def take_over(self, who: int) -> None:
        left = [sent for sent in self.open if sent.turn == self.turns[who]]
        assert self.ledger.give_up(self.turns[who]) == len(left)
        self.lose(left)

    def lose(self, lost: list[Sent]) -> None:
        for sent in lost:
            sent.cost = sent.worst

    @precondition(lambda self: len(self.open) < len(self.sent))
    @rule(data=st.data())
    def forgive(self, data: st.DataObject) -> None:
        """A turn ends without its answer, and says so twice."""
        turn = data.draw(st.sampled_from([sent.turn for sent in self.sent if sent.cost is not None]))
        self.ledger.forgive(turn)
        self.ledger.forgive(turn)
        for sent in self.sent:
            sent.charged = sent.charged and sent.turn != turn

    def sums(self, amount: Any) -> Counter[tuple[str, int]]:
        total: Counter[tuple[str, int]] = Counter()
        for sent in self.sent:
            for account in sent.accounts:
                total[account] += amount(sent, account[0] in {"learner", "cohort"})
        return total

    def reserved(self) -> Counter[tuple[str, int]]:
        return self.sums(lambda sent, own: sent.worst if sent.cost is None else 0)

    def charged(self) -> Counter[tuple[str, int]]:
        return self.sums(lambda sent, own: (sent.cost or 0) if sent.charged or not own else 0)

    def forgiven(self) -> Counter[tuple[str, int]]:
        return self.sums(lambda sent, own: (sent.cost or 0) if own and not sent.charged else 0)

    def used(self) -> Counter[tuple[str, int]]:
        return self.reserved() + self.charged()

    @invariant()
    def books_are_what_was_sent(self) -> None:
        reserved, charged, forgiven = self.reserved(), self.charged(), self.forgiven()
        for row in Spending.objects.all():
            account = (row.scope, row.learner_id or row.cohort_id or 0)
            assert row.reserved_micro == reserved[account]
            assert row.settled_micro == charged[account]
            assert row.forgiven_micro == forgiven[account]
            assert row.open_calls == sum(account in sent.accounts for sent in self.open)

    @invariant()
    def no_account_is_over_its_limit(self) -> None:
        for row in Spending.objects.all():
            assert row.reserved_micro + row.settled_micro <= LIMITS[row.scope]

    @invariant()
    def every_attempt_is_on_record_and_settled_once_at_most(self) -> None:
        rows = dict(ProviderAttempt.objects.values_list("pk", "settled_at"))
        assert {key for key, at in rows.items() if at is None} == {sent.key for sent in self.open}
        assert len(rows) == len(self.sent)

    def teardown(self) -> None:
        """Once the faults stop, nothing stays reserved."""
        for sent in self.open:
            ProviderAttempt.objects.filter(pk=sent.key).update(
                reserved_at=timezone.now() - datetime.timedelta(days=1)
            )
        self.lose(self.open)
        self.ledger.sweep()
        self.books_are_what_was_sent()


WORLD: dict[str, Any] = {}


@pytest.fixture(autouse=True)
def _world():
    WORLD["exercise"] = make_exercise(make_lesson())


class NoCondition(Ledger):
    """Takes the money wherever it stands."""

    def reserve(self, learner_id: int, wanted: Attempt) -> int:
        return unheld(learner_id, wanted, first=0)


def unheld(learner_id: int, wanted: Attempt, *, first: int) -> int:
    """A reservation that no account from the `first` on is asked about."""
    asked = reserving.refusal_of
    with mock.patch.object(reserving, "refusal_of", lambda accounts, *about: asked(accounts[:first], *about)):
        return reserve_attempt(learner_id, wanted)


class SettlesTwice(Ledger):
    """Settles what is settled."""

    def settle(self, key: int, ended: Settled) -> bool:
        ProviderAttempt.objects.filter(pk=key).update(settled_at=None)
        return super().settle(key, ended)


class SweepsUnseen(Ledger):
    """Gives back what a dead process held without saying so: it comes back and is counted again."""

    def sweep(self) -> int:
        open_keys = list(ProviderAttempt.objects.filter(settled_at=None).values_list("pk", flat=True))
        swept = super().sweep()
        ProviderAttempt.objects.filter(pk__in=open_keys).update(settled_at=None)
        return swept


class ChargesWhatNeverCame(Ledger):
    def settle(self, key: int, ended: Settled) -> bool:
        return super().settle(key, replace(ended, outcome="done"))


class ForgivesTwice(Ledger):
    def forgive(self, turn: uuid.UUID) -> int:
        again = list(ProviderAttempt.objects.filter(charged=True).values_list("pk", flat=True))
        found = super().forgive(turn)
        ProviderAttempt.objects.filter(pk__in=again).update(charged=True)
        return found


class ChecksOneAccountOnly(Ledger):
    """Holds the person to the limit, and nobody else."""

    def reserve(self, learner_id: int, wanted: Attempt) -> int:
        return unheld(learner_id, wanted, first=1)


def machine(tried: type[Ledger]) -> type[Books]:
    return type("Books", (Books,), {"ledger_class": tried})


def test_books_hold_in_any_order() -> None:
    run_state_machine_as_test(
        machine(Ledger),
        settings=settings(
            max_examples=25, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )


@pytest.mark.parametrize(
    "planted",
    [NoCondition, SettlesTwice, SweepsUnseen, ChargesWhatNeverCame, ForgivesTwice, ChecksOneAccountOnly],
)
def test_a_planted_bug_is_found_by_the_machine(planted: type[Ledger]) -> None:
    found = settings(
        max_examples=150,
        stateful_step_count=25,
        deadline=None,
        database=None,
        derandomize=True,
        report_multiple_bugs=False,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    with pytest.raises((AssertionError, IntegrityError)):
        run_state_machine_as_test(machine(planted), settings=found)
