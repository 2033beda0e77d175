"""Calls made only so that the next learner's finds a warm cache: before a cohort starts, and while a lesson
is being worked on, where the engine's own warming decision says that it pays. What is idle lapses."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from functools import partial
from itertools import pairwise

from django.utils import timezone

from coach import queries
from coach.beginning import places_of
from coach.budget import DatabasePurse, RunInThread, alone
from coach.chores import claim_chore
from coach.engine.pricing import Price, price_of
from coach.engine.prompt import TTL_SECONDS
from coach.engine.warming import Strategy, expected_warming
from coach.frames import Subject
from coach.providers.port import Call, Ended, OverLimit, Provider, ProviderError
from coach.replies import passages
from coach.replies.background import shared_texts
from coach.replies.instructions import COACH
from coach.replies.prompts import COLD_START_USD, Script, laid_out, prompt_of
from coach.replies.wording import ANSWER_TIER
from coach.warmth import chores_began, first_lessons_of_cohorts, model_calls_by_subject

LEAD_SECONDS = 120.0
"""A cohort's first lesson is warm so long before it starts: well inside the shortest lifetime."""
EVERY_SECONDS = 240.0
"""A prefix that is kept alive is touched when it was idle so long; the shortest lifetime is 300."""
TAIL_SECONDS = 600.0
"""Nobody knows that a call was the last one: so long after it the prefix is still kept."""
WATCHED_SECONDS = 3600.0
GAPS_MIN = 3
"""Of fewer pauses nothing can be concluded."""
SHORTEST_SECONDS = TTL_SECONDS["5m"]


async def warm_what_is_due(provider: Provider, run: RunInThread) -> int:
    """How many prefixes were written or refreshed. A provider that is away, or a limit, ends the round."""
    warmed = 0
    for subject in await run(subjects_to_warm):
        if not await run(partial(claim_chore, chore_of(subject), every_seconds=EVERY_SECONDS / 2)):
            continue
        try:
            warmed += await _warm(await run(partial(warming_call, subject)), provider, run)
        except (ProviderError, OverLimit):
            break
    return warmed


async def _warm(call: Call | None, provider: Provider, run: RunInThread) -> bool:
    if call is None:
        return False
    items = provider.stream(call, DatabasePurse(None, alone(run)))
    return any([isinstance(item, Ended) async for item in items])


def chore_of(subject: Subject) -> str:
    """The row that says when a subject's prefix was last warmed, and keeps two from doing it at once."""
    return f"warm {subject}"


def subjects_to_warm() -> list[Subject]:
    """What a cohort begins with soon, then what is worth keeping alive; each once."""
    now = timezone.now()
    slugs = first_lessons_of_cohorts(begin=now, end=now + seconds(LEAD_SECONDS))
    due = [Subject(kind="lesson", slug=slug) for slug in slugs]
    calls = model_calls_by_subject(since=now - seconds(WATCHED_SECONDS))
    warmed = chores_began([chore_of(subject) for subject in calls])
    for subject, times in calls.items():
        if subject not in due and _is_worth_keeping(subject, times, warmed.get(chore_of(subject)), now):
            due.append(subject)
    return due


def seconds(number: float) -> datetime.timedelta:
    return datetime.timedelta(seconds=number)


def _is_worth_keeping(
    subject: Subject,
    times: Sequence[datetime.datetime],
    warmed: datetime.datetime | None,
    now: datetime.datetime,
) -> bool:
    idle = (now - max(filter(None, (times[-1], warmed)))).total_seconds()
    if not is_due(idle, (now - times[-1]).total_seconds()):
        return False
    call = warming_call(subject)
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    return call is not None and is_worth_it(
        gaps, tokens=prompt_of(call.parts).tokens, price=price_of(ANSWER_TIER)
    )


def is_due(idle_seconds: float, unused_seconds: float) -> bool:
    """Whether a prefix, touched and used so long ago, is about to lapse while somebody may still come. What
    has lapsed already is left: its next call writes it."""
    return EVERY_SECONDS <= idle_seconds < SHORTEST_SECONDS and unused_seconds <= TAIL_SECONDS


def is_worth_it(gaps_seconds: Sequence[float], *, tokens: int, price: Price) -> bool:
    """Whether keeping alive is the best of the engine's strategies for pauses like these."""
    if len(gaps_seconds) < GAPS_MIN:
        return False
    shortest, *longer = sorted(price.rules.ttls, key=lambda name: price.rules.ttls[name])
    keep = Strategy(kind="keepalive", ttl=shortest, every_seconds=EVERY_SECONDS, tail_seconds=TAIL_SECONDS)
    choice = expected_warming(
        gaps_seconds,
        calls=len(gaps_seconds) + 1.0,
        prefix_tokens=tokens,
        price=price,
        strategies=[
            Strategy(kind="none", ttl=shortest),
            keep,
            *(Strategy(kind="longer_ttl", ttl=name) for name in longer),
        ],
        cold_start_usd=COLD_START_USD,
    )
    return choice.best.strategy is keep


def warming_call(subject: Subject) -> Call | None:
    """A call that writes what every call about this subject begins with, and asks nothing; None where the
    subject is not published."""
    place = places_of([subject]).get(subject)
    if place is None:
        return None
    authored = queries.authored_for_many([place.exercise_id])[place.exercise_id]
    setting = queries.settings_of_many([place.exercise_id])[place.exercise_id] if place.in_exercise else None
    shared = shared_texts(passages.index(), place.lesson, setting, authored)
    parts = laid_out(Script(instructions=COACH, shared=shared, call=""), price_of(ANSWER_TIER))
    return Call(purpose="warm", tier=ANSWER_TIER, parts=parts, max_output_tokens=0)
