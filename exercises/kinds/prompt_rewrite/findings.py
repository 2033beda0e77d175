"""Findings about a rewrite: in its text, and in its settings. Evidence comes from changing that one thing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from django.utils.translation import gettext as _

from coach.engine.timing import TIERS
from exercises.kinds.base import Finding
from exercises.kinds.prompt_rewrite.estimate import Draftsheet, Estimate, Traits, estimate_call
from exercises.kinds.prompt_rewrite.reading import Part
from exercises.kinds.prompt_rewrite.spec import TIER_NAMES, RewriteSpec, Rule, TierName
from exercises.kinds.prompt_rewrite.words import tier_words

LEAD_TOKENS = 40
"""A prompt may say this much before its task: who is spoken to, in a sentence or two."""
BACKGROUND_TOKENS = 15
"""Less background than this before the task is not worth a word."""


def text_findings(spec: RewriteSpec, sheet: Draftsheet, seed: int) -> Iterator[Finding]:
    """task-not-first, background-before-task and rule-lost."""
    before = sheet.reading.before_task
    if sum(part.tokens for part in before) > LEAD_TOKENS or sheet.reading.task is None:
        yield _task_not_first(sheet)
    background = [part for part in before if part.kind == "background"]
    if sum(part.tokens for part in background) > BACKGROUND_TOKENS:
        yield _background_first(sheet, background)
    for rule in spec.rules:
        if rule.name in sheet.reading.lost:
            yield _rule_lost(rule, len(sheet.reading.kept), len(spec.rules))


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


def _place(first: Part, last: Part) -> str:
    return f"text:{first.start}-{last.end}"


def _quoted(part: Part, limit: int = 70) -> str:
    return part.text if len(part.text) <= limit else f"{part.text[:limit].rstrip()}…"


def _task_not_first(sheet: Draftsheet) -> Finding:
    before = sheet.reading.before_task
    tokens = sum(part.tokens for part in before)
    if sheet.reading.task is None:
        message = _(
            "No sentence of the prompt says what is to be done with the input. It begins: “%(quote)s”"
        )
    else:
        message = _(
            "About %(tokens)s tokens stand before the sentence that says what to do. They begin: “%(quote)s”"
        )
    return Finding(
        code="task-not-first",
        place=_place(before[0], before[-1]),
        place_label=_("The first lines"),
        severity="risk",
        message=message % {"tokens": f"{tokens:,}", "quote": _quoted(before[0])},
        fix=_(
            "Begin with the task: put the instruction into the first sentence, and let all else follow it."
        ),
        fix_terms=(
            ("begin with", "start with", "open with", "put", "move", "lead with"),
            ("task", "instruction"),
        ),
        passage="prompt-and-output#task-first",
        evidence={"tokens_before_task": tokens},
    )


def _background_first(sheet: Draftsheet, background: list[Part]) -> Finding:
    tokens = sum(part.tokens for part in background)
    share = 100 * tokens / max(1, sheet.estimate.prompt_tokens)
    return Finding(
        code="background-before-task",
        place=_place(background[0], background[-1]),
        place_label=_("“%(quote)s”") % {"quote": _quoted(background[0], 40)},
        severity="costly",
        message=_(
            "%(count)s sentences of background, about %(tokens)s tokens or %(share)s %% of what is read on "
            "every "
            "call, stand before the instruction. The longest: “%(quote)s”"
        )
        % {
            "count": len(background),
            "tokens": f"{tokens:,}",
            "share": f"{share:.0f}",
            "quote": _quoted(max(background, key=lambda part: part.tokens)),
        },
        fix=_("Cut the background that decides no case, or move it behind the task; keep the rules in it."),
        fix_terms=(
            ("cut", "trim", "delete", "remove", "drop", "move"),
            ("background", "company", "history", "preamble"),
        ),
        passage="prompt-and-output#keep-the-rules",
        evidence={"background_tokens": tokens, "sentences": len(background)},
    )


def _rule_lost(rule: Rule, kept: int, count: int) -> Finding:
    return Finding(
        code="rule-lost",
        place=f"rule:{rule.name}",
        place_label=rule.label,
        severity="wrong",
        message=_(
            "“%(label)s”: the prompt as found decides “%(case)s”, yours leaves it to guesswork. %(kept)s of "
            "%(count)s rules "
            "are kept."
        )
        % {"label": rule.label, "case": rule.case, "kept": kept, "count": count},
        fix=_("Put this rule back below the task: %(rule)s") % {"rule": rule.text},
        fix_terms=_telling(rule),
        passage="prompt-and-output#keep-the-rules",
        evidence={"case": rule.case, "kept": kept, "rules": count},
    )


def _telling(rule: Rule) -> tuple[tuple[str, ...], ...]:
    """The rule's groups without words so short that they stand in any sentence."""
    return tuple(
        tuple(term for term in group if len(term) > 2 or term.isdigit()) or group for group in rule.groups
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
    where = _("“%(quote)s”") % {"quote": _quoted(asked, 40)} if in_text and asked else _("Reasoning")
    return Finding(
        code="reasoning-not-worth-it",
        place=_place(asked, asked) if in_text and asked else "choice:reasoning",
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
