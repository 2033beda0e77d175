"""Which sentences of a passage answer a question: those with its rarer words, whole, in their own order."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence

from coach.material import Section
from coach.queries import UNSPEAKABLE
from coach.replies.passages import Index
from coach.replies.terms import known_terms_of

WORDS_MAX = 70
SENTENCES_MAX = 3
ENOUGH_WORDS = 22
# A sentence that leans on the one before it cannot stand first.
_LEANING = re.compile(
    r"^(?:this|that|these|those|it|its|they|them|their|he|she|but|so|then|hence|here|there|thus|"
    r"both|either|neither"
    r"|or|and|nor|yet|still|also|instead|otherwise|therefore|such|all at once|in between|to know|"
    r"if so|if not|now|the (?:second|third|other|former|latter|first)"
    r"|another|one of|most of|some of|check that|something else|nor can|wrapping|halve the|"
    r"with reads|streamed|sum|under|with that|with it|without it)\b",
    re.IGNORECASE,
)
_DEFINING = re.compile(r"\b(?:is|are|means?|stands? for|consists? of|called)\b")


def sentences_for(
    question: str, section: Section, index: Index, *, said: Collection[str] = (), best_text: str = ""
) -> list[str]:
    """Up to three sentences of one paragraph of a section, the one that has most of the question's words.

    `best_text`: the paragraph that the search liked best."""
    asked = index.asked(question)
    weigh = index.weights
    best: tuple[float, list[str]] = (0.0, [])
    for order, passage in enumerate(section.passages):
        sentences = passage.sentences
        scores = [_score(sentence, asked, weigh) * (sentence not in said) for sentence in sentences]
        picked = _window(sentences, scores, said)
        value = (
            sum(scores[i] for i in picked)
            + 0.8 * (passage.text == best_text)
            + 0.6 * passage.stressed
            - 0.05 * order
        )
        if picked and value > best[0]:
            best = (value, [sentences[i] for i in picked])
    return best[1]


def opening_of(section: Section, *, said: Collection[str] = ()) -> list[str]:
    """What a section says first that was not said yet."""
    for passage in section.passages:
        scores = [float(_speakable(sentence)) for sentence in passage.sentences]
        picked = _window(passage.sentences, scores, said)
        if picked:
            return [passage.sentences[i] for i in picked]
    return []


def _score(sentence: str, asked: set[str], weigh: dict[str, float]) -> float:
    if not _speakable(sentence):
        return 0.0
    terms = known_terms_of(sentence)
    score = sum(weigh.get(term, 0.0) for term in terms & asked) / math.sqrt(8 + len(terms))
    return score * (1.7 if _defines(sentence, asked) else 1.0)


def _speakable(sentence: str) -> bool:
    """What can be said by the coach: no formula without a reading, no question, nothing about itself."""
    return (
        UNSPEAKABLE not in sentence and not sentence.rstrip("”\"'").endswith("?") and "coach" not in sentence
    )


def _defines(sentence: str, asked: set[str]) -> bool:
    """Whether it says what one of the asked things is: "Slack is …", "… is the critical path"."""
    found = _DEFINING.search(sentence)
    if found is None:
        return False
    before = sentence[: found.start()].split()[-4:]
    return bool(asked & known_terms_of(" ".join(before)))


def _window(sentences: Sequence[str], scores: Sequence[float], said: Collection[str]) -> list[int]:
    """A run of neighbours around the best sentence that can stand on its own and is short enough."""
    usable = [i for i, score in enumerate(scores) if score > 0 and sentences[i] not in said]
    if not usable:
        return []
    best = max(usable, key=lambda i: (scores[i], -i))
    start = best
    while start > 0 and _LEANING.match(sentences[start]) and _fits(sentences, start - 1, best, said):
        start -= 1
    if _LEANING.match(sentences[start]):
        return []
    end = best
    while end + 1 < len(sentences) and _fits(sentences, start, end + 1, said):
        if not (_LEANING.match(sentences[end + 1]) or scores[end + 1] > 0 or end == start):
            break
        end += 1
    while (
        start > 0 and _words(sentences, start, end) < ENOUGH_WORDS and _fits(sentences, start - 1, end, said)
    ):
        start -= 1
    return list(range(start, end + 1)) if not _LEANING.match(sentences[start]) else list(range(best, end + 1))


def _words(sentences: Sequence[str], start: int, end: int) -> int:
    return sum(len(sentence.split()) for sentence in sentences[start : end + 1])


def _fits(sentences: Sequence[str], start: int, end: int, said: Collection[str]) -> bool:
    run = sentences[start : end + 1]
    short = _words(sentences, start, end) <= WORDS_MAX and len(run) <= SENTENCES_MAX
    return short and all(_speakable(sentence) and sentence not in said for sentence in run)
