"""What must not be shown. Pure: a sentence and the answer facts in, a verdict out; in doubt it says no.

A sentence gives an answer away when it has one synonym of every group of a fact's terms, or when it repeats a
run of words of the written answer. The sentences shown just before it count too: an answer in two halves is
an answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

NGRAM_WORDS = 6
WINDOW_SENTENCES = 2
SENTENCE_MAX_CHARACTERS = 1200
_INVISIBLE = re.compile(
    r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f]"
)
# Joiners, soft hyphens and the like have their use in a text; these hide it, or turn it round.
_DISGUISING = re.compile(r"[\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")
# A place with a finding is "marked"; that is not the mark that an answer may be about.
_OWN_WORDS = frozenset({"marked"})
_WORD = re.compile(r"[^\W_]+(?:['.][^\W_]+)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerFact:
    """What would give one finding's answer away. `groups`: synonyms; `fix`: the answer as written.

    `given`: words that the learner may read on this page anyway (the finding's own message). `place_label`:
    what its place is called, which may always be said.
    """

    key: str
    groups: tuple[tuple[str, ...], ...] = ()
    fix: str = ""
    given: str = ""
    place_label: str = ""


def visible(text: str) -> str:
    """Without characters that hide a text or turn its writing round, whoever put them into a label."""
    return _DISGUISING.sub("", text)


def words_of(text: str) -> list[str]:
    """Comparable words: one spelling of width, case, accents-free hyphens; nothing invisible."""
    plain = unicodedata.normalize("NFKC", _INVISIBLE.sub("", text)).casefold().replace("’", "'")
    return _WORD.findall(plain)


class Guard:
    """Reads a reply's sentences in order. `open_keys`: findings whose answer is open to this learner.

    `about`: the finding that the whole reply is about, if one is: its place is understood in every sentence.
    `window`: so many sentences before one are read together with it. `closed`: the facts it withholds.
    """

    def __init__(
        self,
        facts: Iterable[AnswerFact],
        *,
        open_keys: Iterable[str] = (),
        window: int = WINDOW_SENTENCES,
    ) -> None:
        allowed = frozenset(open_keys)
        self.closed = tuple(fact for fact in facts if fact.key not in allowed)
        self._facts = [_Compiled(fact) for fact in self.closed]
        self._window = window
        self._recent: list[list[str]] = []
        self.about = ""

    def blocking(self, sentence: str, *, alone: bool = False) -> str | None:
        """The key of the finding whose answer the sentence would give away, "" for another reason to say no;
        None when it may be shown. `alone`: without the sentences before it."""
        if not isinstance(sentence, str) or len(sentence) > SENTENCE_MAX_CHARACTERS:
            return ""
        words = _read(sentence)
        window = [] if alone else [word for earlier in self._recent for word in earlier]
        for fact in self._facts:
            before = window if alone or fact.key != self.about else [*fact.given_words, *window]
            if fact.is_in(words) or fact.spans(before, words):
                return fact.key
        return None

    def clears(self, sentence: str) -> bool:
        """Whether the sentence may be shown; if so it counts as shown."""
        if self.blocking(sentence) is not None:
            return False
        self.saw(sentence)
        return True

    def saw(self, sentence: str) -> None:
        """It has been shown: what follows is read together with it."""
        self._recent = [*self._recent, _read(sentence)][-self._window :]


def _read(sentence: str) -> list[str]:
    return [word for word in words_of(sentence) if word not in _OWN_WORDS]


class _Compiled:
    def __init__(self, fact: AnswerFact) -> None:
        self.key = fact.key
        self._groups = [[_needle(term) for term in group if words_of(term)] for group in fact.groups]
        self.given_words = words_of(fact.given)
        self._given = _padded(self.given_words)
        self._runs = _runs(words_of(fact.fix)) - _runs(words_of(fact.given))

    def is_in(self, words: Sequence[str]) -> bool:
        return bool(self._runs & _runs(words)) or self._has_every_group(_padded(words))

    def spans(self, before: Sequence[str], words: Sequence[str]) -> bool:
        """The answer in two halves: this sentence adds a term that the page did not give already."""
        if not before or not self._has_every_group(_padded([*before, *words])):
            return False
        here = _padded(words)
        return any(
            any(term in here for term in group) and not any(term in self._given for term in group)
            for group in self._groups
        )

    def _has_every_group(self, text: str) -> bool:
        # A fact without usable terms is guarded by its wording alone; an empty group must not match all.
        return bool(self._groups) and all(any(term in text for term in group) for group in self._groups)


@lru_cache(maxsize=8192)
def _needle(term: str) -> str:
    """A term matches at the beginning of a word: authors write "summar" for summary, summaries, summarise.
    One that ends in a space matches whole words."""
    return f" {' '.join(words_of(term))}{' ' if term.endswith(' ') else ''}"


def _padded(words: Sequence[str]) -> str:
    return f" {' '.join(words)} "


def _runs(words: Sequence[str]) -> set[tuple[str, ...]]:
    if not words:
        return set()
    size = min(NGRAM_WORDS, len(words))
    # A whole answer of one or two words is too common to forbid; its terms guard it.
    if size < 3:
        return set()
    return {tuple(words[i : i + size]) for i in range(len(words) - size + 1)}
