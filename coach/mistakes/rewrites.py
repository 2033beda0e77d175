"""Mistakes in prompt rewrites."""

from __future__ import annotations

import random
import re
from typing import Any

from coach.mistakes.base import Answer, Mistake, one_of
from exercises.kinds.prompt_rewrite.reading import holds_groups, keeps, plain
from exercises.kinds.prompt_rewrite.spec import TIER_NAMES, RewriteSpec, Rule

_ASIDE = re.compile(r" ?\([^()]*\)")
_THINKING = ("Think step by step.", "Reason through every rule, step by step, before you decide.")


def good(spec: RewriteSpec) -> Answer:
    """The author's rewrite."""
    return spec.reference.model_dump(mode="json")


def harder(spec: RewriteSpec) -> RewriteSpec:
    """The same prompt for cases that the small models get wrong without thinking."""
    data: dict[str, Any] = spec.model_dump()
    shares = {"small": (0.81, 0.96), "medium": (0.88, 0.965), "large": (0.97, 0.97)}
    data["accuracy"] = {
        tier: {"plain": plainly, "reasoning": thinking} for tier, (plainly, thinking) in shares.items()
    }
    data["needed_accuracy"] = 0.95
    return RewriteSpec.model_validate(data)


def _lines(answer: Answer) -> list[str]:
    return str(answer["text"]).split("\n")


def _with_lines(answer: Answer, lines: list[str]) -> Answer:
    return {**answer, "text": "\n".join(lines)}


def _stands_in(rule: Rule, line: str) -> bool:
    return keeps(rule, [plain(line)])


def rule_dropped(rng: random.Random, spec: RewriteSpec, answer: Answer) -> Answer | None:
    """One or two rules go with the text around them."""
    lines = _lines(answer)
    held = [rule for rule in spec.rules if any(_stands_in(rule, line) for line in lines)]
    gone = rng.sample(held, min(len(held), rng.choice((1, 1, 2))))
    return _with_lines(answer, [line for line in lines if not any(_stands_in(rule, line) for rule in gone)])


def tale_first(rng: random.Random, spec: RewriteSpec, answer: Answer) -> Answer | None:
    """The history of the house in front of a good prompt."""
    paragraphs = [part for part in spec.text.split("\n\n") if spec.placeholder not in part][:2]
    return _with_lines(answer, [*paragraphs[: rng.choice((1, 2))], "", *_lines(answer)])


def rules_first(rng: random.Random, spec: RewriteSpec, answer: Answer) -> Answer | None:
    """The rules stand before the sentence that says what to do."""
    head, _gap, rest = str(answer["text"]).partition("\n\n")
    body, _break, last = rest.rpartition("\n\n")
    return {**answer, "text": "\n\n".join(part for part in (body, head, last) if part)} if body else None


def no_shape(rng: random.Random, spec: RewriteSpec, answer: Answer) -> Answer | None:
    """Nothing says which parts the answer has."""
    kept = [line for line in _lines(answer) if "json" not in line.lower()]
    return {**_with_lines(answer, kept), "form": "free"}


def no_bound(rng: random.Random, spec: RewriteSpec, answer: Answer) -> Answer | None:
    """Nothing keeps the free text short."""

    def without(line: str) -> str:
        return _ASIDE.sub(
            lambda found: "" if holds_groups(plain(found[0]), spec.words.bound) else found[0], line
        )

    return _with_lines(answer, [without(line) for line in _lines(answer)])


def thinks_first(rng: random.Random, spec: RewriteSpec, answer: Answer) -> Answer | None:
    """Reasoning switched on, or asked for in the text."""
    if rng.random() < 0.5:
        return {**answer, "reasoning": True}
    first, *rest = _lines(answer)
    return _with_lines(answer, [f"{first} {rng.choice(_THINKING)}", *rest])


def big_model(rng: random.Random, spec: RewriteSpec, answer: Answer) -> Answer | None:
    """A larger model than the task needs."""
    larger = one_of(rng, list(TIER_NAMES[TIER_NAMES.index(answer["tier"]) + 1 :]))
    return {**answer, "tier": larger} if larger else None


def shown_late(rng: random.Random, spec: RewriteSpec, answer: Answer) -> Answer | None:
    """Nothing is shown before all of it is there."""
    return {**answer, "streaming": False}


def bare(spec: RewriteSpec, answer: Answer) -> Answer:
    """The input and nothing else: no task, no rule, no shape."""
    return {**answer, "text": spec.placeholder, "form": "free"}


MISTAKES: tuple[Mistake, ...] = (
    rule_dropped,
    tale_first,
    rules_first,
    no_shape,
    no_bound,
    thinks_first,
    big_model,
    shown_late,
)
