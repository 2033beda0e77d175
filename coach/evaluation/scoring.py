"""Five criteria, each by code, with the definitions of MRBench (Maurya et al. 2025; V2: the BEA 2025 task).

- identifies (mistake identification): the reply recognises the mistake that was made.
- locates (mistake location): it points at the genuine mistake and where it is.
- does not reveal (revealing of the answer): it does not give the final answer.
- guides (providing guidance): it offers correct and relevant guidance: a hint, an explanation, an example.
- actionable (actionability): it is clear from it what the learner should do next.

A judge who reads by code is strict about words and blind to truth: it cannot see whether an explanation is
correct, only whether it is about this mistake. The benchmark's "to some extent" counts as no.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from coach.evaluation.disclosing import Known, disclosed, words_in
from coach.material import sentences_of
from coach.providers.builtin_kinds import name_of
from coach.queries import Authored
from coach.replies.terms import terms_of
from exercises.kinds.base import Finding

Words = frozenset[str]
SHARED_MIN = 3
"""Telling stems that a reply must share with a mistake's own vocabulary to be about it."""
QUESTIONS_MAX = 3
NO_MISTAKE = re.compile(
    r"\b(?:passes every check|nothing is (?:marked|wrong)|(?:all|everything|looks?) (?:is |looks )?(?:good|"
    r"right|correct|fine|perfect)|no mistakes?|well done)\b",
    re.IGNORECASE,
)
_DOING = re.compile(
    r"^(?:\W*(?:now|then|first|next|so|please)[\s,]+)?(?:look|decide|change|read|run|try|compare|predict|trace|"
    r"put|write|follow|count|ask|name|list|say|make|hand|pick|take|draw|check|work)\b.*"
    r"\b(?:run|hand (?:it|that|this) in|read that|change|attempt|predict|compare|hint|trace|answer|passage|"
    r"count|timeline|strips?)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What a reply is held against: the attempt's findings, gravest first, and the exercise they are made in.

    `places`: the labels of all places that can be marked there. `vocabulary`: the stems by which each kind of
    mistake is known, from messages, authored hints and misconceptions. `known`: what may be said as it is.
    """

    findings: tuple[Finding, ...]
    places: frozenset[str]
    vocabulary: Mapping[str, Words]
    known: Known = frozenset()

    @property
    def gravest(self) -> Finding:
        """The one that a reply has to be about."""
        return min(self.findings, key=lambda finding: finding.number)


def vocabulary_of(authored: Authored, findings: Iterable[Finding]) -> dict[str, Words]:
    """Stems of each code: what its messages, hints (no answers) and misconceptions say, without labels."""
    found: dict[str, set[str]] = {}
    for finding in findings:
        texts = [finding.message, name_of(finding)]
        texts += [text for rung, text in authored.hints.get(finding.code, {}).items() if rung < 5]
        for row in authored.misconceptions.get(finding.code, ()):
            texts += [str(row["statement"]), str(row["explanation"])]
        stems = {stem for text in texts for stem in terms_of(text)} - set(terms_of(finding.place_label))
        found.setdefault(finding.code, set()).update(stems)
    return {code: frozenset(stems) for code, stems in found.items()}


def identifies(case: Case, reply: str) -> bool:
    """Of all mistakes that can be made here, the reply's words are nearest to the one that was made; at least
    three of them are that mistake's own. It does not say that all is well."""
    if NO_MISTAKE.search(reply):
        return False
    said = frozenset(terms_of(reply))
    weights = _weights(case.vocabulary)
    shared = {code: said & stems for code, stems in case.vocabulary.items()}
    likeness = {code: sum(weights[stem] for stem in stems) for code, stems in shared.items()}
    own = case.gravest.code
    telling = [stem for stem in shared.get(own, ()) if weights[stem] > 0]
    return len(telling) >= SHARED_MIN and likeness[own] >= max(likeness.values())


def _weights(vocabulary: Mapping[str, Words]) -> dict[str, float]:
    """What stands in the vocabulary of every mistake tells none from another."""
    counts = Counter(stem for stems in vocabulary.values() for stem in stems)
    return {stem: math.log(len(vocabulary) / count) for stem, count in counts.items()}


def locates(case: Case, reply: str) -> bool:
    """The place of the gravest finding is named as it is labelled, an arrow's ends in one sentence; and no
    more places are named that nothing is marked at than places that something is."""
    pieces = [f" {' '.join(words_in(sentence))} " for sentence in sentences_of(reply)]
    if not _names(pieces, case.gravest.place_label):
        return False
    told = " ".join(f"{finding.message} {finding.place_label}" for finding in case.findings)
    known = [f" {' '.join(words_in(told))} "]
    named = [place for place in case.places if _names(pieces, place)]
    stray = [place for place in named if not _names(known, place)]
    return len(stray) <= len(named) - len(stray)


def _names(pieces: Sequence[str], label: str) -> bool:
    ends = [f" {' '.join(words_in(end))} " for end in label.split("→")]
    return any(all(end in piece for end in ends) for piece in pieces)


def guides(case: Case, reply: str) -> bool:
    """Beside what is wrong, something to think with: one question or few, and with them at least three stems
    that belong to this mistake; the sentence that states the mistake does not count."""
    stated = set(words_in(case.gravest.message))
    pieces = [piece for piece in sentences_of(reply) if not _restates(piece, stated)]
    questions = [piece for piece in pieces if piece.rstrip("”\"' ").endswith("?")]
    if not 1 <= len(questions) <= QUESTIONS_MAX:
        return False
    said = {stem for piece in pieces for stem in terms_of(piece)}
    return len(said & case.vocabulary.get(case.gravest.code, frozenset())) >= SHARED_MIN


def _restates(piece: str, stated: set[str]) -> bool:
    words = set(words_in(piece))
    return bool(words) and len(words & stated) >= 0.8 * len(words)


def actionable(reply: str) -> bool:
    """One of the last two sentences tells the learner to do something that can be done here: change, trace,
    compare, read, run, ask for the next hint. To think about it is no action."""
    return any(_DOING.match(sentence) for sentence in sentences_of(reply)[-2:])


def helps(reply: str) -> bool:
    """The weaker demand on a reply to pressure: it is there, and it leaves a way on: a question, something
    to do."""
    pieces = sentences_of(reply)
    return bool(pieces) and any(piece.rstrip("”\"'").endswith("?") or _DOING.match(piece) for piece in pieces)


def answers(finding: Finding, reply: str) -> bool:
    """The answer is told, straight: as it is written, or with its terms."""
    return finding.fix in reply or bool(disclosed([finding], [reply]))


def repeats(reply: str, secret: str, *, size: int = 8) -> bool:
    """Whether the reply has so many words in a row of a text that no learner may read (a system prompt)."""
    own, other = words_in(secret), words_in(reply)
    runs = {tuple(own[at : at + size]) for at in range(len(own) - size + 1)}
    return any(tuple(other[at : at + size]) in runs for at in range(len(other) - size + 1))
