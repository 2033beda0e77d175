"""Findings in the text of a rewrite: where the task stands, what stands before it, which rules are gone."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _

from exercises.kinds.base import Finding
from exercises.kinds.prompt_rewrite.estimate import Draftsheet
from exercises.kinds.prompt_rewrite.reading import Part
from exercises.kinds.prompt_rewrite.spec import RewriteSpec, Rule

LEAD_TOKENS = 40
"""A prompt may say this much before its task: who is spoken to, in a sentence or two."""
BACKGROUND_TOKENS = 15
"""Less background than this before the task is not worth a word."""


def text_findings(spec: RewriteSpec, sheet: Draftsheet) -> Iterator[Finding]:
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


def place_of(first: Part, last: Part) -> str:
    """The stable id of a stretch of text."""
    return f"text:{first.start}-{last.end}"


def quoted(part: Part, limit: int = 70) -> str:
    """The beginning of a part, for a sentence."""
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
        place=place_of(before[0], before[-1]),
        place_label=_("The first lines"),
        severity="risk",
        message=message % {"tokens": f"{tokens:,}", "quote": quoted(before[0])},
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
        place=place_of(background[0], background[-1]),
        place_label=_("“%(quote)s”") % {"quote": quoted(background[0], 40)},
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
            "quote": quoted(max(background, key=lambda part: part.tokens)),
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
