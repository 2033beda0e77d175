"""The same conversations through turns, the database and the guard."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any

import pytest
from channels.db import database_sync_to_async as in_thread
from django.core.management import call_command

from coach.beginning import Begin, Begun
from coach.frames import Subject
from coach.turns import Supervisor
from exercises.kinds.base import Finding
from lessons.models import User
from tests.coach.test_replies import gives_away, hand_in_every_wrong_answer, say, sentences_of, text_of

COURSE = Path(__file__).resolve().parents[2] / "fixtures" / "agent-latency"
NEAR_THE_EXERCISES = (
    "in which order should the parts of a prompt stand?",
    "where do i put cache breakpoints?",
    "how do i choose the ttl?",
    "how do i make the fan-in faster?",
    "how do i run a blocking call without stopping the rest?",
    "when is it worth starting a tool call before i know that it is needed?",
    "how do i write an output schema?",
    "why not always use the biggest model?",
)
pytestmark = pytest.mark.django_db(transaction=True)


async def ask(supervisor: Supervisor, learner: User, question: str) -> list[dict[str, Any]]:
    subject = Subject(kind="lesson", slug="trade-offs")
    begin = Begin(key=uuid.uuid4(), subject=subject, learner_id=learner.pk, question=question)
    outcome = await supervisor.begin_and_wait(begin, 20)
    assert isinstance(outcome, Begun)
    return await sentences_of(outcome.turn)


async def test_a_conversation_remembers_its_topic_from_turn_to_turn(supervisor: Supervisor):
    await in_thread(call_command)("load_course", COURSE, verbosity=0)
    learner = await in_thread(User.objects.create_guest)()
    first = await ask(supervisor, learner, "should I hedge a call that writes a cache?")
    assert first[0]["text"] == "Better not."
    second = await ask(supervisor, learner, "and why?")
    assert second[0]["text"].startswith("On the same matter")
    assert next(s["link"]["url"].split("#")[1] for s in second if s.get("link")) == "wide-fan-out"
    assert text_of(second).split("”")[1] not in text_of(first)


async def test_authored_answers_beside_an_attempt_do_not_give_it_away(supervisor: Supervisor):
    submissions = await in_thread(hand_in_every_wrong_answer)()
    for submission in submissions[::4]:
        findings = [Finding.from_dict(row) for row in submission.findings]
        for question in NEAR_THE_EXERCISES:
            said = await say(supervisor, submission, question)
            assert said, question
            assert not gives_away(findings, said), question
