"""The form of a design, however wrong it was typed, and the pictures of its day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coach.engine.prompt import Stability
from exercises.kinds.base import Finding, Form, Grade, markers_by
from exercises.kinds.prompt_layout.answer import LayoutAnswer, joined, last_of, order_in
from exercises.kinds.prompt_layout.design import Run
from exercises.kinds.prompt_layout.grade import Runs, run_all
from exercises.kinds.prompt_layout.spec import LayoutSpec, clock, day_of, seconds_of
from exercises.kinds.prompt_layout.warmth import keepalive_choices, prewarm_choices
from exercises.kinds.prompt_layout.words import lifetime, stability_choices
from exercises.kinds.widgets import StepperInput
from lessons.figures.bars import Segment, token_bars
from lessons.figures.base import Picture
from lessons.figures.strips import Strip, cache_strips

_FIRST_CALL, _DAY, _PROMPT = ":first call", ":day", ":prompt"
"""Spots of the pictures that are no blocks; a block's name has no colon."""


class LayoutPrediction(forms.Form):
    """Asked before the run."""

    hit_rate = forms.IntegerField(
        label=gettext_lazy("What share of the day's prompt tokens will be read from the cache, in percent?"),
        min_value=0,
        max_value=100,
        widget=StepperInput(by=5, begins_at=50),
    )
    cost_usd = forms.FloatField(
        label=gettext_lazy("What will the day cost, in dollars?"),
        min_value=0,
        max_value=100_000,
        widget=StepperInput(by=0.5),
    )


def layout_context(spec: LayoutSpec, form: Form, errors: Mapping[str, str]) -> dict[str, Any]:
    """What the template shows: the blocks in the form's order with what was chosen, and the day they meet."""
    order = _showable(spec, order_in(form))
    return {
        "order": ",".join(order),
        "order_error": errors.get("order", ""),
        "blocks": [_block(spec, form, errors, order, item) for item in order],
        "stabilities": stability_choices(),
        "lifetimes": [(ttl, lifetime(ttl)) for ttl in spec.rules.ttls],
        "prewarm": last_of(form, "prewarm")[:20],
        "prewarm_choices": prewarm_choices(spec, last_of(form, "prewarm")[:20]),
        "prewarm_error": errors.get("prewarm", ""),
        "keepalive": last_of(form, "keepalive")[:20],
        "keepalive_choices": keepalive_choices(spec, last_of(form, "keepalive")[:20]),
        "keepalive_error": errors.get("keepalive", ""),
        "announcement": _announcement(spec, last_of(form, "done"), order),
        "day": _day_facts(spec),
    }


def _showable(spec: LayoutSpec, order: tuple[str, ...]) -> tuple[str, ...]:
    """The form's order where it makes sense, else as found."""
    names = [name for item in order for name in item.split("+")]
    known = sorted(names) == sorted(piece.name for piece in spec.pieces)
    glued = all("+" not in item or item in spec.found for item in order)
    return order if known and glued else spec.found


def _block(
    spec: LayoutSpec, form: Form, errors: Mapping[str, str], order: tuple[str, ...], item: str
) -> dict[str, Any]:
    number = order.index(item) + 1
    pieces = spec.pieces_of(item)
    return {
        "item": item,
        "id": item.replace("+", "-"),
        # Split and Join are one control that keeps its id, so that it keeps the focus.
        "cut_id": f"cut-{pieces[0].name}",
        "number": number,
        "label": spec.label_of(item),
        "tokens": spec.tokens_of(item),
        "parts": [piece.label for piece in pieces] if len(pieces) > 1 else [],
        "can_join": joined(spec, order, item) is not None,
        "joins": pieces[0].block,
        "is_first": number == 1,
        "is_last": number == len(order),
        "stability": last_of(form, f"label-{item}"),
        "stability_error": errors.get(f"label-{item}", ""),
        "mark": last_of(form, f"mark-{item}"),
        "mark_error": errors.get(f"mark-{item}", ""),
    }


def _announcement(spec: LayoutSpec, done: str, order: tuple[str, ...]) -> str:
    """What the last command did, for the status line."""
    verb, _colon, item = done.partition(":")
    if verb == "split" and item in spec.found:
        return _("“%(block)s” is split into its parts.") % {"block": spec.label_of(item)}
    if verb == "join" and item in spec.piece_named:
        return _("“%(block)s” is one block again.") % {"block": spec.piece_named[item].block}
    if verb in {"up", "down"} and item in order:
        words = _("“%(block)s” is now block %(number)s of %(count)s.")
        number = order.index(item) + 1
        return words % {"block": spec.label_of(item), "number": number, "count": len(order)}
    return ""


def _day_facts(spec: LayoutSpec) -> dict[str, Any]:
    """The day that the design will meet, as it is described to the learner."""
    traffic, calls = spec.traffic, day_of(spec)
    return {
        "model": spec.model,
        "calls": len(calls),
        "people": traffic.people,
        "documents": traffic.documents,
        "opens": clock(seconds_of(traffic.opens_at)),
        "closes": clock(seconds_of(traffic.closes_at)),
        "lunch_from": clock(seconds_of(traffic.lunch_from)),
        "lunch_until": clock(seconds_of(traffic.lunch_until)),
        "first": clock(calls[0].at_seconds) if calls else "",
        "gap_p50_minutes": round(traffic.gap_p50_seconds / 60, 1),
        "gap_p95_minutes": round(traffic.gap_p95_seconds / 60, 1),
        "value_of_second_usd": spec.value_of_second_usd,
        "minimum_tokens": spec.rules.minimum_tokens,
        "max_breakpoints": spec.rules.max_breakpoints,
        "read_multiplier": spec.rules.read_multiplier,
        "writes": [(lifetime(ttl), factor) for ttl, factor in spec.rules.write_multiplier.items()],
    }


def layout_pictures(spec: LayoutSpec, answer: LayoutAnswer, grade: Grade, *, seed: int = 0) -> list[Picture]:
    """The three layouts block by block, and the strips of the three days."""
    _bench, runs = run_all(spec, answer, seed)
    return [_blocks_picture(spec, runs, grade.findings), _day_picture(runs, grade.findings)]


def _named(runs: Runs) -> list[tuple[str, Run]]:
    return [(_("As found"), runs.found), (_("Yours"), runs.theirs), (_("Best possible"), runs.best)]


def _blocks_picture(spec: LayoutSpec, runs: Runs, findings: tuple[Finding, ...]) -> Picture:
    marks = markers_by(findings, lambda place: _spot(runs.theirs, place))
    rows = [
        (name, [_segment(spec, item, run, marks if run is runs.theirs else {}) for item in run.answer.order])
        for name, run in _named(runs)
    ]
    whole = {_("Yours"): marks.get(_PROMPT, ())}
    return token_bars(rows, title=_("The prompt, block by block"), markers=whole)


def _spot(run: Run, place: str) -> str:
    """Where a finding is drawn: at a block, at the day's first call, at the whole day or prompt."""
    kind, _colon, rest = place.partition(":")
    if kind == "block" and rest in run.answer.order:
        return rest
    return {"choice:prewarm": _FIRST_CALL, "choice:keepalive": _DAY}.get(place, _PROMPT)


def _segment(spec: LayoutSpec, item: str, run: Run, marks: Mapping[str, tuple[int, ...]]) -> Segment:
    kinds = {Stability.FIXED: "task", Stability.SHARED: "data"}
    ttl = run.answer.marks.get(item)
    label = spec.label_of(item)
    if ttl:
        label = _("%(block)s, breakpoint %(ttl)s") % {"block": label, "ttl": lifetime(ttl)}
    kind = kinds.get(spec.stability_of(item), "other")
    return Segment(label, spec.tokens_of(item), kind, marks.get(item, ()))


def _day_picture(runs: Runs, findings: tuple[Finding, ...]) -> Picture:
    marks = markers_by(findings, lambda place: _spot(runs.theirs, place))
    groups = [
        (name, list(_strips(run, marks.get(_FIRST_CALL, ()) if run is runs.theirs else ())))
        for name, run in _named(runs)
    ]
    whole = {_("Yours"): marks.get(_DAY, ())}
    return cache_strips(groups, title=_("The day, call by call"), markers=whole)


def _strips(run: Run, first: tuple[int, ...]) -> Iterator[Strip]:
    """The calls of a day; `first` are the numbers of findings about how it begins."""
    for index, call in enumerate(run.day.calls):
        use, note = call.use, f"{call.ttft_seconds:.1f} s"
        yield Strip(call.label, use.read, use.written, use.fresh, note, () if index else first)


def scenario_text(spec: LayoutSpec) -> str:
    """The prompt as found and its day. How often a block changes is the learner's to say, and is not said."""
    blocks = [f"“{spec.label_of(item)}”: {spec.tokens_of(item)} tokens" for item in spec.found]
    day = spec.traffic
    return "\n".join(
        [
            f"The prompt as found, in the order the model ({spec.model}) reads it:",
            *blocks,
            f"The day: {len(day.people)} people, {len(day.documents)} documents, from {day.opens_at:%H:%M} "
            f"to {day.closes_at:%H:%M}, lunch from {day.lunch_from:%H:%M} to {day.lunch_until:%H:%M}.",
        ]
    )
