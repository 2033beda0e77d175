"""What a learner beside an attempt wants of its findings, read from their words by rule."""

from __future__ import annotations

import re
from enum import StrEnum

from coach.replies.asked import Asked
from coach.replies.bank import SURE
from coach.replies.intents import Intent, plain


class Wish(StrEnum):
    """DEMAND: the answer itself. GUESS: a yes or no to an idea. NAMED: a word on a place that is marked."""

    DEMAND = "demand"
    GUESS = "guess"
    NAMED = "named"
    NONE = "none"


_OF_THE_ANSWER = (
    r"(?:arrows?|edges?|dependenc(?:y|ies)|blocks?|tasks?|steps?|orders?|plan|rules?|sentences?|lines?|words?|"
    r"parts?|settings?|tiers?|models?|breakpoints?|marks?|lifetimes?|ttl|times?|label|one|ones|thing|option|"
    r"choice|value|place|position|layout|prompt|answer|solution|fix|change)"
)
_ASKING = (
    r"^(?:please |ok |okay |so |and |but |coach )*(?:(?:can|could|will|would) you )?(?:please )?(?:just )?"
)
_DEMAND = re.compile(
    rf"{_ASKING}(?:tell|say|give)(?: it| me)*(?: already| now| please)*$|"
    rf"{_ASKING}(?:tell|give|show|say|name|write|list|reveal|send)\b.{{0,12}}"
    rf"\b(?:which|what|where|how|when|the|my|your)\b|"
    rf"\bwhat(?:'s| is| are| would be| was)? (?:the |a )?(?:right|correct|best|ideal|optimal|proper|good|"
    rf"perfect|fastest|cheapest|missing|wanted|expected) (?:\w+ )?{_OF_THE_ANSWER}\b|"
    rf"\b(?:which|what) (?:\w+ )?{_OF_THE_ANSWER} (?:is|are|was|were|do|does|did|should|must|has|have|would|"
    rf"can|belongs?|goes|comes?|waits?|needs?|to)\b|"
    rf"\bwhere (?:do|does|should|must|shall|would) .{{1,40}}\b(?:here|in this exercise|go|belong)\b|"
    rf"\bwhat (?:should|must|does|do) (?:the|my|it|this) .{{0,40}}"
    rf"\b(?:say|be|look|wait|come|contain|start)\b|"
    rf"\bwhat (?:do|does|should|must) (?:i|it) (?:have to )?"
    rf"(?:write|wait for|choose|pick|set|put|enter|type)\b|"
    rf"^(?:complete|finish|fill in)\b|\b(?:i want|i need|give me) (?:the|an|your) (?:answer|solution)\b"
)
_YES_OR_NO = re.compile(
    r"^(?:so |and |but |then |ok |okay |maybe |perhaps |hm+ |well )*"
    r"(?:is|are|was|were|does|do|did|should|must|would|could|can|has|have|shall|may|isn't|aren't|doesn't|"
    r"don't|shouldn't|couldn't|can't)\b"
)
_IS_IT = re.compile(
    r"^(?:so |and |but |then |maybe |perhaps )*(?:(?:is|was|could|would|might|isn't) (?:it|this|that|the (?:"
    r"answer|problem|mistake|reason))\b(?! (?:better|worth|ok|okay|safe|true|possible|faster|cheaper|bad))"
    r"|(?:should|must|do|shall|can|could) i (?:have to |need to )?\w+)"
)
_SHOULD_I = re.compile(r"^(?:so |and |but |then )*(?:should|must|shall|do) i\b")
_RIGHT = re.compile(r", ?(?:right|correct|true|yes|isn't it|doesn't it)$")
_OF_MINE = re.compile(
    r"\b(?:why|wrong|problem|mistake|marked|flagged|issue|what about|how about|my|here|this|mine|"
    r"slow|long|late|tell me|explain|meant?|understand|what is it with|bad|matter)\b"
)
_GUESS_WORDS = 9
_FOR_HELP = frozenset({Intent.SHOW, Intent.HINT, Intent.WHY, Intent.NEXT, Intent.PRESSURE})
_REMEDY = re.compile(
    r"\b(?:answers?|solutions?|solve|fix|mend|repair|remedy|correct|right|wrong|missing|change)\b"
)
_OPEN_TO_WISHES = frozenset({Intent.CONCEPT, Intent.STATEMENT, Intent.WHY, Intent.NEXT, Intent.TOPICS})


def wish_of(asked: Asked) -> Wish:
    """NONE on a lesson's page, and where the words are those of a question that authors answered."""
    if not asked.in_exercise or asked.reading.intent not in _OPEN_TO_WISHES or _was_written(asked):
        return Wish.NONE
    text = plain(asked.question).rstrip(" ?!.…")
    if _DEMAND.search(text):
        return Wish.DEMAND
    if not asked.findings or (asked.found.term is not None and not _YES_OR_NO.match(text)):
        return Wish.NONE
    if asked.reading.intent is Intent.STATEMENT:
        return Wish.GUESS
    return _about_a_mark(text, named=asked.named is not None)


def is_for_the_answer(asked: Asked, wish: Wish) -> bool:
    """Whether somebody who may have the answer straight asks for it, in whatever words, or asks for help."""
    if not asked.in_exercise or _was_written(asked):
        return False
    if wish is not Wish.NONE or asked.reading.intent in _FOR_HELP:
        return True
    return bool(_REMEDY.search(plain(asked.question))) and asked.found.term is None


def _about_a_mark(text: str, *, named: bool) -> Wish:
    if named and _RIGHT.search(text):
        return Wish.GUESS
    if _YES_OR_NO.match(text) and (named or (_IS_IT.match(text) and len(text.split()) <= _GUESS_WORDS)):
        return Wish.GUESS
    return Wish.NAMED if named and _OF_MINE.search(text) else Wish.NONE


def _was_written(asked: Asked) -> bool:
    if _SHOULD_I.match(plain(asked.question)):
        return False
    return bool(asked.matches) and asked.matches[0].exact and asked.matches[0].score >= SURE
