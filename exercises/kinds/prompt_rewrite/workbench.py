"""The form of a rewrite, however wrong it was typed, and the pictures of what it takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import SequenceMatcher
from typing import Any

from django import forms
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coach.engine.pricing import price_of
from coach.engine.prompt import CHARACTERS_PER_TOKEN, estimate_tokens
from coach.engine.timing import TIERS
from exercises.kinds.base import Finding, Form, Grade, markers, markers_by
from exercises.kinds.prompt_rewrite.answer import RewriteAnswer, last_of, text_in
from exercises.kinds.prompt_rewrite.estimate import Draftsheet, as_found, work_out
from exercises.kinds.prompt_rewrite.grade import Sheets, all_sheets
from exercises.kinds.prompt_rewrite.panel import panel_context
from exercises.kinds.prompt_rewrite.reading import Part
from exercises.kinds.prompt_rewrite.spec import MAX_TEXT_CHARS, TIER_NAMES, RewriteSpec, TierName
from exercises.kinds.prompt_rewrite.words import (
    form_choices,
    part_words,
    switch_choices,
    tier_choices,
    tier_words,
)
from exercises.kinds.widgets import StepperInput
from lessons.figures.bars import Segment, Stretch, time_bars, token_bars
from lessons.figures.base import Picture
from lessons.figures.discs import merged

_COMPARED = 400
"""Sentences compared from each side; more would make the comparison slow."""
_BAR_KINDS = {"background": "background", "task": "task", "data": "data", "schema": "schema"}
_NO_DRAWING = SafeString("")


def prediction_form(spec: RewriteSpec) -> type[forms.Form]:
    """Asked before the run: how long a call will take, beside how long it takes now."""
    before = work_out(spec, as_found(spec)).estimate.total_seconds
    label = _("A call takes %(seconds)s s as found. How many seconds will it take after your rewrite?")
    field = forms.FloatField(
        label=label % {"seconds": f"{before:.1f}"},
        min_value=0.01,
        max_value=600,
        widget=StepperInput(by=0.1, begins_at=round(before, 1)),
    )
    return type("RewritePrediction", (forms.Form,), {"total_seconds": field})


def rewrite_context(spec: RewriteSpec, form: Form, errors: Mapping[str, str]) -> dict[str, Any]:
    """What the template shows: the text as typed, the settings, and what is known of the tiers."""
    text = text_in(form)
    settings = (
        ("tier", gettext_lazy("Model"), tier_choices()),
        ("answer_form", gettext_lazy("Form of the answer"), form_choices()),
        ("reasoning", gettext_lazy("Reasoning before the answer"), switch_choices()),
        ("streaming", gettext_lazy("Streaming"), switch_choices()),
    )
    return {
        "text": text[: 5 * MAX_TEXT_CHARS],
        "text_error": errors.get("text", ""),
        "tokens": estimate_tokens(text),
        "tokens_found": estimate_tokens(spec.text),
        "characters_per_token": CHARACTERS_PER_TOKEN,
        "max_characters": MAX_TEXT_CHARS,
        "placeholder": spec.placeholder,
        "fields": spec.fields,
        "settings": [
            {
                "name": name,
                "label": label,
                "choices": choices,
                "chosen": last_of(form, name),
                "error": errors.get(name, ""),
            }
            for name, label, choices in settings
        ],
        "tiers": [_tier_row(spec, tier) for tier in TIER_NAMES],
        "needed_accuracy": f"{100 * spec.needed_accuracy:g}",
        **panel_context(spec, form),
    }


def _tier_row(spec: RewriteSpec, tier: TierName) -> dict[str, str]:
    price = price_of(tier)
    return {
        "label": tier_words(tier),
        "model": price.model,
        "decode": f"{TIERS[tier].decode_tokens_per_second:g}",
        "input_usd": f"{price.input_usd:.2f}",
        "output_usd": f"{price.output_usd:.2f}",
        "plain": f"{100 * spec.accuracy_of(tier, reasoning=False):g}",
        "reasoning": f"{100 * spec.accuracy_of(tier, reasoning=True):g}",
    }


def rewrite_pictures(
    spec: RewriteSpec, answer: RewriteAnswer, grade: Grade, *, seed: int = 0
) -> list[Picture]:
    """Tokens, time, rules kept and lost, and the changes sentence by sentence."""
    sheets = all_sheets(spec, answer, seed)
    return [
        _token_picture(sheets, grade.findings),
        _time_picture(sheets, grade.findings),
        _rules_picture(spec, sheets.theirs, grade.findings),
        _changes_picture(sheets),
    ]


def _named(sheets: Sheets) -> list[tuple[str, Draftsheet]]:
    return [
        (_("As found"), sheets.found),
        (_("Yours"), sheets.theirs),
        (_("Best possible"), sheets.best),
    ]


def _token_picture(sheets: Sheets, findings: Sequence[Finding]) -> Picture:
    rows = [
        (name, list(_segments(sheet, findings if sheet is sheets.theirs else ())))
        for name, sheet in _named(sheets)
    ]
    whole = {_("Yours"): markers_by(findings, _spot).get("prompt", ())}
    return token_bars(rows, title=_("Where the tokens are (estimates)"), markers=whole)


def _spot(place: str) -> str:
    """Where a finding is drawn: a stretch of text and a rule where they are, a setting at what it changes."""
    spots = {
        "choice:form": "answer",
        "choice:length": "answer",
        "choice:streaming": "answer time",
        "choice:reasoning": "reasoning",
        "choice:tier": "call",
    }
    return place if place.startswith(("text:", "rule:")) else spots.get(place, "prompt")


def _segments(sheet: Draftsheet, findings: Sequence[Finding]) -> Iterator[Segment]:
    marks, estimate = markers_by(findings, _spot), sheet.estimate
    text = [finding for finding in findings if finding.place.startswith("text:")]
    for run in _runs(sheet.reading.parts):
        here = tuple(each.number for each in text if run[0].start <= _start(each.place) < run[-1].end)
        kind, tokens = run[0].kind, sum(part.tokens for part in run)
        yield Segment(part_words(kind), tokens, _BAR_KINDS.get(kind, "other"), here)
    if estimate.reasoning_tokens:
        yield Segment(_("reasoning"), estimate.reasoning_tokens, "reasoning", marks.get("reasoning", ()))
    yield Segment(_("answer"), estimate.answer_tokens, "output", marks.get("answer", ()))


def _start(place: str) -> int:
    return int(place.removeprefix("text:").partition("-")[0])


def _runs(parts: Sequence[Part]) -> Iterator[list[Part]]:
    """Neighbours of one kind together."""
    run: list[Part] = []
    for part in parts:
        if run and run[-1].kind != part.kind:
            yield run
            run = []
        run.append(part)
    if run:
        yield run


def _time_picture(sheets: Sheets, findings: Sequence[Finding]) -> Picture:
    marks = markers_by(findings, _spot)
    rows = [
        (name, list(_stretches(sheet, marks if sheet is sheets.theirs else {})))
        for name, sheet in _named(sheets)
    ]
    return time_bars(rows, title=_("Where the time goes"), markers={_("Yours"): marks.get("call", ())})


def _stretches(sheet: Draftsheet, marks: Mapping[str, tuple[int, ...]]) -> Iterator[Stretch]:
    estimate = sheet.estimate
    yield Stretch(_("until the first token"), estimate.ttft_seconds, "wait")
    if estimate.reasoning_tokens:
        yield Stretch(_("reasoning"), estimate.reasoning_seconds, "reasoning", marks.get("reasoning", ()))
    answer = merged([marks.get("answer", ()), marks.get("answer time", ())])
    yield Stretch(_("writing the answer"), estimate.answer_seconds, "writing", answer)


def _rules_picture(spec: RewriteSpec, sheet: Draftsheet, findings: Sequence[Finding]) -> Picture:
    """A table without a drawing: the requirements kept and lost."""
    numbers = markers(findings, prefix="rule:")
    rows = [
        (
            rule.label,
            _("kept") if rule.name in sheet.reading.kept else _("lost"),
            ", ".join(map(str, numbers.get(rule.name, ()))),
        )
        for rule in spec.rules
    ]
    lost = [rule.label for rule in spec.rules if rule.name in sheet.reading.lost]
    kept = _("%(kept)s of %(count)s rules are kept.") % {
        "kept": len(sheet.reading.kept),
        "count": len(spec.rules),
    }
    missing = _("Missing: %(rules)s.") % {"rules": ", ".join(lost)} if lost else ""
    return Picture(
        title=_("Rules kept and lost"),
        svg=_NO_DRAWING,
        svg_narrow=_NO_DRAWING,
        sentence=f"{kept} {missing}".strip(),
        columns=(_("Rule"), _("In your prompt"), _("Finding")),
        rows=tuple(rows),
    )


def _changes_picture(sheets: Sheets) -> Picture:
    """A table without a drawing: sentences taken out and put in."""
    rows = tuple(_changes(sheets.found.reading.parts, sheets.theirs.reading.parts))
    removed = sum(1 for row in rows if row[0] == "−")
    words = _("%(removed)s sentences were taken out or changed, %(added)s are new or changed.")
    return Picture(
        title=_("What you changed"),
        svg=_NO_DRAWING,
        svg_narrow=_NO_DRAWING,
        sentence=words % {"removed": removed, "added": len(rows) - removed},
        columns=(_("Change"), _("Part"), _("Sentence")),
        rows=rows,
    )


def _changes(before: Sequence[Part], after: Sequence[Part]) -> Iterator[tuple[str, str, str]]:
    before, after = before[:_COMPARED], after[:_COMPARED]
    matcher = SequenceMatcher(None, [p.text for p in before], [p.text for p in after], autojunk=False)
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag != "equal":
            yield from (("−", part_words(part.kind), part.text) for part in before[i1:i2])
            yield from (("+", part_words(part.kind), part.text) for part in after[j1:j2])
