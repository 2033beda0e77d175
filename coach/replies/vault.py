"""The answers that no reply may give: every mistake that can be made in an exercise, found by its own grader.

An attempt's findings are few, and before the first attempt there are none. So a good answer is spoilt in
every way that is known, the grader says what is wrong with it, and what would mend it is kept, once for each
specification.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any

from pydantic import ValidationError

from coach.mistakes.base import Answer
from coach.mistakes.catalogue import BARE, GOOD, MISTAKES
from coach.replies.guard import AnswerFact
from coach.replies.solving import graded
from coach.replies.telling import fact_of
from exercises.kinds import UnknownKind, kind_named
from exercises.kinds.base import AnswerInvalid, Finding


@lru_cache(maxsize=64)
def facts_in(kind_name: str, spec: str) -> tuple[AnswerFact, ...]:
    """The facts of an exercise of that kind, its spec as JSON; none for a spec that the kind cannot read."""
    try:
        model = kind_named(kind_name).Spec.model_validate_json(spec)
    except (UnknownKind, ValidationError):
        return ()
    found: dict[str, AnswerFact] = {}
    for answer in _spoilt(kind_name, model):
        for finding in _findings(kind_name, spec, answer):
            found.setdefault(finding.key, fact_of(finding))
    return tuple(found.values())


def _spoilt(kind_name: str, spec: Any) -> Iterator[Answer]:
    """The answer as found, one with most mistakes at once, and each mistake alone."""
    if kind_name not in GOOD:
        return
    good = GOOD[kind_name](spec)
    yield kind_named(kind_name).starting_answer(spec).model_dump(mode="json")
    yield BARE[kind_name](spec, good)
    for mistake in MISTAKES[kind_name]:
        changed = mistake(random.Random(mistake.__name__), spec, good)
        if changed is not None:
            yield changed


def _findings(kind_name: str, spec: str, answer: Answer) -> Iterable[Finding]:
    try:
        model = kind_named(kind_name).Answer.model_validate(answer)
        return graded(kind_name, spec, model.model_dump_json()).findings
    except (AnswerInvalid, ValueError):
        return ()
