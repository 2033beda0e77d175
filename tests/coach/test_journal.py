"""The journal: together, in order, each alone where one is bad; patient while the store is away."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from django.db import DataError, IntegrityError, OperationalError

from coach.journal import Journal


class Store:
    """Takes words. `faults` are raised by the next commits, one each; the word "bad" never goes in."""

    def __init__(self, *faults: Exception | None) -> None:
        self.faults = list(faults)
        self.words: list[str] = []

    def commit(self, words: Sequence[str]) -> list[str]:
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        if "bad" in words:
            raise DataError("bad")
        self.words += words
        return [f"{word} stored" for word in words]


def patient(word: str) -> bool:
    return word.islower()


async def put_all(journal: Journal, *words: str) -> list[str | BaseException]:
    outcomes = await asyncio.gather(*(journal.put(word) for word in words), return_exceptions=True)
    await journal.close()
    return outcomes


async def test_journal_one_bad_write_does_not_take_the_others_along():
    outcomes = await put_all(Journal(Store().commit), "a", "bad", "b")
    assert outcomes[0] == "a stored"
    assert isinstance(outcomes[1], DataError)
    assert outcomes[2] == "b stored"


async def test_journal_store_away_patient_writes_keep_their_order_and_others_hear_of_it():
    store = Store(*[OperationalError("database is locked")] * 3)
    outcomes = await put_all(Journal(store.commit, can_wait=patient), "a", "ASK", "b", "c")
    assert store.words == ["a", "b", "c"]
    assert isinstance(outcomes[1], OperationalError)
    assert outcomes[3] == "c stored"


async def test_journal_store_away_for_too_long_fails_what_waited():
    store = Store(*[OperationalError("disk full")] * 4)
    journal = Journal(store.commit, can_wait=patient, patience_seconds=0.01)
    outcomes = await put_all(journal, "a", "b")
    assert all(isinstance(outcome, OperationalError) for outcome in outcomes)
    assert store.words == []


async def test_journal_race_that_another_process_won_is_tried_once_more():
    store = Store(IntegrityError("turn_numbered_once"))
    assert await put_all(Journal(store.commit), "ASK") == ["ASK stored"]


@pytest.mark.parametrize("fault", [OperationalError("away"), DataError("odd")])
async def test_journal_what_comes_during_a_fault_is_written_after_what_was_there(fault: Exception):
    store = Store(fault)
    journal = Journal(store.commit, can_wait=patient)
    first = journal.put("a")
    await asyncio.sleep(0)
    await put_all(journal, "b", "c")
    assert await first == "a stored"
    assert store.words == ["a", "b", "c"]
