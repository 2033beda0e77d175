"""The shipped course, somebody's work in it, and everybody who might come to the door."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from allauth.account.models import EmailAddress
from django.apps import apps
from django.contrib import admin
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from coach.models import Conversation, Turn, TurnEvent
from exercises.actions import hand_in
from exercises.models import Exercise
from lessons.models import Lesson, User

COURSE = Path(__file__).resolve().parents[2] / "fixtures" / "agent-latency"
VISITORS = ("owner", "other", "guest", "instructor", "visitor")
PASSWORD = "a long and quiet river"


@dataclass
class World:
    """One learner's attempt and turn, and the arguments that name them in addresses."""

    people: dict[str, User]
    exercise: Exercise
    lesson: Lesson
    turn: Turn

    @classmethod
    def make(cls) -> World:
        call_command("load_course", str(COURSE), verbosity=0)
        people = {
            "owner": User.objects.create_user("owner@example.org", PASSWORD),
            "other": User.objects.create_user("other@example.org", PASSWORD),
            "guest": User.objects.create_guest(),
            "instructor": User.objects.create_superuser("teach@example.org", PASSWORD),
        }
        for person in people.values():
            if person.email:  # as signing up leaves it
                EmailAddress.objects.create(user=person, email=person.email, primary=True)
        exercise = Exercise.objects.select_related("published", "lesson__course").get(slug="slow-prompt")
        conversation = Conversation.objects.create(learner=people["owner"], exercise=exercise)
        turn = Turn.objects.create(
            conversation=conversation, number=1, kind=Turn.Kind.ANSWER, state=Turn.State.DONE, question="Why?"
        )
        for seq, (kind, payload) in enumerate(
            [("begun", {}), ("sentence", {"text": "Because."}), ("end", {"state": "done"})], start=1
        ):
            TurnEvent.objects.create(turn=turn, seq=seq, kind=kind, payload=payload)
        world = cls(people, exercise, exercise.lesson, turn)
        world._hand_in()
        return world

    def _hand_in(self) -> None:
        wrong = next(each["answer"] for each in self.exercise.wrong_answers if "answer" in each)
        assert self.exercise.published is not None
        hand_in(
            learner=self.people["owner"],
            revision=self.exercise.published,
            answer=wrong,
            prediction={},
            client_key=uuid4(),
        )

    def browser(self, who: str, *, checks: bool = False) -> Client:
        client = Client(enforce_csrf_checks=checks, raise_request_exception=False)
        if who in self.people:
            client.force_login(self.people[who])
        return client

    def arguments(self, name: str) -> dict[str, Any]:
        """What an address of that name takes, naming what the owner has."""
        if name.startswith("exercises:"):
            numbered = {"number": 1} if name in {"exercises:attempt", "exercises:resume"} else {}
            return {"slug": self.exercise.slug, **numbered}
        if name in {"coach:trial", "coach:trial-stop"}:
            return {"slug": self.exercise.slug, "number": 1}
        if name in LESSON_ADDRESSES:
            return {"course": self.lesson.course.slug, "lesson": self.lesson.slug}
        if name in TURN_ADDRESSES:
            return {"turn": self.turn.uuid}
        others: dict[str, dict[str, Any]] = {
            "lessons:figure": {"name": "parallel"},
            "coach:conversation": {"kind": "exercise", "slug": self.exercise.slug},
            "account_confirm_email": {"key": "nothing"},
            "account_reset_password_from_key": {"uidb36": "1", "key": "nothing"},
        }
        return others.get(name, {})


TURN_ADDRESSES = {f"coach:{name}" for name in ("turn", "stop", "again", "made")}
LESSON_ADDRESSES = {f"lessons:{name}" for name in ("lesson", "answer", "done", "place", "preview")}


def names_of_addresses() -> list[str]:
    """Every named address of the site, the admin's own left out: those stand in `admin_addresses`."""
    return list(dict.fromkeys(_names(get_resolver().url_patterns, "")))


def _names(patterns: list[URLPattern | URLResolver], space: str) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield f"{space}{pattern.name}"
        elif pattern.app_name != "admin":
            yield from _names(pattern.url_patterns, f"{pattern.namespace}:" if pattern.namespace else space)


def admin_addresses() -> list[str]:
    """The admin's index, and the list and the empty form of every table that is registered."""
    tables = [model._meta for model in admin.site._registry]
    lists = [f"/admin/{meta.app_label}/{meta.model_name}/" for meta in tables]
    return ["/admin/", *lists, *(f"{address}add/" for address in lists)]


def contents() -> dict[str, list[tuple[Any, ...]]]:
    """All rows of all tables."""
    found: dict[str, list[tuple[Any, ...]]] = {}
    for model in apps.get_models():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(model._meta.db_table)}")  # noqa: S608
            found[model._meta.db_table] = sorted(map(repr, cursor.fetchall()))  # type: ignore[arg-type]
    return found
