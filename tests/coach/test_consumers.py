"""The socket: what it lets in, what it shows, and that it shows it once."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from channels.db import database_sync_to_async as in_thread
from django.contrib.sessions.models import Session

from coach.models import Turn, TurnEvent
from coach.sockets import sockets
from coach.turns import Supervisor
from lessons.models import User
from tests.coach.factories import make_exercise, make_finding, make_lesson, make_submission, second_finding, sign_in
from tests.coach.talking import Page

pytestmark = pytest.mark.django_db(transaction=True)


@in_thread
def make_learner() -> tuple[User, str]:
    learner = User.objects.create_guest()
    return learner, sign_in(learner)


@in_thread
def make_world() -> tuple[User, str]:
    exercise = make_exercise(make_lesson())
    learner = User.objects.create_guest()
    make_submission(learner, exercise, make_finding(), second_finding())
    return learner, sign_in(learner)


async def test_socket_answers_a_question_with_numbered_events(supervisor: Supervisor):
    _, session = await make_world()
    page = await Page(session).open()
    await page.ask("What is the critical path?")
    turn = await page.until_end()
    assert page.seqs[turn] == list(range(1, len(page.seqs[turn]) + 1))
    assert any("longest chain" in sentence for sentence in page.text[turn])
    await page.leave()
