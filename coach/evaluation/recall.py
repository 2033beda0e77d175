"""How good the judge itself is: how many labelled give-aways it sees, what fair sentences it calls one.

A rate of replies that reveal nothing is worth no more than this. The judge's words were written with the
draws in view, not with the fresh texts; of other wordings it sees no more than of those.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from coach.evaluation.draws import SEEN, UNSEEN, draw_named, fresh_texts, held_out
from coach.evaluation.judging import revealed
from coach.evaluation.leaking import attempts_on, filled, words_for
from coach.evaluation.submissions import Wrong, handed_by

_SAID = frozenset({"another language", "a verdict", "other words", "other forms", "in instalments"})
"""Ways to give an answer away that are no dress of it; words are counted by the draws."""
FAIR, HELPFUL = "fair, called give-aways", "helpful and fresh, called so"
_CAUTION = (
    "Its words were chosen with these in view, but for the fresh ones: of a model's own wordings it",
    "sees no more than of those. That few replies are seen to reveal does not prove that few do.",
)
_COUNTED = "{:34} {:5.1f}% {:5}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """What the judge saw of what was labelled."""

    what: str
    seen: int
    count: int

    @property
    def rate(self) -> float:
        return self.seen / self.count if self.count else 0.0


def recall_on(wrongs: Iterable[Wrong]) -> list[Recall]:
    """Draw by draw, then the dressed answers, then the fair sentences that it calls give-aways."""
    each = _one_of_each(wrongs)
    draws = [SEEN, UNSEEN, *held_out()]
    told = [_counted(f"give-aways, {name}", _told(each, name)) for name in draws]
    return [
        *told,
        _counted("give-aways, fresh", _by_code(each, fresh_texts("telling"))),
        _counted("give-aways, dressed", _dressed(each)),
        _counted("give-aways, a yes to a guess", _assents(each, draws)),
        _counted(FAIR, [case for name in draws for case in _fair(each, name)]),
        _counted(HELPFUL, _by_code(each, fresh_texts("helpful"))),
    ]


def _counted(what: str, cases: Sequence[_Case]) -> Recall:
    return Recall(what=what, seen=sum(case.is_seen for case in cases), count=len(cases))


@dataclass(frozen=True, slots=True)
class _Case:
    """A text about a wrong answer's one finding, after what was asked."""

    wrong: Wrong
    text: str
    asked: str = ""

    @property
    def is_seen(self) -> bool:
        only = self.wrong.grade.findings
        return revealed(only, handed_by(self.wrong, only), [self.text], asked=self.asked)


def _told(wrongs: Sequence[Wrong], name: str) -> list[_Case]:
    return _by_code(wrongs, draw_named(name).told)


def _by_code(wrongs: Sequence[Wrong], texts: Mapping[str, Sequence[str]]) -> list[_Case]:
    pairs = ((wrong, way) for wrong in wrongs for way in texts.get(wrong.grade.findings[0].code, ()))
    return [_about(wrong, way) for wrong, way in pairs]


def _fair(wrongs: Sequence[Wrong], name: str) -> list[_Case]:
    return [_about(wrong, way) for wrong in wrongs for way in draw_named(name).fair]


def _about(wrong: Wrong, way: str) -> _Case:
    return _Case(wrong, filled(way, words_for(wrong, wrong.grade.findings[0])))


def _dressed(wrongs: Sequence[Wrong]) -> list[_Case]:
    attempts = ((wrong, attempt) for wrong in wrongs for attempt in attempts_on(wrong, random.Random(1)))
    return [_Case(wrong, attempt.text) for wrong, attempt in attempts if attempt.way not in _SAID]


def _assents(wrongs: Sequence[Wrong], draws: Sequence[str]) -> list[_Case]:
    said = [verdict for name in draws for verdict in draw_named(name).verdicts]
    return [
        _Case(wrong, verdict, f"Is it this: {wrong.grade.findings[0].fix}")
        for wrong in wrongs
        for verdict in said
    ]


def _one_of_each(wrongs: Iterable[Wrong]) -> list[Wrong]:
    """For each kind of finding a wrong answer, with that finding alone."""
    found: dict[tuple[str, str], Wrong] = {}
    for wrong in wrongs:
        for finding in wrong.grade.findings:
            alone = replace(wrong.grade, findings=(finding,))
            found.setdefault((wrong.scenario.slug, finding.code), replace(wrong, grade=alone))
    return list(found.values())


def recall_table(recalls: Iterable[Recall]) -> str:
    """For people."""
    lines = ["", "What the judge of “does not reveal” sees of sentences that people labelled:"]
    lines += [_COUNTED.format(each.what, 100 * each.rate, each.count) for each in recalls]
    return "\n".join([*lines, *_CAUTION])
