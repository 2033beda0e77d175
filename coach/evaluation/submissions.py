"""Wrong answers, made from good ones: each mistake alone, then two or three together. Pure, and seeded."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from coach.mistakes import rewrites
from coach.mistakes.base import Answer, Mistake
from coach.mistakes.catalogue import GOOD, MISTAKES
from coach.replies import solving
from coach.replies.solving import Handed
from exercises.kinds import kind_named
from exercises.kinds.base import AnswerInvalid, Finding, Grade

EACH_KIND = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """An exercise as it is set: the slug of the shipped one, its kind, and a spec that may differ from it."""

    slug: str
    kind: str
    spec: BaseModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """A wrong answer with its grade. `mistakes`: what was done to the good one."""

    scenario: Scenario
    answer: Answer
    grade: Grade
    mistakes: tuple[str, ...]


def scenario_of(slug: str, kind: str, spec: Any) -> Scenario:
    return Scenario(slug=slug, kind=kind, spec=kind_named(kind).Spec.model_validate(spec))


def good_answer(scenario: Scenario) -> Answer:
    """The answer that the mistakes are made in."""
    return GOOD[scenario.kind](scenario.spec)


def wrong_answers(scenario: Scenario, *, seed: int, count: int = EACH_KIND) -> list[Wrong]:
    """That many different ones, each with at least one finding. The same seed gives the same answers."""
    rng = random.Random(f"wrong {scenario.slug} {seed}")
    made: list[Wrong] = []
    for mistakes in _plan(rng, MISTAKES[scenario.kind]):
        wrong = _made(scenario, mistakes, rng)
        if wrong is not None and wrong.answer not in [each.answer for each in made]:
            made.append(wrong)
        if len(made) == count:
            break
    return [*made, *_on_harder_cases(scenario)]


def _plan(rng: random.Random, known: Sequence[Mistake]) -> Iterator[tuple[Mistake, ...]]:
    """Every mistake once by itself, then ever new company."""
    yield from ((mistake,) for mistake in known)
    for _attempt in range(400):
        yield tuple(rng.sample(known, rng.choice((1, 2, 2, 3))))


def _made(scenario: Scenario, mistakes: Iterable[Mistake], rng: random.Random) -> Wrong | None:
    answer = good_answer(scenario)
    names = []
    for mistake in mistakes:
        changed = mistake(rng, scenario.spec, answer)
        if changed is not None:
            answer = changed
            names.append(mistake.__name__)
    return graded(scenario, answer, tuple(names)) if names else None


def graded(scenario: Scenario, answer: Answer, mistakes: tuple[str, ...]) -> Wrong | None:
    """With its grade; None for no answer, or for one with nothing wrong in it."""
    model = kind_named(scenario.kind).Answer
    try:
        checked = model.model_validate(answer).model_dump_json()
        grade = solving.graded(scenario.kind, scenario.spec.model_dump_json(), checked)
    except (AnswerInvalid, ValueError):
        return None
    if not grade.findings:
        return None
    return Wrong(scenario=scenario, answer=answer, grade=grade, mistakes=mistakes)


def _on_harder_cases(scenario: Scenario) -> Iterator[Wrong]:
    """The good answer where the same prompt meets cases that need more than the small model."""
    if scenario.kind != "prompt_rewrite":
        return
    harder = scenario_of(scenario.slug, scenario.kind, rewrites.harder(scenario.spec))  # type: ignore[arg-type]
    wrong = graded(harder, good_answer(scenario), ("harder_cases",))
    if wrong is not None:
        yield wrong


def handed_by(wrong: Wrong, closed: Iterable[Finding]) -> Handed:
    """The learner's answer as the grader's eye on replies needs it."""
    keys = frozenset(finding.key for finding in closed)
    labels = frozenset(finding.place_label for finding in wrong.grade.findings)
    return Handed(
        kind=wrong.scenario.kind, spec=wrong.scenario.spec, answer=wrong.answer, closed=keys, labels=labels
    )
