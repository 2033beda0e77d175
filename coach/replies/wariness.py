"""What a sentence that nobody has read before may not do while an answer is closed. Pure.

Authored words are known; a model's are not, and an answer can be said in more ways than anybody can list.
So a sentence about what is closed has to be made of words in which no answer can be told (`plainness`), and
it may hold no notation, code, other language or verdict. In doubt the answer is no.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from coach.replies.disguise import Initials, alike, is_opaque, readings_of
from coach.replies.guard import WINDOW_SENTENCES, Guard, words_of
from coach.replies.plainness import NO_COURSE, Course, Plainness, claims_nothing, looks, orders, sentences_in
from coach.replies.sealed import NOTHING_SEALED, Sealed, sealed
from coach.replies.terms import stem_of
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
# What speaks to somebody, points at something at hand, or judges, speaks of an exercise, not of an idea.
_POINTED = re.compile(
    r"\b(?:you|your|yours|yourself|we|us|our|ours|i|i'm|me|my|mine|here|these|those|this|exercise|attempt|"
    r"solution|solved|should|must|ought|has to|have to|would|could|might|better|best|enough|right|wrong|"
    r"correct|choose|pick|switch|somebody|someone|anybody|anyone|everybody|student|learner|expert|"
    r"professor|colleague|winner|grader|he|she)\b|\?|\d"
)


class Wariness:
    """For one reply: the guard's closed facts, and what was asked. With nothing closed all may be said.

    `known`: texts that authors wrote, which may be said word for word as far as the guard itself lets them.
    `directing`: the reply is about no closed finding, so that it needs the words of other things: what it
    says of ideas may have them, what it says of an exercise may not. `opened`: it is about an open finding,
    and so is what it says to the learner, unless others of that attempt are closed. `closed`: what is closed
    beside the attempt's findings; `course`: what the lessons say.
    """

    def __init__(
        self,
        guard: Guard,
        *,
        question: str = "",
        known: Iterable[str] = (),
        directing: bool = False,
        opened: bool = False,
        closed: Sealed = NOTHING_SEALED,
        course: Course = NO_COURSE,
    ) -> None:
        self._directing, self._course = directing, course
        self._facts = guard.closed
        self._aside = bool(self._facts) or not opened
        known = tuple(known)
        self._said = sentences_in(known)
        self._given = [f" {' '.join(words_of(fact.given))} " for fact in self._facts]
        self._labels = [alike(fact.place_label).strip("“”\"' ") for fact in self._facts if fact.place_label]
        wide = [widened(fact) for fact in self._facts]
        self._wide = Guard(wide, window=REPLY_SENTENCES)
        self._sealed = (sealed(self._facts), closed)
        self._plain = Plainness(
            [*known, *(fact.given for fact in self._facts)],
            [term for fact in wide for group in fact.groups for term in group],
            course=course.stems,
            dangers=[each.dangers for each in self._sealed[: 1 + directing]],
        )
        self._initials = Initials([secret for each in self._sealed for secret in each.secrets])
        self._before: list[list[str]] = []
        self._guessed = self._is_guess(question)

    def refuses(self, sentence: str) -> bool:
        """Whether to say no. What was cleared counts as shown: an answer in instalments is one."""
        if not any(each.facts for each in self._sealed) or self._is_given(sentence):
            return False
        if self._says_no(sentence):
            return True
        self._saw(sentence)
        return False

    def _saw(self, sentence: str) -> None:
        self._wide.saw(sentence)
        self._initials.saw(sentence)
        self._before = [*self._before, words_of(sentence)][-WINDOW_SENTENCES:]

    def _says_no(self, sentence: str) -> bool:
        text = " ".join(alike(sentence).replace("’", "'").split())
        bare = self._without_labels(text)
        return (
            is_opaque(sentence)
            or is_foreign(text)
            or is_telegraphic(text)
            or (self._guessed and self._judges(text))
            or bool(_NOTATION.search(bare) or _BY_POSITION.search(bare))
            or self._initials.spells(sentence)
            or self._tells(sentence, text)
            or not (self._is_safe(text, bare) if self._is_pointed(text) else self._plain.is_read(text))
        )

    def _is_pointed(self, text: str) -> bool:
        """Whether it speaks of what is closed: always, where the reply is about that."""
        if not self._directing:
            return True
        if self._aside and (orders(text) or looks(text) or _POINTED.search(text)):
            return True
        own, closed = self._sealed
        if own.names.search(text) or closed.places.search(text):
            return True
        # The lessons call a setting by the same name.
        return any(stem_of(found[0]) not in self._course.stems for found in closed.names.finditer(text))

    def _is_safe(self, text: str, bare: str) -> bool:
        if self._directing and self._wide.blocking(text) is not None:
            return False
        return self._plain.is_plain(text) or self._plain.is_plain(bare)

    def _tells(self, *texts: str) -> bool:
        """Whether it tells a closed answer with its place, however dressed, or ends one that was begun."""
        readings = (tuple(words_of(reading)) for text in texts for reading in readings_of(text))
        read = list(dict.fromkeys(readings))
        read.append(tuple(word for words in (*self._before, read[0]) for word in words))
        return any(each.tells(words) for words in read for each in self._sealed)

    def _judges(self, text: str) -> bool:
        """An idea was put forward: whatever claims something, or says to go on, can be heard as yes or no."""
        if self._directing:
            return bool(_VERDICT.match(text))
        return not claims_nothing(text) or bool(_GOING_ON.match(text))

    def _is_given(self, sentence: str) -> bool:
        """The page or an author says it already, in these words; of a lesson's, whole sentences."""
        words = words_of(sentence)
        if sum(map(len, words)) < MOSTLY_WORDS * len("".join(sentence.split())):
            return False
        said = " ".join(words)
        if said in self._said or (self._directing and said in self._course.sentences):
            return True
        return any(f" {said} " in text for text in self._given)

    def _without_labels(self, text: str) -> str:
        """A place may be called by its name, arrows, equals signs and all."""
        for label in self._labels:
            text = text.replace(label, "it")
        return text

    def _is_guess(self, question: str) -> bool:
        """Whether the learner put an idea forward that a word of ours would judge."""
        words = words_of(question)
        said = f" {' '.join(words)} "
        named = (term for fact in self._facts for group in fact.groups for term in group)
        own = any(f" {' '.join(words_of(term))}" in said for term in named if words_of(term))
        return own or any(each.tells(words) for each in self._sealed)


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
