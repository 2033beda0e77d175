"""How much of a conversation is read again: never more than is sent, and the same as if all were read."""

from __future__ import annotations

import pytest

from coach.history import TURNS_MAX
from coach.models import Conversation, Turn
from coach.queries import SENT, Spoken, spoken_in_many
from coach.replies.prompts import Exchange, bounded
from lessons.models import User
from tests.coach.factories import make_exercise, make_lesson

pytestmark = pytest.mark.django_db
TURNS = 50


def make_conversation() -> tuple[Conversation, list[Spoken | None]]:
    """Every fourth turn was not worded by a model."""
    exercise = make_exercise(make_lesson())
    conversation = Conversation.objects.create(learner=User.objects.create_guest(), exercise=exercise)
    spoken = [Spoken(sent=f"asked {n}", shown=f"told {n}") if n % 4 else None for n in range(1, TURNS + 1)]
    Turn.objects.bulk_create(
        Turn(
            conversation=conversation,
            number=number,
            kind="answer",
            state="done",
            question="Why?",
            text=each.shown if each else "Hello.",
            memory={SENT: each.sent} if each else {},
        )
        for number, each in enumerate(spoken, start=1)
    )
    return conversation, spoken


def test_history_is_read_as_far_back_as_it_is_sent():
    conversation, spoken = make_conversation()
    for number in range(1, TURNS + 2):
        key = (conversation.pk, number)
        (read,) = spoken_in_many([key]).values()
        assert len(read) <= TURNS_MAX
        whole = [Exchange(sent=each.sent, shown=each.shown) for each in spoken[: number - 1] if each]
        assert [(each.sent, each.shown) for each in read] == [(e.sent, e.shown) for e in bounded(whole)]


def test_history_of_several_conversations_is_read_at_once(django_assert_num_queries):
    first, _ = make_conversation()
    learner = User.objects.create_guest()
    second = Conversation.objects.create(learner=learner, exercise=first.exercise)
    with django_assert_num_queries(1):
        found = spoken_in_many([(first.pk, TURNS + 1), (second.pk, 1)])
    assert [len(turns) for turns in found.values()] == [14, 0]
