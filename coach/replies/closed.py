"""What is closed to a learner, compiled: read in a thread, and kept for as long as nothing changes."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache

from pydantic import ValidationError

from coach.queries import AttemptKey
from coach.replies.guarding import Closed
from coach.replies.sealed import Sealed
from coach.replies.solving import Handed, graded
from coach.replies.vault import facts_in
from coach.shut import SetTask, Shut, shut_for_many, task_handed_in, tasks_set_in
from exercises.kinds import UnknownKind, kind_named
from exercises.kinds.base import AnswerInvalid, Finding

_set: dict[tuple[int, str], SetTask] = {}
"""What published revisions ask for; they never change."""


def closed_to_many(keys: Collection[AttemptKey]) -> dict[AttemptKey, Closed]:
    """By learner, exercise and attempt. Whatever is mastered is open, on every page."""
    shut = shut_for_many({learner for learner, _exercise, _submission in keys})
    unknown = {each.revision for row in shut.values() for each in row} - _set.keys()
    if unknown:
        _set.update(tasks_set_in(unknown))
    return {key: _closed_to(key, shut[key[0]]) for key in keys}


def prepare() -> None:
    """Compile what is closed to who has mastered nothing, so that nobody's first reply waits for that."""
    closed_to_many([(0, 0, 0)])


def _closed_to(key: AttemptKey, shut: tuple[Shut, ...]) -> Closed:
    here = next((each for each in shut if each.exercise_id == key[1]), None)
    return Closed(sealed=_sealed(shut), handed=_handed_in(key, here.opened) if here else None)


@lru_cache(maxsize=256)
def _sealed(shut: tuple[Shut, ...]) -> Sealed:
    facts = []
    for each in shut:
        task = _set[each.revision]
        facts += [fact for fact in facts_in(task.kind, task.spec) if fact.key not in each.opened]
    return Sealed(facts)


def _handed_in(key: AttemptKey, opened: frozenset[str]) -> Handed | None:
    """The answer that a reply's words are put into: the attempt's, before one the answer as found."""
    task = task_handed_in(key)
    if task is None:
        return None
    try:
        kind = kind_named(task.kind)
        spec = kind.Spec.model_validate_json(task.spec)
        if task.answer is not None:
            answer = kind.Answer.model_validate(task.answer)
            findings = tuple(Finding.from_dict(data) for data in task.findings)
        else:
            answer = kind.starting_answer(spec)
            findings = graded(task.kind, task.spec, answer.model_dump_json()).findings
    except (UnknownKind, ValidationError, AnswerInvalid):
        # Of an earlier form of its kind: there is no grader to ask.
        return None
    return Handed(
        kind=task.kind,
        spec=spec,
        answer=answer.model_dump(mode="json"),
        closed=frozenset(finding.key for finding in findings) - opened,
        labels=frozenset(finding.place_label for finding in findings),
    )
