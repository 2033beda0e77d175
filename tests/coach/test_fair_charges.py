"""A learner pays for answers that came, through the real purse and the supervisor."""

from __future__ import annotations

import uuid

import pytest

from coach.beginning import Begin, Begun
from coach.frames import Subject
from coach.models import ProviderAttempt, Turn
from coach.providers.port import Call
from coach.turns import Supervisor
from lessons.models import User
from tests.coach.factories import make_exercise, make_lesson
from tests.coach.fakes import ScriptedProvider, Words
from tests.coach.spending import (
    attempt,
    counter,
    make_member,
    reserve_attempt,
    set_limit,
    settle_attempt,
    settled,
)
from tests.coach.talking import in_thread
from tests.coach.test_leases import left_behind

pytestmark = pytest.mark.django_db(transaction=True)
SORTED = Words(data={"intent": "concept", "finding": 0, "sure": 0.9})
WRITTEN = Words("Slack is the time by which a task may be late [parallel#critical-path].")
BROKEN = Words(cut=(0, "stalled"))


def make_world() -> User:
    make_exercise(make_lesson())
    for scope in ("learner", "day"):
        set_limit(scope, 10)
    return make_member()


async def ask(supervisor: Supervisor, learner: User, answer: Words) -> Turn:
    def say(call: Call) -> Words:
        return SORTED if call.purpose == "classify" else answer

    supervisor.provider = ScriptedProvider(say)
    begin = Begin(
        key=uuid.uuid4(),
        subject=Subject(kind="exercise", slug="travel"),
        learner_id=learner.pk,
        question="Tell me about that thing with the time that is left over somewhere",
    )
    outcome = await supervisor.begin_and_wait(begin, 10)
    assert isinstance(outcome, Begun)
    return await in_thread(Turn.objects.get)(pk=outcome.turn.pk)


async def outcomes() -> set[tuple[str, str, bool]]:
    rows = ProviderAttempt.objects.values_list("purpose", "outcome", "charged")
    return set(await in_thread(lambda: list(rows))())


async def test_answer_that_came_is_charged_with_what_led_to_it(supervisor: Supervisor):
    learner = await in_thread(make_world)()
    await ask(supervisor, learner, WRITTEN)
    assert ("reply", "done", True) in await outcomes()
    reserved, charged, forgiven, under_way = await in_thread(counter)("learner")
    assert (reserved, forgiven, under_way) == (0, 0, 0)
    assert charged == (await in_thread(counter)("day"))[1] > 0


async def test_answer_that_never_came_costs_nothing_nor_does_what_led_to_it(supervisor: Supervisor):
    learner = await in_thread(make_world)()
    turn = await ask(supervisor, learner, BROKEN)
    assert turn.state == Turn.State.DONE
    assert "fallback" in turn.trace
    assert all(not charged for _purpose, _outcome, charged in await outcomes())
    reserved, charged, forgiven, under_way = await in_thread(counter)("learner")
    assert (reserved, charged, under_way) == (0, 0, 0)
    assert forgiven == (await in_thread(counter)("day"))[1] > 0


async def died_with(supervisor: Supervisor, *said: str, **fields: str) -> Turn:
    """A turn whose process died when one request for it was answered and another under way; nobody but the
    test takes it up."""
    assert supervisor._keeper
    supervisor._keeper.cancel()

    def prepare() -> Turn:
        learner = make_world()
        turn = left_behind(learner, *said, **fields)
        sent = {"turn": str(turn.uuid)}
        key = reserve_attempt(learner.pk, attempt(0.01, purpose="classify", **sent))
        settle_attempt(key, settled(0.01))
        reserve_attempt(learner.pk, attempt(0.02, **sent))
        return turn

    return await in_thread(prepare)()


async def test_turn_that_is_interrupted_at_its_takeover_costs_nothing(supervisor: Supervisor):
    turn = await died_with(supervisor, "Half.")
    await supervisor.take_up()
    await in_thread(turn.refresh_from_db)()
    assert turn.state == Turn.State.INTERRUPTED
    assert await in_thread(counter)("learner") == (0, 0, 30_000, 0)


async def test_turn_that_is_stopped_while_nobody_runs_it_costs_nothing(supervisor: Supervisor):
    turn = await died_with(supervisor, "Half.", state="queued")
    learner = await in_thread(User.objects.get)()
    assert await supervisor.stop(turn.uuid, learner_id=learner.pk)
    assert await in_thread(counter)("learner") == (0, 0, 30_000, 0)


async def test_turn_that_is_answered_anew_costs_what_its_last_run_did(supervisor: Supervisor):
    """The built-in coach answers it, for nothing."""
    turn = await died_with(supervisor)
    await supervisor.take_up()
    run = supervisor._runs[turn.uuid]
    assert run.task
    await run.task
    await in_thread(turn.refresh_from_db)()
    assert turn.state == Turn.State.DONE
    assert await in_thread(counter)("learner") == (0, 0, 30_000, 0)
