"""What the learner hands in: who waits for whom, what starts ahead, where calls run, how results come
together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, cast

from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, Field

from exercises.kinds.base import AnswerInvalid, Form
from exercises.kinds.dispatch_plan.spec import MAX_TASKS, PlanSpec, TierName

JoinName = Literal["all", "stream"]
HandoverName = Literal["verbatim", "summarised"]
JOINS: tuple[JoinName, ...] = ("all", "stream")
HANDOVERS: tuple[HandoverName, ...] = ("verbatim", "summarised")
_FEW = MAX_TASKS + 1


class PlanAnswer(BaseModel):
    """A plan, by names of tasks.

    `waits`: for each task the tasks it waits for. `pool`: blocking tasks that run in the thread pool.
    `ahead`: conditional tasks dispatched before their decider has ended. `join`, `handover`, `tier`: the
    fan-in.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    waits: dict[str, tuple[str, ...]] = Field(max_length=_FEW)
    pool: tuple[str, ...] = Field(default=(), max_length=_FEW)
    ahead: tuple[str, ...] = Field(default=(), max_length=_FEW)
    join: JoinName = "all"
    handover: HandoverName = "verbatim"
    tier: TierName

    def waits_of(self, name: str) -> tuple[str, ...]:
        """The tasks it waits for."""
        return self.waits.get(name, ())

    @property
    def edges(self) -> tuple[tuple[str, str], ...]:
        """(the one waited for, the one that waits)."""
        return tuple((before, after) for after, waits in self.waits.items() for before in waits)


def check_answer(spec: PlanSpec, answer: PlanAnswer) -> None:
    """Raises AnswerInvalid unless the plan speaks of this spec's tasks only. Rings are for the grader."""
    errors: dict[str, str] = {}
    for name, waits in answer.waits.items():
        if name not in spec.names:
            errors[""] = _("This plan has tasks that the exercise does not have. Reload the page.")
        else:
            _check_names(errors, f"waits-{name}", waits, [each for each in spec.names if each != name])
    _check_names(errors, "pool", answer.pool, [task.name for task in spec.blocking])
    _check_names(errors, "ahead", answer.ahead, [task.name for task in spec.conditional])
    if answer.tier not in spec.fan_in.tiers:
        errors["tier"] = _choose()
    if errors:
        raise AnswerInvalid(errors)


def parse_plan(spec: PlanSpec, form: Form) -> PlanAnswer:
    """The plan that a form means. Raises AnswerInvalid with a sentence a field."""
    errors: dict[str, str] = {}
    for field in form:
        if field.startswith("waits-") and field.removeprefix("waits-") not in spec.names:
            errors[""] = _("This plan has tasks that the exercise does not have. Reload the page.")
    waits = {
        name: _chosen(form, f"waits-{name}", [each for each in spec.names if each != name], errors)
        for name in spec.names
    }
    pool = _chosen(form, "pool", [task.name for task in spec.blocking], errors)
    ahead = _chosen(form, "ahead", [task.name for task in spec.conditional], errors)
    join = _one(form, "join", JOINS, errors)
    handover = _one(form, "handover", HANDOVERS, errors)
    tier = _one(form, "tier", spec.fan_in.tiers_by_size, errors)
    if errors:
        raise AnswerInvalid(errors)
    return PlanAnswer(
        waits=waits,
        pool=pool,
        ahead=ahead,
        join=cast("JoinName", join),
        handover=cast("HandoverName", handover),
        tier=cast("TierName", tier),
    )


def form_of(spec: PlanSpec, answer: PlanAnswer) -> dict[str, list[str]]:
    """The form fields of a plan."""
    return {
        **{f"waits-{name}": list(answer.waits_of(name)) for name in spec.names},
        "pool": list(answer.pool),
        "ahead": list(answer.ahead),
        "join": [answer.join],
        "handover": [answer.handover],
        "tier": [answer.tier],
    }


def _chosen(form: Form, field: str, known: list[str], errors: dict[str, str]) -> tuple[str, ...]:
    """The boxes ticked, in the order in which they stand on the page."""
    values = form.get(field, ())
    _check_names(errors, field, values, known)
    return tuple(name for name in known if name in set(values[: len(known)]))


def _check_names(errors: dict[str, str], field: str, values: Iterable[str], known: Iterable[str]) -> None:
    allowed, given = set(known), list(values)
    if len(given) > _FEW:
        errors[field] = _("At most %(limit)s tasks can be chosen here.") % {"limit": _FEW}
        return
    own = field.removeprefix("waits-")
    for value in given:
        if value == own and field.startswith("waits-"):
            errors[field] = _("A task cannot wait for itself.")
        elif value not in allowed:
            errors[field] = _("Choose among the tasks offered.")


def _one(form: Form, field: str, known: Iterable[str], errors: dict[str, str]) -> str:
    values = form.get(field) or [""]
    if values[-1] not in known:
        errors[field] = _choose()
    return values[-1]


def _choose() -> str:
    return _("Choose one of the answers offered.")


def ring_of(waits: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """A ring of tasks that wait for each other, each for the next, the first named once; () for none.

    `waits` names known tasks only.
    """
    open_waits = {name: len(set(needs)) for name, needs in waits.items()}
    followers: dict[str, list[str]] = {name: [] for name in waits}
    for name, needs in waits.items():
        for need in set(needs):
            followers[need].append(name)
    free = [name for name, count in open_waits.items() if not count]
    for name in free:  # grows while it is walked
        for each in followers[name]:
            open_waits[each] -= 1
            if not open_waits[each]:
                free.append(each)
    return _walk_ring(waits, {name for name, count in open_waits.items() if count})


def _walk_ring(waits: Mapping[str, tuple[str, ...]], stuck: set[str]) -> tuple[str, ...]:
    walked: list[str] = []
    name = next((each for each in waits if each in stuck), None)
    while name is not None and name not in walked:
        walked.append(name)
        name = next(need for need in waits[name] if need in stuck)
    return tuple(walked[walked.index(name) :]) if name is not None else ()
