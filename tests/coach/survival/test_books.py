"""The checks of the books find what they must: each planted bug is one change of books that fit."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy

import pytest

from tests.coach.survival.books import checks
from tests.coach.survival.checker import Record, violations

TURN = "turn-1"


def attempt(key: int, at: float, **fields: object) -> Record:
    given = {
        "turn": TURN,
        "reserved_at": at,
        "settled_at": at + 2.0,
        "outcome": "done",
        "estimated": False,
        "worst": 500,
        "cost": 100,
        "request_id": f"req-{key}",
        "tokens": [900, 0, 100, 50],
    }
    return {"log": "books", "op": "attempt", "key": key, **given, **fields}


def request(key: int, at: float) -> Record:
    usage = [900, 0, 100, 50]
    told = {"request_id": f"req-{key}", "usage": usage, "reported": True}
    return {"log": "provider", "op": "request", "turn": TURN, "at": at, **told}


BOOKS: list[Record] = [
    attempt(1, 10.0, outcome="overloaded", cost=0, tokens=[0, 0, 0, 0]),
    attempt(2, 13.0),
    {**request(1, 10.5), "usage": [0, 0, 0, 0]},
    request(2, 13.5),
    {"log": "books", "op": "limit", "micro": 1000},
    {"log": "books", "op": "account", "reserved": 0, "settled": 100, "forgiven": 0},
]


def found(records: list[Record]) -> str:
    return "; ".join(violations(records, [], *checks(most_attempts=3)))


def sent_before_it_was_booked(books: list[Record]) -> None:
    books[3]["at"] = 12.5


def sent_without_being_booked(books: list[Record]) -> None:
    books.append({**request(3, 14.0), "turn": "turn-2"})


def retried_for_ever(books: list[Record]) -> None:
    books += [attempt(key, 20.0 + key, cost=0, request_id="") for key in (3, 4)]


def never_settled(books: list[Record]) -> None:
    books[1] |= {"settled_at": None, "cost": 0}


def charged_twice(books: list[Record]) -> None:
    books[-1]["settled"] = 200


def left_reserved(books: list[Record]) -> None:
    books[-1]["reserved"] = 500


def booked_other_tokens(books: list[Record]) -> None:
    books[1]["tokens"] = [0, 900, 100, 50]


def spent_more_than_there_is(books: list[Record]) -> None:
    books[0]["settled_at"] = 14.0
    books[-2]["micro"] = 900


BUGS: list[tuple[Callable[[list[Record]], None], str]] = [
    (sent_before_it_was_booked, "unbooked"),
    (sent_without_being_booked, "unbooked"),
    (retried_for_ever, "too many"),
    (never_settled, "unsettled"),
    (charged_twice, "settled twice"),
    (left_reserved, "not at all"),
    (booked_other_tokens, "unlike the provider"),
    (spent_more_than_there_is, "over the limit"),
]


def test_books_that_fit_are_left_alone():
    assert found(BOOKS) == ""


@pytest.mark.parametrize(("bug", "said"), BUGS, ids=[bug.__name__ for bug, _said in BUGS])
def test_planted_bug_is_found(bug: Callable[[list[Record]], None], said: str):
    books = deepcopy(BOOKS)
    bug(books)
    assert said in found(books)
