"""What a sentence that nobody has read before may not do while an answer is closed. Pure.

Authored words are known; a model's are not, and an answer can be said in more ways than a list of terms has.
So this looks not for the answer alone but for the ways of giving one: orders to change something, verdicts,
notation, other languages, codes. In doubt it says no. A coach who asks and points needs none of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from coach.replies.disguise import alike, is_opaque, readings_of
from coach.replies.guard import AnswerFact, Guard, words_of
from coach.replies.thesaurus import CHANGES, FOREIGN, NATIVE, forms_of, widened

_CHANGE = rf"(?:{'|'.join(CHANGES)})"
_CHANGED = rf"(?:{'|'.join(forms_of(verb) for verb in CHANGES)})"
_LEAD = (
    r"(?:(?:so|then|now|first|next|and|but|or|please|instead|simply|just|ok|okay|well|yes|no|sure|"
    r"finally|here|hint|"
    r"answer|solution|fix|maybe|perhaps|try|to|better|rather|also|only|next time|\d+|[a-d])[\s,:;.)-]+)*"
)
_ORDER = re.compile(
    rf"(?:^|[,;:.!?—–(“\"'-]\s*|\b(?:and|then|or|but|so|that|to|is|was)\s+){_LEAD}(?:do not |don't |"
    rf"never |always )?{_CHANGE}\b"
    r"(?! (?:by|at|where|with (?:the|your|one|a)|one change|one thing|up|over|out what|from)\b)"
)
_PROPOSAL = re.compile(
    rf"\b(?:you|we|i|one|let's|let us)(?:'d|'ll)? (?:\w+ )?(?:should|could|can|may|must|might|"
    rf"need to|have to|ought to|"
    rf"had better|better|would|want to)\b[^.?!]*\b{_CHANGE}|"
    rf"\b(?:what if|how about|what about|have you (?:considered|tried|thought)|did you (?:try|think|"
    rf"consider)|"
    rf"why not|why don't you|consider|imagine|suppose|would it (?:help|be better)|wouldn't it|by|trying|try|"
    rf"think(?:ing)? (?:of|about)|recommend|suggest|advise|idea is|trick is|way is|fix is|answer is|"
    rf"solution is)\b"
    rf"[^.?!]*\b{_CHANGED}\b|"
    r"\bwhat if\b[^.?!]*\b(?:stood|stand|came|come|went|go|were|followed|preceded|lived|ended|"
    r"waited|had|did)\b"
)
_ASSERTION = re.compile(
    r"\b(?:should|must|has to|have to|had to|ought to|belongs?|needs? (?:to|no|not)|need not|can go|"
    r"could go|may go|"
    r"is enough|are enough|suffices?|will do|would do|does it|is superfluous|is redundant|is unnecessary|"
    r"(?:goes|go|stands?|comes?|came|stood|is|are) (?:first|last|behind|earlier|later|on top|"
    r"at the (?:end|top|"
    r"bottom))|goes (?:before|after|in|into|on|under|below|above|to the)|is missing|are missing|"
    r"is right|is correct|is best|"
    r"is better(?! than)|better off|would be (?:right|better|best|correct|ideal)|is the (?:answer|"
    r"right|correct|best|one|fix|solution)|"
    r"fixes|solves|mends|repairs|passes|pays off|does not pay|instead of|rather than|"
    r"is not (?:needed|read|used)|"
    r"isn't (?:needed|read|used)|aren't needed|no reason to|the (?:answer|fix|solution|remedy|trick) is|"
    r"correct order|right order|right choice|right label|full marks)\b"
)
REPLY_SENTENCES = 12
MOSTLY_WORDS = 0.7
TELEGRAM_WORDS = 4
_OPEN_QUESTION = re.compile(
    r"^(?:and |so |but |now )?(?:what|which|who|whose|when|where|why|how)\b(?! (?:if|about|not)\b)[^?]*\?\W*$"
)
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


class Wariness:
    """For one reply: the guard's closed facts, and what was asked. With nothing closed all may be said.

    `known`: texts that authors wrote, which may be said word for word as far as the guard itself lets them.
    `directing`: the reply is about no closed finding, so that an order is no sign of an answer.
    """

    def __init__(
        self, guard: Guard, *, question: str = "", known: Iterable[str] = (), directing: bool = False
    ) -> None:
        self._directing = directing
        self._known = [f" {' '.join(words_of(text))} " for text in known]
        self._facts: Sequence[AnswerFact] = guard.closed
        self._given = [f" {' '.join(words_of(fact.given))} " for fact in self._facts]
        self._wide = Guard((widened(fact) for fact in self._facts), window=REPLY_SENTENCES)
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
            any(self._wide.blocking(reading) is not None for reading in readings_of(sentence))
            or any(self._wide.blocking(reading) is not None for reading in readings_of(text))
            or is_opaque(sentence)
            or is_foreign(text)
            or is_telegraphic(text)
            or (self._guessed and bool(_VERDICT.match(text)))
            or bool(_NOTATION.search(bare) or _BY_POSITION.search(bare))
            or (not self._directing and _directs(bare))
        )

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


def _directs(text: str) -> bool:
    """Whether it tells the learner what to change, or what would be right."""
    if _OPEN_QUESTION.match(text):
        return False
    return bool(_ORDER.search(text) or _PROPOSAL.search(text) or _ASSERTION.search(text))


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
