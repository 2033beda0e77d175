"""The words of questions and lessons, made comparable: no filler, crude stems, one name for a thing."""

from __future__ import annotations

import re
from functools import lru_cache

_WORD = re.compile(r"[^\W_]+(?:[-'][^\W_]+)*")
_STOP = frozenset(
    _WORD.findall("""
    a about after again all also am an and any are as at be because been before being but by can could course
    did do does doing don down each else even ever for from further get gets give go had has have having
    he her here hers him his how i if in into is it its itself just know let like long lot make many may
    me mean means might more most much must my need no nor not now of off on once one only or other our
    out over own please put really same say see she should show so some something such take tell than
    that the their them then there these they thing things think this those through to too under until
    up us use used using very want was way we were what when where which while who why will with work
    works would you your yours explain understand difference between happens happen good bad mine i'm
    ok okay yes hi hey it's what's don't doesn't isn't can't won't i've that's there's let's
    """)
)
# What learners call what the lessons call otherwise.
_OTHER_NAMES = {
    "chain of thought": "reasoning step",
    "chain-of-thought": "reasoning step",
    "cot": "reasoning step",
    "ttl": "lifetime",
    "time to live": "lifetime",
    "expire": "lifetime",
    "expiry": "lifetime",
    "guardrail": "checking",
    "guardrails": "checking",
    "moderation": "checking",
    "dag": "dependency graph",
    "dependencies": "dependency graph arrow",
    "ttft": "first token",
    "json mode": "schema shape",
    "structured output": "schema shape",
    "concurrency": "at once side by side",
    "concurrent": "at once side by side",
    "parallelism": "parallel",
    "kv cache": "prefix stored state",
    "classifier": "classification classify",
    "system prompt": "instructions prefix",
    "rate limit": "limit",
    "few-shot": "examples",
    "invalidate": "change insertion prefix",
    "break the cache": "changing prefix insertion",
    "warm up": "warm prime",
    "haiku": "smallest model tier",
    "opus": "largest model tier",
}
_OTHER = re.compile(r"\b(?:" + "|".join(map(re.escape, sorted(_OTHER_NAMES, key=len, reverse=True))) + r")\b")


def terms_of(text: str) -> list[str]:
    """Content words, crudely stemmed; hyphenated ones also in parts."""
    words: list[str] = []
    for match in _WORD.findall(text.casefold().replace("’", "'")):
        parts = [match, *match.split("-")] if "-" in match else [match]
        words += [_stem(part) for part in parts if part not in _STOP and len(part) > 1]
    return words


def _stem(word: str) -> str:
    word = word.removesuffix("'s")
    for ending, kept in (
        ("ies", "y"),
        ("sses", "ss"),
        ("ations", "ate"),
        ("ation", "ate"),
        ("ing", ""),
        ("ed", ""),
        ("es", "e"),
        ("s", ""),
    ):
        if word.endswith(ending) and len(word) - len(ending) + len(kept) >= 4 and not word.endswith("ss"):
            word = word[: len(word) - len(ending)] + kept
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeols":
        word = word[:-1]
    return word[:-1] if len(word) > 4 and word.endswith("e") else word


@lru_cache(maxsize=8192)
def known_terms_of(sentence: str) -> frozenset[str]:
    """The same for a sentence of a lesson: there are few of those, and each is weighed again and again."""
    return frozenset(terms_of(sentence))


def asked_terms(question: str) -> set[str]:
    """The content words of a question, in the lessons' own language where there is a known other name."""
    return set(terms_of(_OTHER.sub(lambda found: _OTHER_NAMES[found[0]], question.casefold())))
