"""Replies through the provider's SDK and the rehearsal server, paid from the ledger in the database."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from coach.beginning import Begin, Begun, begin_for_submission
from coach.frames import Subject
from coach.models import ProviderAttempt, Turn
from coach.rehearsal.asked import Asked
from coach.rehearsal.server import Rehearsal
from coach.rehearsal.words import Say
from coach.replies.wording import fallback_text
from coach.turns import Supervisor
from exercises.models import Exercise, Submission
from lessons.models import User
from tests.coach.conversing import COURSE
from tests.coach.factories import make_finding, make_submission
from tests.coach.providers.asking import KEY, provider
from tests.coach.spending import only_limits
from tests.coach.talking import in_thread

pytestmark = pytest.mark.django_db(transaction=True)
TRAVEL = Subject(kind="exercise", slug="travel-agent")
GOOD = "“Seat offers” starts early. What does it read?\n\nLook at its left edge and run it again."


def script(asked: Asked) -> Say | str | None:
    return None if asked.schema is not None else GOOD


@pytest.fixture
async def server() -> AsyncIterator[Rehearsal]:
    async with Rehearsal(scale=200, keys=[KEY], script=script) as rehearsal:
        yield rehearsal


@pytest.fixture
async def coach(supervisor: Supervisor, server: Rehearsal) -> AsyncIterator[Supervisor]:
    """The coach of the shipped course, with a model behind it."""
    await in_thread(call_command)("load_course", COURSE, verbosity=0)
    await in_thread(only_limits)(day=20.0)
    claude = provider(server.url)
    supervisor.provider = claude
    yield supervisor
    await claude.close()


def hand_in() -> Submission:
    learner = User.objects.create_guest()
    exercise = Exercise.objects.get(slug="travel-agent")
    made = make_submission(learner, exercise, make_finding())
    return Submission.objects.select_related("exercise").get(pk=made.pk)


async def finished(coach: Supervisor, begin: Begin) -> Turn:
    outcome = await coach.begin_and_wait(begin, 20)
    assert isinstance(outcome, Begun)
    return await in_thread(Turn.objects.get)(pk=outcome.turn.pk)


async def ask(coach: Supervisor, learner: int, question: str) -> Turn:
    begin = Begin(key=uuid.uuid4(), subject=TRAVEL, learner_id=learner, question=question)
    return await finished(coach, begin)


def replies() -> list[ProviderAttempt]:
    return list(ProviderAttempt.objects.filter(purpose="reply").order_by("pk"))


async def test_ten_turns_read_nine_tenths_of_what_could_be_read(coach: Supervisor, server: Rehearsal):
    submission = await in_thread(hand_in)()
    turns = [await finished(coach, begin_for_submission(submission))]
    for number in range(9):
        turns.append(
            await ask(coach, submission.learner_id, f"Why is finding 1 marked, for the {number}th time?")
        )
    assert {turn.state for turn in turns} == {Turn.State.DONE}
    attempts = await in_thread(replies)()
    assert len(attempts) == 10
    # Each prompt begins with the whole one before it.
    could = [0, *(row.read_tokens + row.written_tokens + row.fresh_tokens for row in attempts[:-1])]
    assert sum(row.read_tokens for row in attempts) >= 0.9 * sum(could) > 0
    assert [row.outcome for row in attempts] == ["done"] * 10


async def test_learners_in_turn_at_one_exercise_write_the_shared_part_once(coach: Supervisor):
    for _ in range(6):
        await finished(coach, begin_for_submission(await in_thread(hand_in)()))
    attempts = await in_thread(replies)()
    assert [row.written_tokens > 0 for row in attempts] == [True, *[False] * 5]
    assert all(row.read_tokens == attempts[0].written_tokens for row in attempts[1:])


async def test_what_was_expected_and_what_was_reported_are_kept(coach: Supervisor):
    submission = await in_thread(hand_in)()
    await finished(coach, begin_for_submission(submission))
    turn = await ask(coach, submission.learner_id, "Why is finding 1 marked?")
    call = turn.trace["calls"][-1]
    assert call["model"] == "claude-sonnet-5-5"
    assert call["usage"]["tokens_read"] > 1_000
    assert call["expected"]["tokens_read"] == pytest.approx(call["usage"]["tokens_read"], rel=0.2)
    assert call["naive_usd"] > call["usage"]["cost_usd"] > 0


async def test_page_on_the_making_shows_expected_and_reported_and_the_naive_cost(coach: Supervisor):
    submission = await in_thread(hand_in)()
    await finished(coach, begin_for_submission(submission))
    turn = await ask(coach, submission.learner_id, "is there some rule of thumb about such things")

    def page() -> str:
        client = Client()
        client.force_login(submission.learner)
        return client.get(reverse("coach:made", args=[turn.uuid])).content.decode()

    html = await in_thread(page)()
    assert html.count("Reported</th>") == 2
    assert "claude-haiku-5-5" in html
    assert "claude-sonnet-5-5" in html
    read = turn.trace["calls"][-1]["usage"]["tokens_read"]
    assert f"<td>{read:,}</td>" in html
    assert "would have cost" in html


async def money_of(turn: Turn) -> tuple[float, list[ProviderAttempt]]:
    """What the page says that a turn cost, and the ledger's rows."""
    rows = await in_thread(lambda: list(ProviderAttempt.objects.filter(turn=turn).order_by("pk")))()
    return sum(call["usage"]["cost_usd"] for call in turn.trace["calls"]), rows


async def test_reply_that_reaches_its_length_is_paid_for_and_shown_with_what_it_took(
    coach: Supervisor, server: Rehearsal
):
    submission = await in_thread(hand_in)()
    server.say("Look at its left edge and at the picture. " * 25)
    server.fail("stall@150")
    turn = await ask(coach, submission.learner_id, "Why is finding 1 marked?")
    assert turn.state == Turn.State.DONE
    shown, (row,) = await money_of(turn)
    assert (row.outcome, row.charged, row.estimated) == ("enough", True, True)
    (call,) = turn.trace["calls"]
    assert (call["model"], call["outcome"], call["estimated"]) == ("claude-sonnet-5-5", "enough", True)
    assert shown == pytest.approx(row.cost_micro / 1e6, abs=1e-6)
    assert call["usage"]["tokens_written"] == row.written_tokens > 0
    assert call["expected"]["tokens_written"] == row.expected_written_tokens > 0
    assert call["naive_usd"] > 0


@pytest.mark.parametrize(
    "faults",
    [["reset@0"], ["overloaded", "clean_eof@0"], ["clean_eof@12"], ["bad_json@12"], ["unknown_stop@12"]],
)
async def test_page_shows_all_that_was_paid_whatever_went_wrong(
    coach: Supervisor, server: Rehearsal, faults: list[str]
):
    submission = await in_thread(hand_in)()
    server.fail(*faults)
    turn = await ask(coach, submission.learner_id, "Why is finding 1 marked?")
    shown, rows = await money_of(turn)
    assert shown == pytest.approx(sum(row.cost_micro for row in rows) / 1e6, abs=1e-6 * len(rows))
    (call,) = turn.trace["calls"]
    assert call["attempts"] == len(rows)
    assert call["naive_usd"] > 0
    for kind in ("read", "written", "fresh", "output"):
        assert call["usage"][f"tokens_{kind}"] == sum(getattr(row, f"{kind}_tokens") for row in rows)


@pytest.mark.parametrize("fault", ["overloaded", "reset@0", "unauthorized"])
async def test_fault_before_the_first_word_changes_only_the_wording(
    coach: Supervisor, server: Rehearsal, fault: str
):
    server.fail(*[fault] * 3)
    turn = await finished(coach, begin_for_submission(await in_thread(hand_in)()))
    assert turn.state == Turn.State.DONE
    assert make_finding().message in turn.text
    assert turn.trace["fallback"]


@pytest.mark.parametrize("fault", ["empty", "unknown_stop@0"])
async def test_answer_that_cannot_be_used_is_not_called_a_broken_connection(
    coach: Supervisor, server: Rehearsal, fault: str
):
    server.fail(fault)
    turn = await finished(coach, begin_for_submission(await in_thread(hand_in)()))
    assert turn.state == Turn.State.DONE
    said = fallback_text(turn.trace["fallback"])
    assert said.startswith("The language model gave no usable answer")


async def test_stream_that_ends_without_its_end_is_interrupted(coach: Supervisor, server: Rehearsal):
    submission = await in_thread(hand_in)()
    server.fail("reset@12")
    turn = await ask(coach, submission.learner_id, "Why is finding 1 marked?")
    assert turn.state == Turn.State.INTERRUPTED
    assert turn.text.endswith("What does it read?")
    assert "left edge" not in turn.text
    # The words are the model's, so no page says that they are the built-in coach's.
    assert "fallback" not in turn.trace


async def test_refusal_hides_what_was_said_and_stays_out_of_the_next_request(
    coach: Supervisor, server: Rehearsal
):
    submission = await in_thread(hand_in)()
    server.say(Say(GOOD[:40], stop_reason="refusal"))
    turn = await ask(coach, submission.learner_id, "Why is finding 1 marked, you of all people?")
    assert (turn.state, turn.text) == (Turn.State.REFUSED, "")
    await ask(coach, submission.learner_id, "Why is finding 1 marked?")
    assert "of all people" not in str(server.log[-1].body)


async def test_classifier_answers_in_its_schema(coach: Supervisor, server: Rehearsal):
    submission = await in_thread(hand_in)()
    server.say('{"intent": "hint", "finding": 0, "sure": 0.9}')
    turn = await ask(coach, submission.learner_id, "is there some rule of thumb about such things")
    assert turn.state == Turn.State.DONE
    assert {call["purpose"]: call["model"] for call in turn.trace["calls"]}["classify"] == "claude-haiku-5-5"
