"""What a sentence that nobody has read before may not do while an answer is closed. Pure.

Authored words are known; a model's are not, and an answer can be said in more ways than anybody can list.
So a sentence about what is closed has to be made of words in which no answer can be told (`plainness`), and
it may hold no notation, code, other language or verdict. In doubt the answer is no.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from coach.replies.disguise import alike, is_opaque, readings_of
from coach.replies.guard import AnswerFact, Guard, words_of
from coach.replies.plainness import Plainness, claims_nothing
from coach.replies.thesaurus import FOREIGN, NATIVE, widened

REPLY_SENTENCES = 12
MOSTLY_WORDS = 0.7
TELEGRAM_WORDS = 4
_VERDICT = re.compile(
    r"^\W*(?:yes|no|nope|yep|yeah|correct|right|exactly|precisely|indeed|true|false|wrong|almost|"
    r"nearly|warm|hot|cold|"
    r"warmer|colder|close|not quite|that's (?:it|right|true|correct|wrong)|that is (?:it|right|true|"
    r"correct|wrong)|"
    r"you(?:'re| are) (?:right|correct|close|wrong)|you(?:'ve| have) got it|spot on|bingo|agreed|"
    r"good guess|the "
    r"(?:first|second|latter|former|other)(?: one)?|option|[a-d]\W*$)\b",
    re.IGNORECASE,
)
_NOTATION = re.compile(
    r"[{}\[\]|`=<>←↦⇒⟶➜↑↓✓✗]|->|:=|\w_\w|\b[\w-]+: [\w\"'.-]+(?: [\w.-]+){0,3} [\w-]+: |"
    r"^\W*(?:\w+ ){1,3}(?:then|before|after|precedes|follows|←) (?:\w+ ?){1,3}\W*$|"
    r"(?:\b\w+ (?:then|before|after) \w+\W+){2}|^\s*[-*•\d.)]+\s*\S+\s*:\s|\"\s*:"
)
_BY_POSITION = re.compile(
    r"\b(?:task|block|box|row|line|node|item|piece|option|entry|label)s? (?:no\.? |number |#)?\d|"
    r"\b(?:first|second|third|fourth|fifth|sixth|seventh|last)(?: \w+)? (?:task|block|box|row|node|"
    r"item|piece|option)\b"
)


_GOING_ON = re.compile(
    r"^\W*(?:(?:so|then|now|and)\b[\s,]+)?(?:run|hand|go)\b(?!.*\b(?:compare|predict|trace))"
)


class Wariness:
    """For one reply: the guard's closed facts, and what was asked. With nothing closed all may be said.

    `known`: texts that authors wrote, which may be said word for word as far as the guard itself lets them.
    `directing`: the reply is about no closed finding, so that it needs the words of other things.
    """

    def __init__(
        self, guard: Guard, *, question: str = "", known: Iterable[str] = (), directing: bool = False
    ) -> None:
        self._directing = directing
        self._known = [f" {' '.join(words_of(text))} " for text in known]
        self._facts: Sequence[AnswerFact] = guard.closed
        wide = [widened(fact) for fact in self._facts]
        self._plain = Plainness(
            [*known, *(fact.given for fact in self._facts)],
            [term for fact in wide for group in fact.groups for term in group],
        )
        self._given = [f" {' '.join(words_of(fact.given))} " for fact in self._facts]
        self._wide = Guard(wide, window=REPLY_SENTENCES)
        self._labels = [alike(fact.place_label).strip("“”\"' ") for fact in self._facts if fact.place_label]
        self._guessed = bool(self._facts) and self._is_guess(question)

    def refuses(self, sentence: str) -> bool:
        """Whether to say no. What was cleared counts as shown: an answer in instalments is one."""
        if not self._facts or self._is_given(sentence):
            return False
        if self._says_no(sentence):
            return True
        self._wide.saw(sentence)
        return False

    def _says_no(self, sentence: str) -> bool:
        text = " ".join(alike(sentence).replace("’", "'").split())
        bare = self._without_labels(text)
        return (
            is_opaque(sentence)
            or is_foreign(text)
            or is_telegraphic(text)
            or (self._guessed and self._judges(text))
            or bool(_NOTATION.search(bare) or _BY_POSITION.search(bare))
            or (self._tells(sentence, text) if self._directing else not self._is_plain(text, bare))
        )

    def _is_plain(self, text: str, bare: str) -> bool:
        return self._plain.is_plain(text) or self._plain.is_plain(bare)

    def _tells(self, *texts: str) -> bool:
        """Where the talk is of other things: whether it tells a closed answer, however dressed."""
        readings = (reading for text in texts for reading in readings_of(text))
        return any(self._wide.blocking(reading) is not None for reading in readings)

    def _judges(self, text: str) -> bool:
        """An idea was put forward: whatever claims something, or says to go on, can be heard as yes or no."""
        if self._directing:
            return bool(_VERDICT.match(text))
        return not claims_nothing(text) or bool(_GOING_ON.match(text))

    def _is_given(self, sentence: str) -> bool:
        """The page or an author says it already, in these words."""
        words = words_of(sentence)
        if sum(map(len, words)) < MOSTLY_WORDS * len("".join(sentence.split())):
            return False
        said = f" {' '.join(words)} "
        return any(said in text for text in (*self._given, *self._known))

    def _without_labels(self, text: str) -> str:
        """A place may be called by its name, arrows, equals signs and all."""
        for label in self._labels:
            text = text.replace(label, "it")
        return text

    def _is_guess(self, question: str) -> bool:
        """Whether the learner put an idea forward that a word of ours would judge."""
        words = f" {' '.join(words_of(question))} "
        named = (term for fact in self._facts for group in fact.groups for term in group)
        return any(f" {' '.join(words_of(term))}" in words for term in named if words_of(term))


def is_telegraphic(text: str) -> bool:
    """Whether it is a row of words and no sentence: a list of names in an order, for one."""
    words = words_of(text)
    return len(words) >= TELEGRAM_WORDS and not NATIVE.intersection(words)


def is_foreign(text: str) -> bool:
    """Whether it is in another language than the course's, which nobody here could check."""
    letters = [letter for letter in text if letter.isalpha()]
    if letters and sum(letter.isascii() for letter in letters) < 0.8 * len(letters):
        return True
    words = set(words_of(text))
    return len(words & FOREIGN) > len(words & NATIVE)
