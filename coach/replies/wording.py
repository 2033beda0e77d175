"""What a model writes, said; and what is said in its place when it does not.

A fault before anything of the model's was shown costs nothing but wording: the built-in coach says its notes.
After that the turn ends as what it is, cut short, with what was shown kept. A refusal ends it as refused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from coach.allowance import over_limit_text, stood_in_text
from coach.providers.catalogue import Model, Tier
from coach.providers.port import Call, Outlook, OverLimit, ProviderError
from coach.queries import Spoken
from coach.replies.calling import Stream
from coach.replies.drafting import Note, tell_all
from coach.replies.founded import Grounds
from coach.replies.guarding import NOTHING_CLOSED, Closed, arm
from coach.replies.instructions import COACH
from coach.replies.parts import Ending
from coach.replies.passages import Index
from coach.replies.plainness import Course, course_of
from coach.replies.prompts import VALUE_OF_SECOND_USD, Exchange, Script, fitted, laid_out
from coach.replies.situating import without_learner
from coach.replies.speaking import Speaker
from coach.replies.telling import Teller
from coach.warmth import Pauses

ANSWER_TIER: Tier = "medium"
MAX_OUTPUT_TOKENS = 600
"""Room for a reply of 120 words in any language, and for what the least of thinking takes."""

TOTAL_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What a model is asked for one reply. `facts`: what of the message is not the learner's; `finding`,
    `marker`: what is spoken about; `pauses`: between calls that begin alike; `closed`: what is not to
    be told, on this page or another."""

    script: Script
    facts: str
    notes: tuple[Note, ...]
    index: Index
    finding: str = ""
    marker: int = 0
    question: str = ""
    pauses: Pauses = ()
    closed: Closed = NOTHING_CLOSED

    def call(self, turn: str, model: Model, tell: Callable[[Outlook], None]) -> Call:
        """The call, laid out for the model of `ANSWER_TIER`."""
        script = fitted(self.script, model.context_tokens - MAX_OUTPUT_TOKENS)
        parts = laid_out(script, model.price, gaps_seconds=self.pauses)
        return Call(
            purpose="reply",
            tier=ANSWER_TIER,
            parts=parts,
            max_output_tokens=MAX_OUTPUT_TOKENS,
            turn=turn,
            total_seconds=TOTAL_SECONDS,
            value_of_second_usd=VALUE_OF_SECOND_USD,
            tell=tell,
        )

    @property
    def course(self) -> Course:
        """What the learner can read beside the reply."""
        shared = course_of(tuple(text for _name, text in self.script.shared))
        return shared.with_words_of(self.facts)

    @property
    def grounds(self) -> Grounds:
        earlier = (without_learner(each.sent) for each in self.script.history)
        return Grounds(
            (*(text for _name, text in self.script.shared), *earlier, self.facts), self.script.instructions
        )


def brief_of(
    *,
    shared: tuple[tuple[str, str], ...],
    spoken: Sequence[Spoken],
    message: tuple[str, str],
    notes: Sequence[Note],
    index: Index,
    finding: str = "",
    marker: int = 0,
    question: str = "",
    pauses: Pauses = (),
    closed: Closed = NOTHING_CLOSED,
) -> Brief:
    call, facts = message
    history = tuple(Exchange(sent=each.sent, shown=each.shown) for each in spoken)
    return Brief(
        script=Script(instructions=COACH, shared=shared, history=history, call=call),
        facts=facts,
        notes=tuple(notes),
        index=index,
        finding=finding,
        marker=marker,
        question=question,
        pauses=pauses,
        closed=closed,
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the words came to be. `by_model`: whether any is a model's; `reason`: why not all of them are."""

    state: Ending
    by_model: bool
    reason: str = ""


async def say_written(stream: Stream, brief: Brief, teller: Teller, status: Callable[[str], None]) -> Outcome:
    """Say what comes, sentence by sentence; else say the notes."""
    arm(
        teller,
        brief.closed,
        about=brief.finding,
        question=brief.question,
        known=[note.text for note in brief.notes],
        course=brief.course,
        grounds=brief.grounds,
    )
    speaker = Speaker(teller, brief.index, brief.notes, finding=brief.finding, marker=brief.marker)
    reason = await _hear(stream, speaker)
    if reason == "refused":
        return _refused(brief, speaker, teller, status)
    if speaker.shown and reason in {"", "full"}:
        return Outcome("done", by_model=True)
    if speaker.shown:
        state: Ending = "truncated" if reason == "truncated" else "interrupted"
        return Outcome(state, by_model=True, reason=reason)
    return _instead(brief, teller, status, reason or "empty")


async def _hear(stream: Stream, speaker: Speaker) -> str:
    """ "" when it was heard to its end, "full" when it was as long as a reply may be, else why it ended."""
    try:
        async for piece in stream.pieces():
            if not speaker.hear(piece):
                await stream.close(enough=True)
                speaker.finish()
                return "full"
    except ProviderError as error:
        speaker.break_off()
        return error.reason
    except OverLimit as error:
        return f"limit {error.scope}"
    stop = stream.ended.stop if stream.ended else "interrupted"
    if stop == "done":
        speaker.finish()
        return "full" if speaker.full else ""
    speaker.break_off()
    return stop


def _refused(brief: Brief, speaker: Speaker, teller: Teller, status: Callable[[str], None]) -> Outcome:
    """The provider let it go no further. Words about an attempt there are without it, too."""
    if not speaker.shown and brief.finding:
        return _instead(brief, teller, status, "refused")
    return Outcome("refused", by_model=True, reason="refused")


def _instead(brief: Brief, teller: Teller, status: Callable[[str], None], reason: str) -> Outcome:
    status(fallback_text(reason))
    tell_all(brief.notes, teller)
    return Outcome("done", by_model=False, reason=reason)


def fallback_text(reason: str) -> str:
    """Why the built-in coach answers, in a line."""
    if reason.startswith("limit "):
        return over_limit_text(reason.removeprefix("limit "))
    why = _reasons().get(reason, _("The language model gave no usable answer"))
    return _("%(why)s; the built-in coach answers from the same findings.") % {"why": why}


def stands_in_text(reason: str) -> str:
    """The same beside a reply that stays on the page."""
    if reason.startswith("limit "):
        return stood_in_text(reason.removeprefix("limit "))
    return fallback_text(reason)


def _reasons() -> dict[str, str]:
    return {
        "busy": _("The language model is busy"),
        "overloaded": _("The language model is overloaded"),
        "unreachable": _("The language model cannot be reached"),
        "stalled": _("The language model took too long"),
        "interrupted": _("The connection to the language model broke"),
        "spend": _("The installation’s account has reached its limit"),
        "too_long": _("This conversation has grown too long for the language model"),
        "refused": _("The language model declined"),
    }


def writing_status(outlook: Outlook | None = None) -> str:
    if outlook == "cold":
        return _("Writing the answer… The first one after a pause takes longer: nothing is cached yet.")
    if outlook == "filling":
        return _("Writing the answer… Another call is just filling the cache that this one reads.")
    return _("Writing the answer…")
