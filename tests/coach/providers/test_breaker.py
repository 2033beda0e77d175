"""A service that is down is left alone, and tried again by one request at a time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from coach.providers.breaker import Breaker


class Hand:
    """A clock set by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def now(self) -> float:
        return self.seconds


def opened(clock: Hand) -> Breaker:
    breaker = Breaker(clock, failures=3, rest_seconds=10)
    for _ in range(3):
        assert breaker.admit()
        breaker.failed()
    return breaker


def test_breaker_stays_closed_while_failures_are_not_in_a_row():
    breaker = Breaker(Hand(), failures=3, rest_seconds=10)
    for _ in range(10):
        breaker.failed()
        breaker.failed()
        breaker.worked()
    assert breaker.admit()


def test_breaker_opens_after_failures_in_a_row_and_rests():
    clock = Hand()
    breaker = opened(clock)
    clock.seconds = 9.9
    assert not breaker.admit()


def test_breaker_half_open_lets_one_request_try():
    clock = Hand()
    breaker = opened(clock)
    clock.seconds = 10.0
    assert [breaker.admit() for _ in range(3)] == [True, False, False]


def test_breaker_closes_when_the_probe_works():
    clock = Hand()
    breaker = opened(clock)
    clock.seconds = 10.0
    breaker.admit()
    breaker.worked()
    assert [breaker.admit() for _ in range(3)] == [True, True, True]


def test_breaker_rests_again_when_the_probe_fails():
    clock = Hand()
    breaker = opened(clock)
    clock.seconds = 10.0
    breaker.admit()
    breaker.failed()
    clock.seconds = 19.9
    assert not breaker.admit()
    clock.seconds = 20.0
    assert breaker.admit()


def test_breaker_a_probe_that_its_caller_gave_up_makes_room_for_another():
    clock = Hand()
    breaker = opened(clock)
    clock.seconds = 10.0
    breaker.admit()
    breaker.left()
    assert breaker.admit()


@given(st.lists(st.sampled_from(["worked", "failed", "left", "wait"]), max_size=60))
def test_breaker_always_admits_again_after_a_rest(steps: list[str]):
    clock = Hand()
    breaker = Breaker(clock, failures=2, rest_seconds=5)
    for step in steps:
        if step == "wait":
            clock.seconds += 3
        elif breaker.admit():
            getattr(breaker, step)()
    clock.seconds += 5
    assert breaker.admit()
