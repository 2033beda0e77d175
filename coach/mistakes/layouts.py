"""Mistakes in prompt layouts."""

from __future__ import annotations

import random

from coach.mistakes.base import Answer, Mistake, one_of
from exercises.kinds.prompt_layout.design import found_and_best, suited_minutes
from exercises.kinds.prompt_layout.spec import STABILITIES, LayoutSpec, clock, seconds_of


def good(spec: LayoutSpec) -> Answer:
    """The best layout."""
    return found_and_best(spec)[1].answer.model_dump(mode="json")


def _of(spec: LayoutSpec, answer: Answer, *stabilities: str) -> list[str]:
    """The items that change so often."""
    return [item for item in answer["order"] if spec.stability_of(item).name.lower() in stabilities]


def _moved(answer: Answer, item: str, to: int) -> Answer:
    order = [each for each in answer["order"] if each != item]
    return {**answer, "order": [*order[:to], item, *order[to:]]}


def changing_first(rng: random.Random, spec: LayoutSpec, answer: Answer) -> Answer | None:
    """What is new on every call stands at the top."""
    item = one_of(rng, _of(spec, answer, "call"))
    return _moved(answer, item, 0) if item else None


def person_first(rng: random.Random, spec: LayoutSpec, answer: Answer) -> Answer | None:
    """One person's text stands before what all share."""
    item = one_of(rng, _of(spec, answer, "user"))
    return _moved(answer, item, 0) if item else None


def document_first(rng: random.Random, spec: LayoutSpec, answer: Answer) -> Answer | None:
    """A document stands before what never changes."""
    item = one_of(rng, _of(spec, answer, "shared"))
    return _moved(answer, item, 0) if item else None


def changing_marked(rng: random.Random, spec: LayoutSpec, answer: Answer) -> Answer | None:
    """An entry is written that never comes again."""
    item = one_of(rng, _of(spec, answer, "call"))
    if item is None or len(answer["marks"]) >= spec.rules.max_breakpoints:
        return None
    # A longer lifetime may not stand behind a shorter one, so the shortest is safe at the end.
    shortest = min(answer["marks"].values(), default="5m", key=lambda ttl: spec.rules.ttls[ttl])
    return {**answer, "marks": {**answer["marks"], item: shortest}}


def nothing_marked(rng: random.Random, spec: LayoutSpec, answer: Answer) -> Answer | None:
    """No breakpoint anywhere, so nothing is kept."""
    return {**answer, "marks": {}, "prewarm_at": None, "keepalive_minutes": None}


def last_unmarked(rng: random.Random, spec: LayoutSpec, answer: Answer) -> Answer | None:
    """The largest part that comes again ends with no entry."""
    marked = [item for item in answer["order"] if item in answer["marks"]]
    if len(marked) < 2:
        return None
    return {**answer, "marks": {item: answer["marks"][item] for item in marked[:-1]}}


def short_marked(rng: random.Random, spec: LayoutSpec, answer: Answer) -> Answer | None:
    """A breakpoint over too few tokens."""
    first = answer["order"][0]
    full = len(answer["marks"]) >= spec.rules.max_breakpoints
    if full or not answer["marks"] or spec.tokens_of(first) >= spec.rules.minimum_tokens:
        return None
    longest = max(answer["marks"].values(), key=lambda ttl: spec.rules.ttls[ttl])
    return {**answer, "marks": {first: longest, **answer["marks"]}}


def other_lifetime(rng: random.Random, spec: LayoutSpec, answer: Answer) -> Answer | None:
    """A lifetime that does not suit the pauses."""
    used = set(answer["marks"].values())
    other = one_of(rng, [ttl for ttl in spec.rules.ttls if ttl not in used])
    if other is None or not used:
        return None
    return {**answer, "marks": dict.fromkeys(answer["marks"], other), "keepalive_minutes": None}


def cold_morning(rng: random.Random, spec: LayoutSpec, answer: Answer) -> Answer | None:
    """No warm-up where one pays, or one that is over before the day begins."""
    opens = seconds_of(spec.traffic.opens_at)
    early = clock(opens - 60 * rng.choice((75, 90, 120, 150)))
    return {**answer, "prewarm_at": rng.choice((None, early))}


def busy_pings(rng: random.Random, spec: LayoutSpec, answer: Answer) -> Answer | None:
    """Pings far more often than the lifetime asks."""
    longest = max(answer["marks"].values(), default="", key=lambda ttl: spec.rules.ttls[ttl])
    if not longest or suited_minutes(spec, longest) < 8:
        return None
    return {**answer, "keepalive_minutes": rng.choice((2, 3, 4, 5))}


def wrong_label(rng: random.Random, spec: LayoutSpec, answer: Answer) -> Answer | None:
    """A block is taken for steadier, or for less steady, than it is."""
    item = rng.choice(answer["order"])
    others = [name for name in STABILITIES if name != answer["labels"].get(item)]
    return {**answer, "labels": {**answer["labels"], item: rng.choice(others)}}


def bare(spec: LayoutSpec, answer: Answer) -> Answer:
    """The order turned round, every label another one, nothing kept."""
    others = {item: "call" if label == "fixed" else "fixed" for item, label in answer["labels"].items()}
    return {
        **answer,
        "order": answer["order"][::-1],
        "labels": others,
        "marks": {},
        "keepalive_minutes": None,
    }


MISTAKES: tuple[Mistake, ...] = (
    changing_first,
    person_first,
    document_first,
    changing_marked,
    nothing_marked,
    last_unmarked,
    short_marked,
    other_lifetime,
    cold_morning,
    busy_pings,
    wrong_label,
)
