"""Turns live in rows: stopped, interrupted, claimed, moved, whatever happens to sockets and processes."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable
from dataclasses import replace

import pytest

from coach import actions, turns
from coach.actions import write_batch
from coach.beginning import OPEN_TURNS_MAX, Begin, Begun, Refused, begin_for_submission
from coach.frames import Subject
from coach.leases import Renew
from coach.models import Conversation, LadderStep, Turn
from coach.turns import Supervisor
from exercises.models import Submission
from lessons.models import User
from tests.coach.factories import (
    make_exercise,
    make_finding,
    make_lesson,
    make_submission,
    make_turn,
    second_finding,
    sign_in,
)
from tests.coach.talking import Page, Unending, in_thread

pytestmark = pytest.mark.django_db(transaction=True)
TRAVEL = Subject(kind="exercise", slug="travel")


def make_world(*findings) -> tuple[User, Submission]:
    exercise = make_exercise(make_lesson())
    learner = User.objects.create_guest()
    return learner, make_submission(learner, exercise, *(findings or (make_finding(), second_finding())))


def ask(learner: User, **fields) -> Begin:
    return Begin(key=uuid.uuid4(), subject=TRAVEL, learner_id=learner.pk, question="What is slack?", **fields)


async def finished(supervisor: Supervisor, begin: Begin) -> Turn:
    outcome = await supervisor.begin_and_wait(begin, 10)
    assert isinstance(outcome, Begun)
    return await in_thread(Turn.objects.get)(pk=outcome.turn.pk)


async def test_turn_ends_stored_with_text_and_trace(supervisor: Supervisor):
    learner, _ = await in_thread(make_world)()
    turn = await finished(supervisor, ask(learner))
    assert turn.state == Turn.State.DONE
    assert "slack" in turn.text.lower()
    assert {"reply", "search"} <= {span["name"] for span in turn.trace["spans"]}
    assert turn.citations


async def test_critique_of_a_submission_is_one_turn_however_often_it_is_begun(supervisor: Supervisor):
    _, submission = await in_thread(make_world)()
    begin = begin_for_submission(
        await in_thread(Submission.objects.select_related("exercise").get)(pk=submission.pk)
    )
    outcomes = await asyncio.gather(*(supervisor.begin_and_wait(begin, 10) for _ in range(5)))
    assert len({outcome.turn.pk for outcome in outcomes if isinstance(outcome, Begun)}) == 1
    turn = await in_thread(Turn.objects.get)()
    assert turn.kind == Turn.Kind.CRITIQUE
    assert turn.text.startswith("Total time: 2.0 s, against 3.0 s as found.")


async def test_critique_says_what_got_better_and_climbs_the_ladder(supervisor: Supervisor):
    def again() -> Begin:
        learner, first = make_world()
        second = make_submission(learner, first.exercise, make_finding())
        LadderStep.objects.create(
            learner=learner, exercise=first.exercise, finding_key=make_finding().key, rung=1
        )
        return begin_for_submission(second)

    turn = await finished(supervisor, await in_thread(again)())
    assert turn.text.startswith("Better than attempt 1: the needless arrow at “Visa rules” is put right.")
    step = await in_thread(LadderStep.objects.get)()
    assert (step.rung, step.shown_answer) == (2, False)


async def test_stop_ends_a_turn_at_once_and_keeps_what_was_said(supervisor: Supervisor):
    learner, _ = await in_thread(make_world)()
    session = await in_thread(sign_in)(learner)
    supervisor.sources.lessons = Unending()
    page = await Page(session).open()
    await page.ask("What is slack?")
    await page.next()
    turn = next(iter(page.seqs))
    await page.say(do="stop", turn=turn)
    assert await page.until_end() == turn
    row = await in_thread(Turn.objects.get)()
    assert row.state == Turn.State.STOPPED
    await page.leave()


async def test_stop_of_a_turn_that_waits_for_another_ends_it(supervisor: Supervisor):
    learner, _ = await in_thread(make_world)()
    supervisor.sources.lessons = Unending()
    first, second = await supervisor.begin(ask(learner)), await supervisor.begin(ask(learner))
    assert isinstance(first, Begun)
    assert isinstance(second, Begun)
    assert (first.turn.state, second.turn.state) == ("running", "queued")
    assert await supervisor.stop(second.turn.uuid, learner_id=learner.pk)
    await in_thread(second.turn.refresh_from_db)()
    assert second.turn.state == Turn.State.STOPPED


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_so():
            await asyncio.sleep(0.01)


async def test_turn_that_begins_while_the_one_before_it_ends_does_not_wait(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
):
    learner, _ = await in_thread(make_world)()
    supervisor.sources.lessons = Unending()
    first = await supervisor.begin(ask(learner))
    assert isinstance(first, Begun)
    journal, gate = supervisor.journal, threading.Event()
    commit = journal._commit
    monkeypatch.setattr(journal, "_commit", lambda writes: commit(writes) if gate.wait(5) else [])
    journal.put(Renew(owner="another", turn_ids=frozenset()))
    await until(lambda: not journal._waiting)
    # While that is written its end and the next question come, in this order, and are written together.
    await supervisor.stop(first.turn.uuid, learner_id=learner.pk)
    await until(lambda: len(journal._waiting) == 1)
    beginning = asyncio.create_task(supervisor.begin(ask(learner)))
    await until(lambda: len(journal._waiting) == 2)
    assert supervisor._keeper
    supervisor._keeper.cancel()
    supervisor._look.clear()
    gate.set()
    second = await beginning
    assert isinstance(second, Begun)
    assert (second.turn.state, supervisor._look.is_set()) == ("queued", True)


async def test_stop_of_another_learners_turn_is_refused(supervisor: Supervisor):
    learner, _ = await in_thread(make_world)()
    turn = await finished(supervisor, ask(learner))
    assert not await supervisor.stop(turn.uuid, learner_id=learner.pk + 1)


async def test_turn_whose_end_fails_is_not_kept_as_if_it_ran(
    supervisor: Supervisor, monkeypatch: pytest.MonkeyPatch
):
    async def fail(*_: object) -> None:
        raise RuntimeError("unforeseen")

    learner, _ = await in_thread(make_world)()
    monkeypatch.setattr(turns, "left", fail)
    await finished(supervisor, ask(learner))
    assert not supervisor._runs


async def test_run_that_was_lost_does_not_forget_the_one_after_it(supervisor: Supervisor):
    learner, _ = await in_thread(make_world)()
    supervisor.sources.lessons = Unending()
    begun = await supervisor.begin(ask(learner))
    assert isinstance(begun, Begun)
    run = supervisor._runs[begun.turn.uuid]
    supervisor._forget(replace(run))
    assert supervisor._runs == {begun.turn.uuid: run}


async def test_again_makes_a_new_turn_of_the_same_question(supervisor: Supervisor):
    learner, _ = await in_thread(make_world)()
    turn = await finished(supervisor, ask(learner))
    twin = await finished(supervisor, Begin(key=uuid.uuid4(), again=turn.uuid, learner_id=learner.pk))
    assert (twin.question, twin.number) == (turn.question, 2)


async def test_waiting_turn_is_taken_up_by_the_first_socket(supervisor: Supervisor):
    def waiting() -> str:
        learner, submission = make_world()
        write_batch([begin_for_submission(submission)])
        return sign_in(learner)

    page = await Page(await in_thread(waiting)()).open()
    turn = await page.until_end()
    assert page.text[turn]
    await page.leave()


async def test_drain_lets_turns_end_and_begins_no_more(supervisor: Supervisor):
    learner, _ = await in_thread(make_world)()
    await supervisor.begin(ask(learner))
    await supervisor.drain()
    assert await in_thread(Turn.objects.get)()
    assert (await in_thread(Turn.objects.get)()).state == Turn.State.DONE
    assert await supervisor.begin(ask(learner)) == Refused("restarting")


def test_batch_of_many_begins_costs_a_fixed_number_of_queries(django_assert_max_num_queries):
    make_exercise(make_lesson())
    sessions = [sign_in(User.objects.create_guest()) for _ in range(30)]
    begins = [
        Begin(key=uuid.uuid4(), subject=TRAVEL, session_key=key, question="Why?", owner="me")
        for key in sessions
    ]
    with django_assert_max_num_queries(14):
        outcomes = write_batch(begins)
    assert all(isinstance(outcome, Begun) for outcome in outcomes)


def test_batch_refuses_who_is_not_signed_in_and_serves_the_others():
    learner, _ = make_world()
    good, bad = (
        ask(learner, owner="me"),
        Begin(key=uuid.uuid4(), subject=TRAVEL, session_key="gone", question="Why?"),
    )
    stranger = ask(User.objects.create_guest(), session_key=sign_in(learner))
    outcomes = write_batch([bad, good, stranger])
    assert [isinstance(outcome, Begun) for outcome in outcomes] == [False, True, False]


def test_batch_same_key_twice_in_one_batch_is_one_turn():
    learner, _ = make_world()
    begin = ask(learner, owner="me")
    first, second = write_batch([begin, begin])
    assert isinstance(first, Begun)
    assert isinstance(second, Begun)
    assert (first.created, second.created) == (True, False)
    assert Turn.objects.count() == 1


def test_batch_limits_open_turns_of_a_conversation():
    learner, _ = make_world()
    outcomes = write_batch([ask(learner, owner="me") for _ in range(OPEN_TURNS_MAX + 2)])
    assert outcomes[-1] == Refused("busy")
    assert Turn.objects.count() == OPEN_TURNS_MAX


def test_guest_conversations_join_the_learners_own():
    guest, submission = make_world()
    learner = User.objects.create_user("ada@example.org", "a long enough password")
    make_turn(guest, submission.exercise, number=1)
    make_turn(learner, submission.exercise, number=1)
    LadderStep.objects.create(learner=guest, exercise=submission.exercise, finding_key="f", rung=3)
    LadderStep.objects.create(
        learner=learner, exercise=submission.exercise, finding_key="f", rung=2, shown_answer=True
    )
    actions.move_conversations(guest=guest, learner=learner)
    assert list(Turn.objects.filter(conversation__learner=learner).values_list("number", flat=True)) == [1, 2]
    assert not Conversation.objects.filter(learner=guest).exists()
    step = LadderStep.objects.get()
    assert (step.learner_id, step.rung, step.shown_answer) == (learner.pk, 3, True)
