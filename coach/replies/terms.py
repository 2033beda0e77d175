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
    "thinking": "reasoning",
    "think step by step": "reasoning step by step",
    "think first": "reasoning first",
    "max_tokens": "token limit output",
    "break-even": "breakeven",
    "break even": "breakeven",
    "orm": "database driver",
    "about-us": "background",
    "introduction": "background opener",
    "agents": "subagents",
    "1h": "one hour",
    "5m": "five minutes",
    "sonnet": "model tier",
    "haiku": "smallest model tier",
    "opus": "largest model tier",
}
_OTHER = re.compile(r"\b(?:" + "|".join(map(re.escape, sorted(_OTHER_NAMES, key=len, reverse=True))) + r")\b")


def terms_of(text: str) -> list[str]:
    """Content words, crudely stemmed; hyphenated ones also in parts."""
    words: list[str] = []
    for match in _WORD.findall(text.casefold().replace("’", "'")):
        parts = [match, *match.split("-")] if "-" in match else [match]
        words += [stem_of(part) for part in parts if part not in _STOP and len(part) > 1]
    return words


def stem_of(word: str) -> str:
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


# One word for what learners say in several.
_SAME = (
    "fast faster quick quicker speed sooner speedup fastest",
    "slow slower slowest crawl crawls sluggish",
    "cost price pricing expensive money cheap cheaper cheapest bill dollar cent paid pay spend budget costly",
    "big biggest bigger large larger largest best smartest strongest",
    "small smaller smallest tiny mini",
    "short shorter shorten trim brief concise",
    "twice double second duplicate backup",
    "speculate speculative speculation speculatively gamble guess guesses",
    "optimise optimize optimizing optimisation optimization improve improvement",
    "summary summarise summarize summaries digest condense",
    "moderate validate verify guardrail check filter review safe safety approve compliance approval",
    "parallel simultaneous simultaneously concurrently concurrency concurrent parallelize parallelise",
    "subagent branch branches worker workers",
    "prime priming warm prewarm warmup preload preheat",
    "personal personalise personalize personalisation personalization profile",
    "timeout deadline",
    "choose pick decide select",
    "measure benchmark profiling",
    "database db sql orm query postgres psycopg2 sqlite mysql",
    "async asyncio asynchronous",
    "block blocking sync synchronous freeze freezes hang hangs stuck stall",
    "answer reply response replies respond",
    "document doc docs pdf manual handbook contract file book",
    "pause break lunch coffee away meeting absent idle",
    "reserve booking",
    "cut drop delete remove discard throw omit",
    "test prove evaluate evaluation eval",
    "tail p95 p99 percentile",
    "early ahead advance beforehand",
    "hide hidden hiding invisible",
    "verdict decision",
    "order reorder arrange sort arrangement sequence",
    "identical same equal",
    "colleague employee lawyer teammate coworker people customers users",
    "wait waiting waits await",
    "gain win save saving saves benefit profit",
    "combine merge join joining synthesis aggregate fan-in combining",
    "need needs require required",
    "character letter space whitespace",
    "depend dependency dependencies dependent",
    "top beginning front",
    "bound maximum cap",
    "limit throttle throttled quota",
    "gone expire expires lost die",
    "morning o'clock opens office",
    "forget forgot forgotten forgetting",
    "stream streamed streaming streams",
)
_FOLDED = {stem_of(word): stem_of(words.split()[0]) for words in _SAME for word in words.split()}


def folded_terms(text: str) -> set[str]:
    """The same, with one word for what learners say in several."""
    return {_FOLDED.get(word, word) for word in asked_terms(text)}
