"""What the coach's panel shows, on a lesson's or an exercise's page or on its own."""

from __future__ import annotations

import uuid
from typing import Any

from django.http import HttpRequest
from django.urls import reverse

from coach.access import conversation_for
from coach.allowance import allowance_for
from coach.frames import QUESTION_MAX_CHARACTERS, Subject
from coach.providers.installation import wanted
from coach.queries import suggestions_for, turns_for_page
from coach.rendering import view_of
from lessons.access import learner_of


def address_of(subject: Subject) -> str:
    return reverse("coach:conversation", args=[subject.kind, subject.slug])


def panel_for(
    request: HttpRequest, *, subject: Subject, about: Any, section: str, alone: bool = False
) -> dict[str, Any]:
    learner = learner_of(request)
    turns = turns_for_page(conversation_for(learner, subject))
    views = [view_of(turn, list(turn.events.all())) for turn in turns]
    opening, questions = suggestions_for(subject, section=section)
    return {
        "subject": subject,
        "about": about,
        "section": section,
        "alone": alone,
        "views": views,
        "running": next((view for view in reversed(views) if view.turn.is_open), None),
        "after": turns[-1].number if turns else 0,
        "connected": learner is not None,
        "key": uuid.uuid4(),
        "opening": opening,
        "questions": questions,
        "address": address_of(subject),
        "question_max": QUESTION_MAX_CHARACTERS,
        "allowance": allowance_for(learner) if wanted() else None,
    }
