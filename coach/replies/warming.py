"""Calls made only so that the next learner's finds a warm cache: before a cohort starts, and while a lesson
is being worked on, where the engine's own warming decision says that it pays. What is idle lapses."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from functools import partial

from django.utils import timezone

from coach import queries
from coach.beginning import places_of
from coach.budget import DatabasePurse, RunInThread, alone
from coach.chores import claim_chore, end_chore
from coach.engine.ports import Usage
from coach.engine.pricing import Price
from coach.frames import Subject
from coach.providers.port import Call, OverLimit, Provider, ProviderError
from coach.replies import passages
from coach.replies.background import shared_texts
from coach.replies.instructions import COACH
from coach.replies.prompts import TAIL_SECONDS, Script, keeping_of, laid_out
from coach.replies.receipts import Receipts
from coach.replies.wording import ANSWER_TIER
from coach.warmth import (
    Pauses,
    calls_by_subject,
    chores_done,
    first_lessons_of_cohorts,
    forget_prefixes,
    pauses,
)

LEAD_SECONDS = 240.0
"""A cohort's first lesson is warmed so long before it starts: well inside the shortest lifetime."""
CLAIM_SECONDS = 120.0
"""Who began to warm and was not heard of for so long has died: another does it, well before the start."""


async def warm_what_is_due(provider: Provider, run: RunInThread) -> int:
    """How many prefixes were written or refreshed. What failed is left for the next round."""
    if not provider.caches:
        return 0
    await run(forget_prefixes)
    due: dict[Subject, Pauses] = await run(partial(subjects_to_warm, _price(provider)))
    return sum([await _warm(subject, gaps, provider, run) for subject, gaps in due.items()])


async def _warm(subject: Subject, gaps: Pauses, provider: Provider, run: RunInThread) -> bool:
    name = chore_of(subject)
    if not await run(partial(claim_chore, name, every_seconds=CLAIM_SECONDS)):
        return False
    try:
        usage = await _touch(await run(partial(warming_call, subject, _price(provider), gaps)), provider, run)
    except (ProviderError, OverLimit) as error:
        await run(partial(end_chore, name, did=str(error), failed=True))
        return False
    did = f"{usage.tokens_written} tokens written, {usage.tokens_read} read" if usage else ""
    await run(partial(end_chore, name, did=did))
    return usage is not None


def _price(provider: Provider) -> Price:
    return provider.model(ANSWER_TIER).price


async def _touch(call: Call | None, provider: Provider, run: RunInThread) -> Usage | None:
    if call is None:
        return None
    receipts = Receipts(DatabasePurse(None, alone(run), run))
    async for _item in provider.stream(call, receipts):
        pass
    return receipts.usage


def chore_of(subject: Subject) -> str:
    """The row that says when a subject's prefix was last warmed, and keeps two from doing it at once."""
    return f"warm {subject}"


def subjects_to_warm(price: Price) -> dict[Subject, Pauses]:
    """What a cohort begins with soon, then what is worth keeping alive at such a price, with the pauses
    between its calls."""
    now = timezone.now()
    soon = first_lessons_of_cohorts(begin=now, end=now + seconds(LEAD_SECONDS))
    calls = calls_by_subject()
    warmed = chores_done([chore_of(subject) for subject in (*soon, *calls)])
    due = {
        subject: pauses(calls.get(subject, ()), now)
        for subject in soon
        if not _is_warm(warmed.get(chore_of(subject)), now)
    }
    for subject, times in calls.items():
        touched = max(filter(None, (times[-1], warmed.get(chore_of(subject)))))
        if subject not in soon and _is_worth_keeping(subject, price, times, touched, now):
            due[subject] = pauses(times, now)
    return due


def _is_warm(warmed: datetime.datetime | None, now: datetime.datetime) -> bool:
    """Whether what was warmed for a start that is near lives until then."""
    return warmed is not None and now - warmed <= seconds(LEAD_SECONDS)


def seconds(number: float) -> datetime.timedelta:
    return datetime.timedelta(seconds=number)


def _is_worth_keeping(
    subject: Subject,
    price: Price,
    times: Sequence[datetime.datetime],
    touched: datetime.datetime,
    now: datetime.datetime,
) -> bool:
    idle, unused = ((now - at).total_seconds() for at in (touched, times[-1]))
    script = _script(subject) if unused <= TAIL_SECONDS else None
    return script is not None and keeping_of(script, price, pauses(times, now)).is_due(idle, unused)


def warming_call(subject: Subject, price: Price, gaps_seconds: Pauses = ()) -> Call | None:
    """A call that writes what every call about this subject begins with, and asks nothing; None where the
    subject is not published, or too short to be cached."""
    script = _script(subject)
    if script is None:
        return None
    parts = laid_out(script, price, gaps_seconds=gaps_seconds)
    if not any(part.breakpoint for part in parts):
        return None
    return Call(purpose="warm", tier=ANSWER_TIER, parts=parts, max_output_tokens=0)


def _script(subject: Subject) -> Script | None:
    place = places_of([subject]).get(subject)
    if place is None:
        return None
    authored = queries.authored_for_many([place.exercise_id])[place.exercise_id]
    setting = queries.settings_of_many([place.exercise_id])[place.exercise_id] if place.in_exercise else None
    shared = shared_texts(passages.index(), place.lesson, setting, authored)
    return Script(instructions=COACH, shared=shared, call="")
