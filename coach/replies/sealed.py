"""Closed facts, compiled: which of many a sentence tells is one look at each of its words."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache

from coach.replies.disguise import alike, letters_of
from coach.replies.guard import AnswerFact, words_of
from coach.replies.thesaurus import dangers_of

_KEY = 3
_QUOTED = re.compile(r"“([^”]+)”")
_SHORT = 4
_ENDINGS = r"(?:e?s|e?d|ing|e?r|e?st|ly|y)?\b"


class Sealed:
    """The words of closed facts. `names`: their places, and whatever else a remedy calls by its name, in all
    ways; `places`: labels of tasks, blocks and rules, but not of settings, which lessons speak of, too.

    `dangers`: words by which a remedy can be told, without those that its page says anyway. `secrets`: what
    letters could spell.
    """

    def __init__(self, facts: Sequence[AnswerFact]) -> None:
        self.facts = facts
        self.names = _any_of({name for fact in facts for name in _names_in(fact)})
        tangible = [fact for fact in facts if "@choice:" not in fact.key]
        self.places = _any_of({place for fact in tangible for place in _places_in(fact)})
        self.dangers = _any_of({term for fact in facts for term in _dangers_in(fact)})
        self.secrets = frozenset(
            letters_of(term) for fact in facts for group in fact.groups for term in group
        )
        self._by_start: dict[str, list[tuple[str, int, int]]] = defaultdict(list)
        self._counts: list[int] = []
        for at, fact in enumerate(facts):
            groups = _with_place(fact)
            self._counts.append(len(groups))
            for nth, group in enumerate(groups):
                for term in group:
                    self._by_start[term[:_KEY]].append((term, at, nth))

    def tells(self, words: Sequence[str]) -> bool:
        """Whether these words hold a term of every group of some fact, its place among them."""
        text = f"{' '.join(words)} "
        found: dict[int, set[int]] = defaultdict(set)
        start = 0
        for word in words:
            for size in range(1, _KEY + 1):
                for term, at, nth in self._by_start.get(text[start : start + size], ()):
                    if text.startswith(term, start):
                        found[at].add(nth)
            start += len(word) + 1
        return any(len(groups) == self._counts[at] for at, groups in found.items())


@lru_cache(maxsize=256)
def sealed(facts: tuple[AnswerFact, ...]) -> Sealed:
    """Compiled once for an attempt; its turns are many."""
    return Sealed(facts)


def _with_place(fact: AnswerFact) -> list[list[str]]:
    """The groups, and the place where no group names it: what is said of nothing gives nothing away."""
    groups = [[" ".join(words_of(term)) for term in group] for group in fact.groups]
    groups = [[term for term in group if term] for group in groups]
    ends = [" ".join(words_of(end)) for end in fact.place_label.split("→")]
    ends = [end for end in ends if end]
    if ends and not any(end in group for end in ends for group in groups):
        groups.append(ends)
    return groups


def _names_in(fact: AnswerFact) -> set[str]:
    names = _places_in(fact) | {alike(name) for name in _QUOTED.findall(fact.fix)}
    for group in fact.groups:
        if names & {alike(term) for term in group}:
            names |= {alike(term) for term in group}
    return {name for name in names if name}


def _places_in(fact: AnswerFact) -> set[str]:
    return {alike(end).strip(" “”") for end in fact.place_label.split("→")}


def _dangers_in(fact: AnswerFact) -> set[str]:
    """The words of its dimensions, and whatever it names; but for what the message has."""
    given = _any_of({alike(word) for word in words_of(fact.given)})
    terms = {alike(term) for group in _naming(fact) for term in group} | dangers_of(fact)
    return {term.strip() for term in terms if not all(given.search(word) for word in term.split())}


def _naming(fact: AnswerFact) -> list[tuple[str, ...]]:
    """The groups that name something; all, where nothing is known of the dimension of any."""
    if not dangers_of(fact):
        return list(fact.groups)
    names = _names_in(fact)
    return [group for group in fact.groups if names & {alike(term) for term in group}]


def _any_of(terms: Iterable[str]) -> re.Pattern[str]:
    """Matches each as a word with its endings; a long one as the beginning of a word."""
    bare = sorted({" ".join(term.split()) for term in terms if term.strip()}, key=len, reverse=True)
    if not bare:
        return re.compile(r"(?!)")
    ways = (re.escape(term) + (_ENDINGS if len(term) <= _SHORT else "") for term in bare)
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(ways)})")


NOTHING_SEALED = Sealed(())
