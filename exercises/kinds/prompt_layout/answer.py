"""What the learner hands in: an order of blocks, labels, breakpoints, warming. And how a form means it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import time

from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, Field

from exercises.kinds.base import AnswerInvalid, Form
from exercises.kinds.prompt_layout.spec import STABILITIES, LayoutSpec, StabilityName

MAX_ORDER_CHARS = 600
MIN_KEEPALIVE_MINUTES, MAX_KEEPALIVE_MINUTES = 2, 240


class LayoutAnswer(BaseModel):
    """A design. Items are piece names, glued pieces joined by "+".

    `order`: every piece exactly once. `labels`: item -> how often its text changes, as the learner sees it.
    `marks`: item -> lifetime of the cache entry that ends there. `prewarm_at`: when one warm-up per document
    goes out. `keepalive_minutes`: idle minutes after which an entry is refreshed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    order: tuple[str, ...] = Field(min_length=1, max_length=10)
    labels: dict[str, StabilityName] = Field(default_factory=dict)
    marks: dict[str, str] = Field(default_factory=dict)
    prewarm_at: time | None = None
    keepalive_minutes: int | None = Field(default=None, ge=MIN_KEEPALIVE_MINUTES, le=MAX_KEEPALIVE_MINUTES)


def check_answer(spec: LayoutSpec, answer: LayoutAnswer) -> None:
    """Raises AnswerInvalid unless the design is one for this spec that the provider would take."""
    errors = _order_errors(spec, answer.order)
    if not errors:
        errors = _mark_errors(spec, answer)
    if errors:
        raise AnswerInvalid(errors)


def _order_errors(spec: LayoutSpec, order: tuple[str, ...]) -> dict[str, str]:
    names = [name for item in order for name in item.split("+")]
    if sorted(names) != sorted(piece.name for piece in spec.pieces):
        return {"order": _("The order must hold every block exactly once. Reload the page and try again.")}
    glued = [item for item in order if "+" in item and item not in spec.found]
    if glued:
        return {"order": _("Only blocks that were found together can stand together.")}
    return {}


def _mark_errors(spec: LayoutSpec, answer: LayoutAnswer) -> dict[str, str]:
    errors: dict[str, str] = {}
    marked = [(item, answer.marks[item]) for item in answer.order if item in answer.marks]
    limit = spec.rules.max_breakpoints
    previous = float("inf")
    for number, (item, ttl) in enumerate(marked, start=1):
        seconds = spec.rules.seconds_of(ttl)
        if seconds is None:
            errors[f"mark-{item}"] = _("Choose one of the lifetimes offered.")
        elif number > limit:
            errors[f"mark-{item}"] = _("The provider takes at most %(limit)s breakpoints.") % {"limit": limit}
        elif seconds > previous:
            errors[f"mark-{item}"] = _(
                "The provider refuses a longer lifetime behind a shorter one. This block asks for %(ttl)s."
            ) % {"ttl": ttl}
        previous = seconds if seconds is not None else previous
    return errors


def order_in(form: Form) -> tuple[str, ...]:
    """The items that a form holds, in its order; not checked."""
    return tuple(item for item in last_of(form, "order")[:MAX_ORDER_CHARS].split(",") if item)


def commanded(spec: LayoutSpec, form: Form, command: str) -> dict[str, list[str]]:
    """The form after a Move, Split or Join button: `up:item`, `down:item`, `split:item`, `join:item`.

    What was done is kept in the field `done`, for the status line. A command that makes no sense changes
    nothing.
    """
    changed = {name: list(values) for name, values in form.items()}
    verb, _colon, item = command.partition(":")
    order = order_in(form)
    if item not in order or _order_errors(spec, order):
        return changed
    after = _reordered(spec, order, verb, item)
    if after != order:
        changed |= {"order": [",".join(after)], "done": [command]} | _carried(form, order, after)
    return changed


def _carried(form: Form, before: tuple[str, ...], after: tuple[str, ...]) -> dict[str, list[str]]:
    """A breakpoint stands at a block's end: after Split or Join it stays where it was in the text."""
    ends = {item.rpartition("+")[2]: last_of(form, f"mark-{item}") for item in before}
    return {f"mark-{item}": [ends.get(item.rpartition("+")[2], "")] for item in after if item not in before}


def _reordered(spec: LayoutSpec, order: tuple[str, ...], verb: str, item: str) -> tuple[str, ...]:
    at = order.index(item)
    if verb == "split":
        return (*order[:at], *item.split("+"), *order[at + 1 :])
    if verb == "join":
        return joined(spec, order, item) or order
    other = at + {"up": -1, "down": 1}.get(verb, 0)
    if not 0 <= other < len(order):
        return order
    moved = list(order)
    moved[at], moved[other] = moved[other], moved[at]
    return tuple(moved)


def joined(spec: LayoutSpec, order: tuple[str, ...], item: str) -> tuple[str, ...] | None:
    """The order with the block put together again whose first piece is `item`, where its pieces stand in a
    row.
    """
    block = next((found for found in spec.found if "+" in found and found.split("+")[0] == item), None)
    if block is None or item not in order:
        return None
    at, parts = order.index(item), tuple(block.split("+"))
    if order[at : at + len(parts)] != parts:
        return None
    return (*order[:at], block, *order[at + len(parts) :])


def parse_layout(spec: LayoutSpec, form: Form) -> LayoutAnswer:
    """The design of a form. Raises AnswerInvalid with a sentence a field."""
    errors: dict[str, str] = {}
    order = order_in(form)
    fields = {
        "labels": _chosen(form, "label", order, STABILITIES, errors),
        "marks": _chosen(form, "mark", order, spec.rules.ttls, errors),
        "prewarm_at": _time_in(form, errors),
        "keepalive_minutes": _minutes_in(form, errors),
    }
    problems = _order_errors(spec, order) | errors
    if problems:
        raise AnswerInvalid(problems)
    answer = LayoutAnswer.model_validate({"order": order, **fields})
    check_answer(spec, answer)
    return answer


def form_of(answer: LayoutAnswer) -> dict[str, list[str]]:
    """The form fields of a design."""
    form = {"order": [",".join(answer.order)]}
    for item in answer.order:
        form[f"label-{item}"] = [answer.labels.get(item, "")]
        form[f"mark-{item}"] = [answer.marks.get(item, "")]
    form["prewarm"] = [answer.prewarm_at.strftime("%H:%M") if answer.prewarm_at else ""]
    form["keepalive"] = [str(answer.keepalive_minutes or "")]
    return form


def last_of(form: Form, name: str) -> str:
    """The last value of a field, "" when there is none."""
    values = form.get(name) or [""]
    return values[-1]


def _chosen(
    form: Form, prefix: str, order: tuple[str, ...], known: Mapping[str, object], errors: dict[str, str]
) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for item in order:
        value = last_of(form, f"{prefix}-{item}")
        if value and value not in known:
            errors[f"{prefix}-{item}"] = _("Choose one of the answers offered.")
        elif value:
            chosen[item] = value
    return chosen


def _time_in(form: Form, errors: dict[str, str]) -> time | None:
    text = last_of(form, "prewarm").strip()
    if not text:
        return None
    found = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", text[:6])
    if found is None:
        errors["prewarm"] = _("Choose one of the times offered, or no warm-up.")
        return None
    return time(int(found[1]), int(found[2]))


def _minutes_in(form: Form, errors: dict[str, str]) -> int | None:
    text = last_of(form, "keepalive").strip()
    if not text:
        return None
    found = re.fullmatch(r"[0-9]{1,3}", text)
    if found is None or not MIN_KEEPALIVE_MINUTES <= int(text) <= MAX_KEEPALIVE_MINUTES:
        errors["keepalive"] = _("Choose whole minutes from %(least)s to %(limit)s, or no keep-alive.") % {
            "least": MIN_KEEPALIVE_MINUTES,
            "limit": MAX_KEEPALIVE_MINUTES,
        }
        return None
    return int(text)
