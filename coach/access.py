"""Who may: from sessions to learners, from learners to their own conversations and turns. No other way."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.http import Http404
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.utils.translation import gettext as _

from coach.frames import Subject
from coach.models import Conversation, Turn
from exercises.models import Exercise
from lessons.models import Lesson, User


def learners_of_sessions(keys: Collection[str]) -> dict[str, int]:
    """The learner of each session key that still has one: the checks of `auth.get_user`, in bulk."""
    sessions = {key: data for key, data in _load_sessions(keys).items() if _is_signed_in(data)}
    wanted = {key: data[SESSION_KEY] for key, data in sessions.items()}
    people = {str(user.pk): user for user in User.objects.filter(pk__in=set(wanted.values()), is_active=True)}
    return {
        key: people[pk].pk
        for key, pk in wanted.items()
        if pk in people and _hash_holds(people[pk], sessions[key].get(HASH_SESSION_KEY, ""))
    }


def learner_of_session(key: str) -> int | None:
    return learners_of_sessions([key]).get(key)


def _load_sessions(keys: Collection[str]) -> dict[str, Mapping[str, Any]]:
    store = import_module(settings.SESSION_ENGINE).SessionStore
    if not hasattr(store, "get_model_class"):
        return {key: dict(store(key).load()) for key in keys}
    rows = store.get_model_class().objects.filter(session_key__in=set(keys), expire_date__gt=timezone.now())
    return {row.session_key: store().decode(row.session_data) for row in rows}


def _is_signed_in(data: Mapping[str, Any]) -> bool:
    pk = str(data.get(SESSION_KEY, ""))
    return pk.isdecimal() and data.get(BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS


def _hash_holds(user: User, given: str) -> bool:
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(constant_time_compare(given, each) for each in hashes)


def subject_for(subject: Subject) -> Lesson | Exercise | None:
    """The published lesson or exercise that a conversation may be about."""
    if subject.kind == "lesson":
        return (
            Lesson.objects.select_related("course").filter(slug=subject.slug, published__isnull=False).first()
        )
    return Exercise.objects.filter(slug=subject.slug, published__isnull=False).first()


def conversation_for(learner: User | None, subject: Subject) -> Conversation | None:
    if learner is None:
        return None
    found = Conversation.objects.filter(learner=learner, **{f"{subject.kind}__slug": subject.slug})
    return found.select_related("lesson__course", "exercise").first()


def turn_for(learner: User | None, public_id: uuid.UUID) -> Turn:
    """A turn of this learner; raises Http404 for anybody else's."""
    turns = Turn.objects.select_related("conversation__lesson__course", "conversation__exercise")
    found = turns.filter(uuid=public_id, conversation__learner=learner).first() if learner else None
    if found is None:
        raise Http404(_("There is no such reply."))
    return found
