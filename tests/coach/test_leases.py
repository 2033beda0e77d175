"""Who runs a turn: taken up, taken over, handed back; late writers of an older claim are refused."""

from __future__ import annotations

import os
import uuid
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F
from django.db.models.functions import Now

from coach import processes, states
from coach.actions import Append, Finish, write_batch
from coach.beginning import Begin, Begun
from coach.dbclock import lease_end
from coach.frames import Subject
from coach.leases import RUNS_MAX, SUSPECT_RUNS, AskStop, Claim, Claimed, Release, Renew
from coach.models import Process, ProviderAttempt, Turn, TurnEvent
from coach.rendering import view_of
from coach.turns import Supervisor
from exercises.models import Exercise
from lessons.models import User
from tests.coach.factories import make_exercise, make_turn, sign_in
from tests.coach.talking import Page, Unending, in_thread

pytestmark = pytest.mark.django_db(transaction=True)
TRAVEL = Subject(kind="exercise", slug="travel")


@pytest.fixture
def learner(transactional_db: None) -> User:
    make_exercise()
    return User.objects.create_guest()


def left_behind(learner: User, *said: str, **fields: Any) -> Turn:
    """A running turn with these sentences, whose process let its lease run out."""
    given = {"state": "running", "owner": "dead", "epoch": 1, "runs": 1, "lease_until_at": lease_end(-1)}
    turn = make_turn(learner, Exercise.objects.get(), **{**given, **fields})
    for seq, text in enumerate(said, start=2):
        TurnEvent.objects.create(turn=turn, seq=seq, kind="sentence", payload={"text": text, "opens": True})
    return Turn.objects.get(pk=turn.pk)


def event(turn: Turn, seq: int, kind: str = "sentence", **payload: Any) -> TurnEvent:
    return TurnEvent(turn=turn, seq=seq, kind=kind, payload=payload)


def claim(owner: str = "new", **fields: Any) -> list[Claimed]:
    found: list[Claimed] = write_batch([Claim(owner=owner, **fields)])[0]
    return found


def guest(_number: int) -> User:
    return User.objects.create_guest()


def finish(claimed: Claimed) -> Finish:
    return Finish(event=event(claimed.turn, claimed.seq + 1, "end"), epoch=claimed.turn.epoch, state="done")


def log(turn: Turn) -> list[tuple[int, str]]:
    return list(turn.events.order_by("seq").values_list("seq", "kind"))


def test_claim_of_a_turn_that_has_said_nothing_is_silent(learner: User):
    turn = left_behind(learner)
    (claimed,) = claim()
    assert (claimed.turn.epoch, claimed.seq, claimed.events) == (2, 1, ())
    turn.refresh_from_db()
    assert (turn.owner, turn.epoch, turn.runs, turn.state) == ("new", 2, 2, "running")
    assert log(turn) == [(1, "begun")]


def test_claim_of_a_turn_that_has_spoken_takes_its_words_back(learner: User):
    turn = left_behind(learner, "Half a", "reply.")
    (claimed,) = claim()
    assert [made.kind for made in claimed.events] == ["restart"]
    assert log(turn) == [(1, "begun"), (2, "sentence"), (3, "sentence"), (4, "restart")]
    view = view_of(turn, list(turn.events.order_by("seq")))
    assert (view.seq, view.said) == (4, "")


def test_claim_leaves_a_turn_alone_whose_lease_runs_or_whose_process_is_the_claimer(learner: User):
    turn = left_behind(learner, lease_until_at=lease_end(60))
    assert claim() == []
    Turn.objects.update(lease_until_at=lease_end(-1))
    assert claim(busy=frozenset([turn.pk])) == []
    assert len(claim()) == 1


def test_claim_of_a_turn_that_killed_its_processes_fails_it(learner: User):
    turn = left_behind(learner, "Half.", runs=RUNS_MAX)
    other = left_behind(User.objects.create_guest())
    claimed = claim()
    assert {each.turn.pk: each.is_ended for each in claimed} == {turn.pk: True, other.pk: False}
    turn.refresh_from_db()
    assert (turn.state, turn.text) == ("failed", "Half.")
    assert log(turn)[-1] == (3, "end")


def test_claim_after_deaths_ends_the_turn_that_kills_and_no_other(learner: User):
    turns = [left_behind(each) for each in (learner, *map(guest, range(3)))]
    killer, deaths = turns[1].pk, 0
    while running := [claimed for claimed in claim() if not claimed.is_ended]:
        if killer in {claimed.turn.pk for claimed in running}:
            Turn.objects.update(lease_until_at=lease_end(-1))
            deaths += 1
        else:
            write_batch([finish(claimed) for claimed in running])
    assert deaths == RUNS_MAX - 1
    states_now = dict(Turn.objects.values_list("pk", "state"))
    assert states_now.pop(killer) == "failed"
    assert set(states_now.values()) == {"done"}


def test_claim_beside_a_suspect_takes_others_but_no_other_suspect(learner: User):
    turns = [left_behind(each, runs=SUSPECT_RUNS) for each in (learner, guest(1))]
    (first,) = claim()
    fresh = left_behind(guest(2))
    busy = frozenset([first.turn.pk])
    assert [claimed.turn.pk for claimed in claim(busy=busy)] == [fresh.pk]
    assert claim(busy=busy) == []
    write_batch([finish(first)])
    assert [claimed.turn.pk for claimed in claim()] == [turns[1].pk]


def test_claim_of_a_turn_that_was_paid_for_keeps_what_there_is_and_buys_no_more(learner: User):
    turn, silent = left_behind(learner, "Half."), left_behind(User.objects.create_guest())
    for each in (turn, silent):
        ProviderAttempt.objects.create(turn=each, number=1, model="m", purpose="reply", worst_micro=1)
    claimed = claim()
    assert {each.turn.pk: each.is_ended for each in claimed} == {turn.pk: True, silent.pk: False}
    turn.refresh_from_db()
    assert (turn.state, turn.text) == ("interrupted", "Half.")


def test_claim_of_a_turn_that_was_asked_to_stop_ends_it(learner: User):
    turn = left_behind(learner, "Half.")
    assert write_batch([AskStop(turn=turn.uuid, learner_id=learner.pk + 1)]) == [None]
    write_batch([AskStop(turn=turn.uuid, learner_id=learner.pk)])
    claim()
    turn.refresh_from_db()
    assert (turn.state, turn.text) == ("stopped", "Half.")


def test_claim_takes_the_turns_of_a_conversation_one_after_the_other(learner: User):
    first = left_behind(learner)
    second = make_turn(learner, Exercise.objects.get(), number=2, state="queued")
    assert [claimed.turn.pk for claimed in claim()] == [first.pk]
    assert claim() == []
    done = Finish(event=event(first, 2, "end", state="done"), epoch=2, state="done")
    assert write_batch([done, Claim(owner="new")])[1][0].turn.pk == second.pk


def test_claim_of_a_turn_about_something_withdrawn_fails_it(learner: User):
    turn = left_behind(learner)
    Exercise.objects.update(published=None)
    claim()
    turn.refresh_from_db()
    assert turn.state == "failed"


def test_late_writer_of_an_older_epoch_is_refused(learner: User):
    turn = left_behind(learner, "Old.")
    claim()
    late = [Append(event(turn, 4, text="late"), 1), Append(event(turn, 3, text="late"), 1)]
    assert write_batch([*late, Append(event(turn, 4, text="new"), 2)]) == [False, False, True]
    assert write_batch([Finish(event=event(turn, 5, "end"), epoch=1, state="done")]) == [False]
    assert write_batch([Renew(owner="dead", turn_ids=frozenset([turn.pk]))]) == [{}]
    assert write_batch([Release(turn_id=turn.pk, epoch=1)]) == [False]
    assert write_batch([Finish(event=event(turn, 5, "end"), epoch=2, state="done")]) == [True]
    assert write_batch([Append(event(turn, 6, text="late"), 2)]) == [False]
    assert log(turn) == [(1, "begun"), (2, "sentence"), (3, "restart"), (4, "sentence"), (5, "end")]


def test_event_after_one_that_is_missing_is_refused(learner: User):
    turn = left_behind(learner)
    assert write_batch([Append(event(turn, 3), 1), Append(event(turn, 2), 1)]) == [False, True]
    assert log(turn) == [(1, "begun"), (2, "sentence")]


def test_batch_written_again_after_an_unconfirmed_commit_is_stored_once(learner: User):
    turn = left_behind(learner)

    def batch() -> list[Any]:
        end = Finish(event=event(turn, 3, "end"), epoch=1, state="done")
        return write_batch([Append(event(turn, 2), 1), end])

    assert batch() == batch() == [True, True]
    assert log(turn) == [(1, "begun"), (2, "sentence"), (3, "end")]


def test_release_hands_a_turn_back_without_counting_it(learner: User):
    turn = left_behind(learner, "Half.", lease_until_at=lease_end(60))
    assert write_batch([Release(turn_id=turn.pk, epoch=1)]) == [True]
    assert write_batch([Append(event(turn, 3), 1)]) == [False]
    (claimed,) = claim()
    assert (claimed.turn.epoch, claimed.turn.runs) == (3, 1)
    assert log(turn)[-1] == (3, "restart")


def test_renew_tells_which_turns_to_stop(learner: User):
    turn = left_behind(learner)
    write_batch([AskStop(turn=turn.uuid, learner_id=learner.pk)])
    assert write_batch([Renew(owner="dead", turn_ids=frozenset([turn.pk]))]) == [{turn.pk: True}]
    assert Turn.objects.filter(lease_until_at__gt=Now()).exists()


def test_every_state_is_reached_by_the_table_and_no_end_is_left(learner: User):
    turn = left_behind(learner)
    turns = Turn.objects.filter(pk=turn.pk)
    assert set(states.ENDING) == states.TERMINAL
    for state in states.TERMINAL:
        turns.update(state=state)
        assert not any(states.move(turns, move) for _, move in states.TRANSITIONS)
        turns.update(state="running")
        assert states.move(turns, states.ENDING[state]) == 1
        turn.refresh_from_db()
        assert turn.state == state


async def test_supervisor_takes_over_a_turn_and_the_page_shows_the_new_text_only(supervisor: Supervisor):
    def prepare() -> tuple[str, Turn]:
        make_exercise()
        learner = User.objects.create_guest()
        return sign_in(learner), left_behind(learner, "Half a reply.")

    session, turn = await in_thread(prepare)()
    page = await Page(session).open()
    supervisor.look()
    assert await page.until_end() == str(turn.uuid)
    assert page.seqs[str(turn.uuid)] == list(range(1, page.seqs[str(turn.uuid)][-1] + 1))
    await in_thread(turn.refresh_from_db)()
    assert turn.state == "done"
    assert "Half" not in turn.text
    await page.leave()


async def test_supervisor_that_lost_a_turn_writes_no_more_of_it(supervisor: Supervisor):
    def prepare() -> int:
        make_exercise()
        return User.objects.create_guest().pk

    begin = Begin(key=uuid.uuid4(), subject=TRAVEL, learner_id=await in_thread(prepare)(), question="Why?")
    supervisor.sources.lessons = Unending()  # a reply that does not end
    outcome = await supervisor.begin(begin)
    assert isinstance(outcome, Begun)
    await in_thread(Turn.objects.update)(owner="other", epoch=F("epoch") + 1)
    await supervisor.renew()
    await supervisor.drain()
    await in_thread(outcome.turn.refresh_from_db)()
    assert (outcome.turn.state, outcome.turn.owner) == ("running", "other")


async def test_drain_hands_back_what_does_not_end_in_time(supervisor: Supervisor):
    def prepare() -> int:
        make_exercise()
        return User.objects.create_guest().pk

    begin = Begin(key=uuid.uuid4(), subject=TRAVEL, learner_id=await in_thread(prepare)(), question="Why?")
    supervisor.sources.lessons = Unending()  # a reply that does not end
    outcome = await supervisor.begin(begin)
    assert isinstance(outcome, Begun)
    await supervisor.drain(0.01)
    await in_thread(outcome.turn.refresh_from_db)()
    assert (outcome.turn.state, outcome.turn.owner, outcome.turn.runs) == ("queued", "", 0)


def other_process(**fields: Any) -> Process:
    given = {
        "owner": "other",
        "host": processes._host(),
        "pid": os.getppid(),
        "lease_until_at": lease_end(60),
    }
    return Process.objects.create(**{**given, **fields})


def test_start_beside_a_living_process_is_refused_with_a_sentence(learner: User):
    other_process()
    with pytest.raises(CommandError, match=r"Another server .* uses this database\. .* set REDIS_URL"):
        call_command("start", port=0)
    assert [process.owner for process in Process.objects.all()] == ["other"]


def test_start_after_a_process_died_takes_its_turns_at_once(learner: User):
    turn = left_behind(learner, owner="other", lease_until_at=lease_end(60))
    # No system gives this number to a process.
    other_process(pid=2**31 - 1)
    processes.enter_alone("mine")
    assert [process.owner for process in Process.objects.all()] == ["mine"]
    assert [claimed.turn.pk for claimed in claim("mine")] == [turn.pk]


def test_start_waits_for_the_lease_of_a_silent_process_elsewhere(learner: User):
    other_process(host="elsewhere.example", lease_until_at=lease_end(0.5))
    processes.enter_alone("mine")
    assert Process.objects.filter(owner="mine").exists()


def test_start_beside_others_is_allowed_where_redis_connects_them(learner: User, settings: Any):
    settings.REDIS_URL = "redis://127.0.0.1/0"
    other_process()
    processes.enter_alone("mine")
    assert Process.objects.count() == 2
