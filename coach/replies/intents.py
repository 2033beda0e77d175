"""What a learner wants, read from their words by rule. The words themselves are never followed."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from coach.ladder import asks_to_be_shown


class Intent(StrEnum):
    SHOW = "show"
    HINT = "hint"
    WHY = "why"
    COMPARE = "compare"
    PROGRESS = "progress"
    NEXT = "next"
    MORE = "more"
    HERE = "here"
    GREETING = "greeting"
    THANKS = "thanks"
    WHO = "who"
    ABLE = "able"
    PRESSURE = "pressure"
    TOPICS = "topics"
    CONCEPT = "concept"
    STATEMENT = "statement"


@dataclass(frozen=True, slots=True)
class Reading:
    """`number`: the finding that was named, 0 when none was."""

    intent: Intent
    number: int = 0


_ORDINALS = {"first": 1, "second": 2, "third": 3}
_NUMBER = re.compile(
    r"\b(?:finding|marker|number|point|problem|issue|no\.?|#)\s*#?(\d{1,2})\b|\b(first|second|"
    r"third) (?:finding|marker|one|problem|point)\b"
)
_RULES: tuple[tuple[Intent, re.Pattern[str]], ...] = tuple(
    (intent, re.compile(pattern))
    for intent, pattern in (
        (
            Intent.PRESSURE,
            r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,40}\b(?:instruction|rule|prompt|"
            r"previous|above|guard|restriction)|(?:your|show|reveal|print|repeat|"
            r"leak)\b.{0,30}\bsystem prompt|jailbreak|developer mode|\b(?:pretend|imagine|act as|"
            r"role-?play)\b.{0,60}\b(?:you|teacher|no rules|solution|answer)|i(?:'m| am) (?:the |"
            r"your |an? )?(?:instructor|teacher|admin|developer|author|professor)\b|for (?:testing|"
            r"debugging) purposes|\b(?:spell|encode|base64|rot13|reversed?|acrostic|poem|translate|"
            r"in french|in german)\b.{0,50}\b(?:answer|solution|fix)|\b(?:answer|solution|"
            r"fix)\b.{0,50}\b(?:base64|rot13|backwards|reversed|encoded|poem|letter by letter)|"
            r"(?:what(?:'s| is| would)|give|tell|reveal|say|write|print|output|share|"
            r"leak).{0,40}\b(?:the|your|correct|right|full|exact|reference|"
            r"model)\b.{0,20}\b(?:answer|solution|fix)\b|\b(?:solve|do) (?:it|this|the exercise|"
            r"my exercise)(?: for me)?\b|(?:yes or no|true or false|am i right|is it (?:correct|"
            r"right)).{0,80}\b(?:depend|arrow|need|edge|block|order)|"
            r"\b(?:write|do|make|finish|rewrite) .{0,30}\bfor me$",
        ),
        (
            Intent.HINT,
            r"\bhints?\b|\bclue\b|\bnudge\b|\b(?:i'?m|i am|totally|still|got|get) stuck\b|^stuck\b|"
            r"^help(?: me)?(?: please)?$|\bhelp me (?:with|fix|out|solve)\b|no idea (?:how|what|"
            r"where)|don'?t know (?:how|what|where) to (?:start|begin|do|go|fix|change)",
        ),
        (
            Intent.COMPARE,
            r"\bwhat(?:'s| has| is|'ve i| have i)? ?(?:changed|different|improved|new)\b|(?:since|"
            r"than|with|to|and) (?:my |the )?(?:last|previous|earlier|first) (?:attempt|try|one|"
            r"time|version|run|submission)|compare (?:my|the|these)? ?(?:two |last )?(?:attempts|"
            r"tries|runs|plans)|did (?:i|it|that) (?:get|become|do) (?:any )?(?:better|worse)|"
            r"is (?:it|this|my \w+) (?:any )?better (?:now|than before)",
        ),
        (
            Intent.PROGRESS,
            r"how (?:am|did|was) i (?:doing|do|done)?|how(?:'s| is) (?:my|it) (?:plan|answer|"
            r"attempt|going|looking|progress)|my (?:score|progress|result|grade|mark)s?\b|"
            r"did i pass|have i (?:passed|finished|mastered)|what(?:'s| is) (?:still )?(?:left|"
            r"missing|open|remaining)|how (?:many|much) .{0,30}(?:left|findings|mistakes|errors)|"
            r"how (?:far|good) (?:am i|is my)|am i done",
        ),
        (
            Intent.WHY,
            r"\bwhat(?:'s| is| was|'d i| did i)? ?(?:do |get |i do )?(?:wrong|the (?:problem|"
            r"mistake|issue|matter))\b|why (?:is|was|does|did|isn'?t|am)\b.{0,60}\b(?:wrong|marked|"
            r"flagged|incorrect|bad|a problem|finding|marker|slow|costly|not (?:right|correct|ok|"
            r"good)|lose|fail)|(?:explain|what does|what is|what about|tell me about|more about|"
            r"elaborate on).{0,20}\b(?:finding|marker|number|problem|feedback|critique|comment)\b|"
            r"(?:don'?t|do not|didn'?t) (?:understand|get|agree).{0,30}\b(?:finding|marker|feedback|"
            r"critique|comment|grade)\b|\bwhere (?:is|was|are|did) .{0,20}(?:mistake|error|wrong|"
            r"problem)",
        ),
        (
            Intent.NEXT,
            r"what (?:now|next)\b|what (?:should|do|shall|can|could|would) (?:i|we) (?:do|try|"
            r"change|look at|read|work on|start with|begin with|fix)(?: next| now|"
            r" first)?\b(?! (?:if|when|about))|where (?:do|should|shall|can) i (?:start|begin|look|"
            r"go)|(?:which|what) .{0,20}\bfirst\b\??$|how do i (?:start|begin|proceed|continue)",
        ),
        (
            Intent.WHO,
            r"\b(?:who|what) (?:are|r) (?:you|u)\b|how old are you|are you (?:a |an )?(?:real|human|"
            r"person|bot|robot|ai\b|llm|model|machine|chat\s?gpt|gpt|claude|language model)|"
            r"which (?:model|llm|ai) (?:are|do|is)|is this (?:an? )?(?:ai|llm|bot|human|model)|"
            r"do you use (?:an? )?(?:llm|model|ai)\b|"
            r"can (?:you|the coach) (?:see|read|look at)\b",
        ),
        (
            Intent.ABLE,
            r"what (?:can|could|do) (?:you|u) (?:do|know|help|answer)|how (?:can|do|does) (?:you|i|"
            r"this|it) (?:help|use you|use this|work with you)|what (?:can|may|should|could) i ask|"
            r"how does (?:this|the) coach work",
        ),
        (
            Intent.TOPICS,
            r"(?:which|what|list|show|name|give|other|another|more|next|any).{0,40}\b(?:conflicts?|"
            r"trade-?offs?|topics?|fights?|techniques?)\b|what (?:else )?(?:can|should|could|"
            r"shall) we (?:talk|discuss|look)",
        ),
        (
            Intent.GREETING,
            r"^(?:hi+|hello|hey+|hallo|good (?:morning|afternoon|evening|day)|greetings|yo|"
            r"howdy)(?: there| coach| again)?$",
        ),
        (
            Intent.THANKS,
            r"^(?:ok(?:ay)?,? |great,? |perfect,? |cool,? )?(?:thanks?|thank you|thx|ty|cheers|"
            r"got it|makes sense|i see|understood|that helps?|helpful|nice|great|cool|perfect|"
            r"awesome)(?: (?:you|a lot|so much|very much|coach|now|that helps?|got it|"
            r"makes sense))*$",
        ),
        (
            Intent.MORE,
            r"^(?:and |ok(?:ay)?,? |yes,? |please |so )*(?:go on|more|tell me more|continue|"
            r"keep going|and then|and|say more|yes|yes please|sure|ok(?:ay)?|elaborate|"
            r"more (?:detail|about (?:it|that|this))s?|what else|anything else|why|how so|how come|"
            r"and why|can you (?:elaborate|say more|explain (?:more|that|it))|explain (?:that|it|"
            r"more|further)|(?:(?:can|could) you )?(?:give|show|have|got)(?: me)? "
            r"(?:an?|another|some|one more)(?: concrete)? examples?|(?:an? |another )?(?:concrete )?"
            r"examples?|for (?:example|instance)|like what|why (?:is|does) (?:that|this|it)"
            r"(?: so| matter| important| true| the case)?|(?:what|anything) else .{0,30}|"
            r"i don'?t (?:get|understand)(?: (?:it|that))?)(?: please)?$",
        ),
        (
            Intent.HERE,
            r"\b(?:this|the|current|open) (?:section|part|paragraph|page|lesson|chapter|figure)\b|"
            r"^(?:explain|summari[sz]e|what(?:'s| is)) (?:this|here)$|what am i (?:reading|"
            r"looking at)|(?:summari[sz]e|sum up|tl;?dr)",
        ),
    )
)
_QUESTION = re.compile(
    r"\?|\b(?:how (?:to|do|does|can|could|should)|(?:can|should|do|may) i|isn'?t it|why (?:is|do|does))\b|"
    r"^(?:(?:so |and |but )?(?:is|are|does|do|ca|should|would|wo)n'?t|whats|hows|"
    r"what|why|how|when|where|which|who|whose|is|are|am|do|does|did|can|could|should|would|"
    r"will|has|have|may|explain|tell|define|describe|give|show|compare|help|list|name)\b"
)


def plain(question: str) -> str:
    text = unicodedata.normalize("NFKC", question).casefold().replace("’", "'").replace("`", "")
    return " ".join(text.split())


def read_question(question: str) -> Reading:
    """The first rule that fits; a sentence that asks nothing is a statement."""
    text = plain(question)
    number = _number(text)
    if asks_to_be_shown(question):
        return Reading(Intent.SHOW, number)
    bare = text.rstrip(" ?!.…")
    for intent, rule in _RULES:
        if rule.search(bare):
            return Reading(intent, number)
    if number:
        return Reading(Intent.WHY, number)
    return Reading(Intent.CONCEPT if _QUESTION.search(text) else Intent.STATEMENT)


def _number(text: str) -> int:
    found = _NUMBER.search(text)
    if found is None:
        return 0
    return int(found[1]) if found[1] else _ORDINALS[found[2]]
