"""The checker finds each kind of harm in a history that is sound but for it."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest

from tests.coach.survival.checker import Event, Final, Record, violations

LOG = [
    Event(1, "begun"),
    Event(2, "sentence", "Half."),
    Event(3, "restart"),
    Event(4, "sentence", "Whole."),
    Event(5, "end"),
]


def history() -> tuple[list[Record], list[Final]]:
    """Two tabs that saw everything, of a turn that was begun again; and a submit whose outcome is unknown."""
    submit = {"log": "client", "op": "submit", "client": "ada", "key": "k1", "question": "Why?"}
    records: list[Record] = [{**submit, "type": "invoke"}, {**submit, "type": "ok", "turn": "t1"}]
    records.append({**submit, "type": "invoke", "key": "k2", "question": "And then?"})
    for client in ("ada", "ada's other tab"):
        for event in LOG:
            seen = {"turn": "t1", "seq": event.seq, "kind": event.kind, "text": event.text}
            records.append({"log": "client", "op": "see", "client": client, **seen})
        records.append({"log": "client", "op": "settled", "client": client, "turns": ["t1"]})
    return records, [Final("t1", "Why?", list(LOG), "Whole.", is_open=False)]


def sees(records: list[Record]) -> list[Record]:
    return [record for record in records if record["op"] == "see" and record["client"] == "ada"]


def lose_the_message(records: list[Record], final: list[Final]) -> None:
    final.clear()


def store_it_twice(records: list[Record], final: list[Final]) -> None:
    final.append(Final("t2", "Why?", list(LOG), "Whole.", is_open=False))


def store_what_nobody_asked(records: list[Record], final: list[Final]) -> None:
    final.append(Final("t2", "Who am I?", list(LOG), "Whole.", is_open=False))


def skip_an_event(records: list[Record], final: list[Final]) -> None:
    records.remove(sees(records)[2])


def show_an_event_twice(records: list[Record], final: list[Final]) -> None:
    again = sees(records)[1]
    records.insert(records.index(again), again)


def start_a_tab_at_the_end(records: list[Record], final: list[Final]) -> None:
    records.remove(sees(records)[0])


def accept_an_old_writer(records: list[Record], final: list[Final]) -> None:
    sees(records)[3]["text"] = "Late."


def leave_a_gap_in_the_log(records: list[Record], final: list[Final]) -> None:
    del final[0].events[1]


def leave_it_open(records: list[Record], final: list[Final]) -> None:
    final[0].is_open = True


def end_it_twice(records: list[Record], final: list[Final]) -> None:
    final[0].events.append(Event(6, "end"))


def retry_without_a_restart(records: list[Record], final: list[Final]) -> None:
    final[0].page_text = "Half. Whole."


def never_tell_a_tab_the_end(records: list[Record], final: list[Final]) -> None:
    records.remove(sees(records)[-1])


def test_checker_finds_nothing_in_a_sound_history():
    assert violations(*history()) == []


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lose_the_message, "lost"),
        (store_it_twice, "duplicated"),
        (store_what_nobody_asked, "unexpected"),
        (skip_an_event, "gap or duplicate"),
        (show_an_event_twice, "gap or duplicate"),
        (start_a_tab_at_the_end, "gap or duplicate"),
        (accept_an_old_writer, "never stored"),
        (leave_a_gap_in_the_log, "gap in the log"),
        (leave_it_open, "unended"),
        (end_it_twice, "unended"),
        (retry_without_a_restart, "two texts"),
        (never_tell_a_tab_the_end, "incomplete"),
    ],
)
def test_checker_finds_each_harm(harm: Callable[[list[Record], list[Final]], None], said: str):
    records, final = copy.deepcopy(history())
    harm(records, final)
    assert any(sentence.startswith(said) for sentence in violations(records, final))
