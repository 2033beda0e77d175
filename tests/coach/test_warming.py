"""Warm before a cohort starts, warm while it pays, left alone when idle: over real HTTP to a server that
keeps caches by the engine's rules."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from coach.beginning import Place
from coach.budget import DatabasePurse, alone
from coach.engine.prompt import Stability
from coach.frames import Subject
from coach.models import CachedPrefix, Chore, Conversation, ProviderAttempt, Turn
from coach.providers.catalogue import MODELS
from coach.providers.claude import Claude
from coach.providers.port import Call, Outlook, Part
from coach.rehearsal.server import Rehearsal
from coach.replies.warming import (
    CLAIM_SECONDS,
    LEAD_SECONDS,
    subjects_to_warm,
    warm_what_is_due,
    warming_call,
)
from coach.warmth import Pauses, pauses_of_many
from exercises.models import Exercise
from lessons.models import Cohort, Course, User
from tests.coach.factories import make_exercise, make_lesson
from tests.coach.providers.asking import KEY, Paid, hear, provider
from tests.coach.talking import in_thread

pytestmark = pytest.mark.django_db(transaction=True)
LESSON = Subject(kind="lesson", slug="parallel")
EXERCISE = Subject(kind="exercise", slug="travel")
PRICE = MODELS["claude-sonnet-5-5"].price


async def run(ask: Any) -> Any:
    return await in_thread(ask)()


@pytest.fixture
async def server() -> AsyncIterator[Rehearsal]:
    async with Rehearsal(scale=200, keys=[KEY]) as rehearsal:
        yield rehearsal


@pytest.fixture
async def claude(server: Rehearsal) -> AsyncIterator[Claude]:
    made = provider(server.url)
    yield made
    await made.close()


@in_thread
def make_course(*, cohort_in_seconds: float) -> None:
    make_exercise(make_lesson("parallel"))
    make_lesson("caching", position=1)
    starts = timezone.now() + datetime.timedelta(seconds=cohort_in_seconds)
    Cohort.objects.create(title="Monday", course=Course.objects.get(), starts_at=starts)


@in_thread
def use(*seconds_ago: float) -> None:
    """Answers about the exercise, so long ago."""
    exercise = Exercise.objects.first() or make_exercise(make_lesson("parallel"))
    conversation = Conversation.objects.create(learner=User.objects.create_guest(), exercise=exercise)
    turn = Turn.objects.create(
        conversation=conversation, number=1, kind="answer", state="done", question="Why?"
    )
    now = timezone.now()
    for seconds in seconds_ago:
        at = now - datetime.timedelta(seconds=seconds)
        row = ProviderAttempt.objects.create(turn=turn, number=1, model="m", purpose="reply", worst_micro=1)
        ProviderAttempt.objects.filter(pk=row.pk).update(reserved_at=at, settled_at=at)


def due() -> dict[Subject, Pauses]:
    return subjects_to_warm(PRICE)


@in_thread
def note_warming(subject: Subject, *, seconds_ago: float, ended: bool = True) -> Chore:
    """A warming that went well, or one whose process has not been heard of since."""
    at = timezone.now() - datetime.timedelta(seconds=seconds_ago)
    return Chore.objects.create(name=f"warm {subject}", began_at=at, ended_at=at if ended else None)


async def answer(claude: Claude, subject: Subject) -> tuple[Paid, list[Outlook]]:
    """What a learner's call about a subject sends: the shared part, then a question; and what its learner is
    told of the cache."""
    warm = await run(lambda: warming_call(subject, PRICE))
    asked = Part(name="call", role="user", text="What is slack?", stability=Stability.CALL)
    told: list[Outlook] = []
    parts = (*warm.parts[:-1], asked)
    call = Call(purpose="reply", tier=warm.tier, parts=parts, tell=told.append)
    return (await hear(claude, call, DatabasePurse(None, alone(run), run))).end, told


async def test_warming_before_a_cohort_starts_makes_the_first_learners_call_read(claude: Claude):
    await make_course(cohort_in_seconds=60)
    assert await warm_what_is_due(claude, run) == 1
    ended, told = await answer(claude, LESSON)
    assert told == []
    assert ended.usage.tokens_written == 0
    assert ended.usage.tokens_read > 512


async def test_without_warming_the_first_learner_is_told_that_nothing_is_cached(claude: Claude):
    await make_course(cohort_in_seconds=60)
    assert (await answer(claude, LESSON))[1] == ["cold"]
    assert (await answer(claude, LESSON))[1] == []


async def test_pings_of_what_is_kept_alive_ask_for_the_lifetime_that_they_renew(
    server: Rehearsal, claude: Claude
):
    await use(1200, 850, 560, 250)
    assert await warm_what_is_due(claude, run) == 1
    lifetimes = {ttl for ttl, tokens in server.log[0].usage["cache_creation"].items() if tokens}
    assert lifetimes == {"ephemeral_5m_input_tokens"}


async def test_pauses_are_the_newest_calls_and_what_has_passed_since_the_last():
    await use(4000, 1200, 850, 250)
    exercise = await run(Exercise.objects.get)
    here = Place(pk=exercise.pk, exercise_id=exercise.pk, lesson="parallel", in_exercise=True)
    lesson = Place(pk=exercise.lesson_id, exercise_id=exercise.pk, lesson="parallel")
    found = await run(lambda: pauses_of_many([here, lesson]))
    assert found == {here: pytest.approx((350, 600, 250), abs=30), lesson: ()}


@pytest.mark.parametrize("passed_seconds", [0, 3500, 3700])
async def test_what_another_process_wrote_is_expected_for_as_long_as_it_lives(
    server: Rehearsal, claude: Claude, passed_seconds: float
):
    await make_course(cohort_in_seconds=60)
    assert await warm_what_is_due(claude, run) == 1
    earlier = F("expires_at") - datetime.timedelta(seconds=passed_seconds)
    await run(lambda: CachedPrefix.objects.update(expires_at=earlier))
    web = provider(server.url)
    ended, told = await answer(web, LESSON)
    await web.close()
    lives = passed_seconds < 3600
    assert told == ([] if lives else ["cold"])
    assert (ended.expected.tokens_read > 512, ended.expected.tokens_written > 512) == (lives, not lives)


async def test_of_what_is_cached_the_books_are_told_once_in_a_while_and_forget_what_lapsed(claude: Claude):
    await make_course(cohort_in_seconds=60)
    await warm_what_is_due(claude, run)
    told = await run(lambda: list(CachedPrefix.objects.order_by("pk").values("pk", "expires_at")))
    assert len(told) == 2
    await answer(claude, LESSON)
    assert await run(lambda: list(CachedPrefix.objects.order_by("pk").values("pk", "expires_at"))) == told
    await run(lambda: CachedPrefix.objects.update(expires_at=timezone.now()))
    await warm_what_is_due(claude, run)
    assert not await run(CachedPrefix.objects.exists)


async def test_warming_is_done_once_and_paid_by_nobodys_allowance(claude: Claude):
    await make_course(cohort_in_seconds=60)
    assert [await warm_what_is_due(claude, run) for _ in range(3)] == [1, 0, 0]
    row = await run(ProviderAttempt.objects.get)
    assert (row.purpose, row.outcome, row.learner_id, row.output_tokens) == ("warm", "done", None, 0)
    assert row.written_tokens > 512


@pytest.mark.parametrize("seconds", [-60, 600])
async def test_warming_leaves_cohorts_that_do_not_start_now(claude: Claude, seconds: float):
    await make_course(cohort_in_seconds=seconds)
    assert await warm_what_is_due(claude, run) == 0


async def test_warming_keeps_alive_what_is_used_and_leaves_what_is_idle():
    await use(1200, 850, 560, 250)
    assert [*await run(due)] == [EXERCISE]
    row = await note_warming(EXERCISE, seconds_ago=1)
    assert await run(due) == {}
    row.failed = True
    await run(row.save)
    assert [*await run(due)] == [EXERCISE]


@pytest.mark.parametrize(
    "seconds", [[2000, 1700, 1400, 1100], [900, 600, 500, 60], [250], [1000, 970, 400, 320]]
)
async def test_warming_leaves_what_lapsed_what_is_fresh_and_what_is_not_known(seconds: list[float]):
    await use(*seconds)
    assert await run(due) == {}


async def test_warming_of_a_subject_that_is_not_published_is_nothing():
    assert await run(lambda: warming_call(Subject(kind="lesson", slug="nowhere"), PRICE)) is None


async def test_warming_stops_at_a_provider_that_is_away(server: Rehearsal, claude: Claude):
    await make_course(cohort_in_seconds=60)
    server.fail(*["server_error"] * 3)
    assert await warm_what_is_due(claude, run) == 0
    rows = await run(lambda: list(ProviderAttempt.objects.values_list("settled_at", "cost_micro")))
    assert len(rows) == 3
    assert all(settled for settled, _cost in rows)


async def test_warming_that_failed_is_tried_again_before_the_start(server: Rehearsal, claude: Claude):
    await make_course(cohort_in_seconds=110)
    server.fail(*["server_error"] * 3)
    assert await warm_what_is_due(claude, run) == 0
    row = await run(Chore.objects.get)
    assert (row.failed, row.did) == (True, "The model's service is overloaded or out of order.")
    assert await warm_what_is_due(claude, run) == 1
    await run(row.refresh_from_db)
    assert (row.failed, row.ended_at is None) == (False, False)
    assert row.did.endswith(" tokens written, 0 read")


async def test_warming_whose_process_died_is_done_by_another_before_the_start(claude: Claude):
    await make_course(cohort_in_seconds=LEAD_SECONDS - CLAIM_SECONDS - 1)
    await note_warming(LESSON, seconds_ago=CLAIM_SECONDS + 1, ended=False)
    assert await warm_what_is_due(claude, run) == 1


async def test_warming_is_not_done_twice_for_one_start(claude: Claude):
    await make_course(cohort_in_seconds=LEAD_SECONDS - CLAIM_SECONDS - 1)
    await note_warming(LESSON, seconds_ago=CLAIM_SECONDS + 1)
    assert await warm_what_is_due(claude, run) == 0


async def test_warming_of_one_lesson_that_fails_holds_up_no_other(server: Rehearsal, claude: Claude):
    await make_course(cohort_in_seconds=60)
    await use(1200, 850, 560, 250)
    server.fail("unauthorized")
    assert await warm_what_is_due(claude, run) == 1


async def test_warming_says_nothing_of_a_server_that_keeps_no_cache(server: Rehearsal):
    await make_course(cohort_in_seconds=60)
    claude = provider(server.url, kind="ollama")
    assert await warm_what_is_due(claude, run) == 0
    assert not await run(Chore.objects.exists)
