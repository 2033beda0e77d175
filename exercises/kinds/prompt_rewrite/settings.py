"""Findings about settings and what is asked of the answer. Evidence comes from changing that one thing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from django.utils.translation import gettext as _

from coach.engine.timing import TIERS
from exercises.kinds.base import Finding
from exercises.kinds.prompt_rewrite.estimate import Draftsheet, Estimate, Traits, estimate_call
from exercises.kinds.prompt_rewrite.findings import place_of, quoted
from exercises.kinds.prompt_rewrite.spec import TIER_NAMES, RewriteSpec, TierName
from exercises.kinds.prompt_rewrite.words import tier_words


def setting_findings(spec: RewriteSpec, sheet: Draftsheet, seed: int) -> Iterator[Finding]:
    """no-schema, no-length-bound, reasoning-not-worth-it, tier-too-large, accuracy-lost and not-streamed."""
    change = _Change(spec, sheet, seed)
    if not sheet.traits.has_schema:
        yield _no_schema(spec, sheet, change)
    if not sheet.traits.has_bound:
        yield _no_bound(sheet, change)
    if sheet.traits.reasons and not _reasoning_pays(spec, sheet):
        yield _reasoning(spec, sheet, change)
    smaller = _smaller_tier(spec, sheet)
    if smaller is not None:
        yield _tier(spec, sheet, change, smaller)
    if spec.accuracy_of(sheet.answer.tier, reasoning=sheet.traits.reasons) < spec.needed_accuracy:
        yield _accuracy(spec, sheet)
    if not sheet.answer.streaming:
        yield _not_streamed(sheet, change)


class _Change:
    """The same call with one thing changed."""

    def __init__(self, spec: RewriteSpec, sheet: Draftsheet, seed: int) -> None:
        self._spec, self._sheet, self._seed = spec, sheet, seed

    def to(
        self, *, traits: Traits | None = None, tier: str | None = None, streaming: bool | None = None
    ) -> Estimate:
        answer = self._sheet.answer
        return estimate_call(
            self._spec,
            traits or self._sheet.traits,
            prompt_tokens=self._sheet.estimate.prompt_tokens,
            tier=tier or answer.tier,
            streaming=answer.streaming if streaming is None else streaming,
            seed=self._seed,
        )


def _no_schema(spec: RewriteSpec, sheet: Draftsheet, change: _Change) -> Finding:
    other = change.to(traits=replace(sheet.traits, has_schema=True))
    own = sheet.estimate
    return Finding(
        code="no-schema",
        place="choice:form",
        place_label=_("Form of the answer"),
        severity="slow",
        message=_(
            "Nothing fixes which parts the answer has. It runs to about %(tokens)s tokens, %(seconds)s s of "
            "writing; "
            "the program that reads it needs %(fields)s things, which fit into %(other)s tokens."
        )
        % {
            "tokens": own.answer_tokens,
            "seconds": f"{own.answer_seconds:.1f}",
            "fields": len(spec.fields),
            "other": other.answer_tokens,
        },
        fix=_("State an output schema, or choose structured output, with the fields %(fields)s.")
        % {"fields": ", ".join(spec.fields)},
        fix_terms=(("schema", "structured output", "json", "fields"),),
        passage="prompt-and-output#schema",
        evidence={"answer_tokens": own.answer_tokens, "other_tokens": other.answer_tokens},
    )


def _no_bound(sheet: Draftsheet, change: _Change) -> Finding:
    other = change.to(traits=replace(sheet.traits, has_bound=True))
    own = sheet.estimate
    return Finding(
        code="no-length-bound",
        place="choice:length",
        place_label=_("Length of the answer"),
        severity="slow",
        message=_(
            "Nothing keeps the answer's free text from growing: about %(tokens)s tokens, %(seconds)s s of "
            "writing, "
            "where the same content fits into %(other)s."
        )
        % {
            "tokens": own.answer_tokens,
            "seconds": f"{own.answer_seconds:.1f}",
            "other": other.answer_tokens,
        },
        fix=_("State a bound for the free text, for example: at most one sentence."),
        fix_terms=(
            ("bound", "at most", "limit", "no more than", "maximum"),
            ("sentence", "words", "length", "text"),
        ),
        passage="prompt-and-output#schema",
        evidence={"answer_tokens": own.answer_tokens, "other_tokens": other.answer_tokens},
    )


def _reasoning_pays(spec: RewriteSpec, sheet: Draftsheet) -> bool:
    """Reasoning pays where it lifts the chosen tier over the accuracy that is needed."""
    tier = sheet.answer.tier
    enough = spec.needed_accuracy
    return spec.accuracy_of(tier, reasoning=False) < enough <= spec.accuracy_of(tier, reasoning=True)


def _reasoning(spec: RewriteSpec, sheet: Draftsheet, change: _Change) -> Finding:
    own, asked = sheet.estimate, sheet.reading.asks_reasoning
    other = change.to(traits=replace(sheet.traits, reasons=False))
    tier = sheet.answer.tier
    in_text = not sheet.answer.reasoning and asked is not None
    where = _("“%(quote)s”") % {"quote": quoted(asked, 40)} if in_text and asked else _("Reasoning")
    return Finding(
        code="reasoning-not-worth-it",
        place=place_of(asked, asked) if in_text and asked else "choice:reasoning",
        place_label=where,
        severity="slow",
        message=_(
            "Thinking first writes about %(tokens)s tokens before the answer: %(seconds)s s of %(total)s s, "
            "and "
            "$%(usd)s on a thousand calls. On the labelled cases %(with)s %% come out right with it, "
            "%(plain)s %% "
            "the other way."
        )
        % {
            "tokens": own.reasoning_tokens,
            "seconds": f"{own.reasoning_seconds:.1f}",
            "total": f"{own.total_seconds:.1f}",
            "usd": f"{own.thousand_calls_usd - other.thousand_calls_usd:.2f}",
            "with": f"{100 * spec.accuracy_of(tier, reasoning=True):g}",
            "plain": f"{100 * spec.accuracy_of(tier, reasoning=False):g}",
        },
        fix=_("Switch the reasoning off, and take the request for step-by-step thinking out of the text."),
        fix_terms=(
            ("switch", "turn", "take", "remove", "leave", "drop", "disable"),
            ("reasoning", "thinking", "step by step", "step-by-step"),
        ),
        passage="prompt-and-output#reasoning",
        evidence={"reasoning_tokens": own.reasoning_tokens, "seconds": own.reasoning_seconds},
    )


def _smaller_tier(spec: RewriteSpec, sheet: Draftsheet) -> TierName | None:
    """The smallest tier that is accurate enough, if it is smaller than the chosen one."""
    own = TIER_NAMES.index(sheet.answer.tier)
    for tier in TIER_NAMES[:own]:
        shares = [spec.accuracy_of(tier, reasoning=False)]
        if sheet.traits.reasons:
            shares.append(spec.accuracy_of(tier, reasoning=True))
        if max(shares) >= spec.needed_accuracy:
            return tier
    return None


def _tier(spec: RewriteSpec, sheet: Draftsheet, change: _Change, smaller: str) -> Finding:
    own, other = sheet.estimate, change.to(tier=smaller)
    share = spec.accuracy_of(sheet.answer.tier, reasoning=sheet.traits.reasons)
    return Finding(
        code="tier-too-large",
        place="choice:tier",
        place_label=_("Model"),
        severity="costly",
        message=_(
            "The %(tier)s tier writes %(decode)s tokens a second and takes %(seconds)s s a call, $%(usd)s a "
            "thousand. "
            "It gets %(share)s %% of the labelled cases right; %(needed)s %% are needed, and it is not the "
            "only one "
            "to get there: the same call is possible in %(other)s s for $%(other_usd)s a thousand."
        )
        % {
            "tier": tier_words(sheet.answer.tier),
            "decode": f"{TIERS[sheet.answer.tier].decode_tokens_per_second:g}",
            "seconds": f"{own.total_seconds:.1f}",
            "usd": f"{own.thousand_calls_usd:.2f}",
            "share": f"{100 * share:g}",
            "needed": f"{100 * spec.needed_accuracy:g}",
            "other": f"{other.total_seconds:.1f}",
            "other_usd": f"{other.thousand_calls_usd:.2f}",
        },
        fix=_("Choose the %(tier)s tier: it is accurate enough here.") % {"tier": tier_words(smaller)},
        fix_terms=(
            ("choose", "use", "switch", "take", "pick", "go for", "try"),
            (tier_words(smaller).lower(), "smaller", "smallest", "haiku"),
        ),
        passage="prompt-and-output#tiers",
        evidence={"seconds": own.total_seconds, "other_seconds": other.total_seconds, "accuracy": share},
    )


def _accuracy(spec: RewriteSpec, sheet: Draftsheet) -> Finding:
    share = spec.accuracy_of(sheet.answer.tier, reasoning=sheet.traits.reasons)
    return Finding(
        code="accuracy-lost",
        place="choice:tier",
        place_label=_("Model"),
        severity="wrong",
        message=_(
            "With these settings %(share)s %% of the labelled cases come out right; %(needed)s %% are needed."
        )
        % {"share": f"{100 * share:g}", "needed": f"{100 * spec.needed_accuracy:g}"},
        fix=_("Take a larger tier, or let the model reason."),
        fix_terms=(("larger", "reason", "bigger"),),
        passage="prompt-and-output#tiers",
        evidence={"accuracy": share, "needed": spec.needed_accuracy},
    )


def _not_streamed(sheet: Draftsheet, change: _Change) -> Finding:
    own, other = sheet.estimate, change.to(streaming=True)
    return Finding(
        code="not-streamed",
        place="choice:streaming",
        place_label=_("Streaming"),
        severity="slow",
        message=_(
            "The reader sees nothing for %(total)s s, until the last token is written; the first useful "
            "words exist "
            "after %(first)s s."
        )
        % {"total": f"{own.shown_seconds:.2f}", "first": f"{other.shown_seconds:.2f}"},
        fix=_("Switch streaming on: the answer is shown while it is written."),
        fix_terms=(("stream",), ("switch", "turn", "enable", "while it is written")),
        passage="prompt-and-output#streaming",
        evidence={"shown_seconds": own.shown_seconds, "possible_seconds": other.shown_seconds},
    )
