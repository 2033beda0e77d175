"""The form of a plan, however wrong it was typed, and the pictures of its run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coach.engine.errors import GraphError
from exercises.kinds.base import AnswerInvalid, Finding, Form, Grade, markers_by
from exercises.kinds.dispatch_plan.answer import HANDOVERS, JOINS, PlanAnswer, parse_plan
from exercises.kinds.dispatch_plan.design import best_plan, graph_of, run_plan, run_sequential, tasks_of
from exercises.kinds.dispatch_plan.edges import ring_in
from exercises.kinds.dispatch_plan.spec import PlanSpec, TaskSpec
from exercises.kinds.dispatch_plan.words import dollars, handover_words, join_words, tier_words
from exercises.kinds.widgets import StepperInput
from lessons.figures.base import Picture
from lessons.figures.graph import graph_drawing, ring_drawing
from lessons.figures.text import seconds_text
from lessons.figures.timeline import Lane, timeline

REDRAW = "redraw"


def prediction_form(spec: PlanSpec) -> type[forms.Form]:
    """Which chain, how long: asked before the run."""
    chains = [(task.name, _("… → %(task)s → %(end)s") % _ends(spec, task)) for task in spec.tasks]

    class PlanPrediction(forms.Form):
        last = forms.ChoiceField(
            label=gettext_lazy("Which chain of your plan will be critical?"),
            choices=[("", _("Choose")), *chains],
            help_text=gettext_lazy("Named by its last task before the results are put together."),
        )
        seconds = forms.FloatField(
            label=gettext_lazy("How long will the whole plan take, in seconds?"),
            min_value=0,
            max_value=10_000,
            widget=StepperInput(by=0.1),
        )

    return PlanPrediction


def _ends(spec: PlanSpec, task: TaskSpec) -> dict[str, str]:
    return {"task": task.label, "end": spec.fan_in.label}


def plan_context(spec: PlanSpec, form: Form, errors: Mapping[str, str]) -> dict[str, Any]:
    """What the template shows: every task with its facts and boxes, the fan-in's choices, the plan drawn."""
    return {
        "value_of_second": dollars(spec.value_of_second_usd),
        "tasks": [_task(spec, form, errors, name) for name in spec.names],
        "ahead_error": errors.get("ahead", ""),
        "pool_error": errors.get("pool", ""),
        "general_error": errors.get("", ""),
        "choices": _choices(spec, form, errors),
        "handed_over": _handed_over(spec),
        "tier_count": len(spec.fan_in.tiers),
        **_drawing(spec, form),
    }


def _task(spec: PlanSpec, form: Form, errors: Mapping[str, str], name: str) -> dict[str, Any]:
    field = f"waits-{name}"
    chosen, task = set(form.get(field, ())), spec.by_name.get(name)
    facts = _facts(spec, task) if task else [_("puts the results together")]
    about = task.about if task else spec.fan_in.about
    return {
        "name": name,
        "label": spec.labels[name],
        "field": field,
        "facts": facts,
        "about": about,
        "error": errors.get(field, ""),
        "others": [
            {"name": other, "label": spec.labels[other], "checked": other in chosen}
            for other in spec.names
            if other != name
        ],
        "blocking": bool(task and task.blocking),
        "in_pool": name in form.get("pool", ()),
        "decider": spec.labels[task.decider] if task and task.decider else "",
        "is_ahead": name in form.get("ahead", ()),
    }


def _facts(spec: PlanSpec, task: TaskSpec) -> list[str]:
    times = {"p50": seconds_text(task.p50_seconds), "p95": seconds_text(task.p95_seconds)}
    facts = [_("%(p50)s, one in twenty over %(p95)s") % times, dollars(task.cost_usd)]
    if task.blocking:
        facts.append(_("through a blocking driver"))
    if task.decider is not None and task.probability is not None:
        words = {"chance": f"{100 * task.probability:.0f}", "decider": spec.labels[task.decider]}
        facts.append(_("needed in %(chance)s %% of all cases, known once “%(decider)s” has ended") % words)
    return facts


def scenario_text(spec: PlanSpec) -> str:
    """The tasks with their times and costs. What they truly wait for is the answer, and is not said."""
    lines = [f"“{task.label}”: {'; '.join(_facts(spec, task))}. {task.about}".strip() for task in spec.tasks]
    fan_in = f"“{spec.fan_in.label}” puts the results together. {spec.fan_in.about}".strip()
    return "\n".join(["The tasks:", *lines, fan_in])


def _choices(spec: PlanSpec, form: Form, errors: Mapping[str, str]) -> list[dict[str, Any]]:
    questions = (
        ("join", _("When does “%(task)s” begin?"), [(value, join_words(value)) for value in JOINS]),
        ("handover", _("What does “%(task)s” read?"), [(v, handover_words(v)) for v in HANDOVERS]),
        (
            "tier",
            _("Which model does “%(task)s”?"),
            [(tier, tier_words(tier)) for tier in spec.fan_in.tiers_by_size],
        ),
    )
    return [
        {
            "field": field,
            "legend": question % {"task": spec.fan_in.label},
            "error": errors.get(field, ""),
            "options": [
                {"value": value, "label": label, "checked": value == (form.get(field) or [""])[-1]}
                for value, label in options
            ],
        }
        for field, question, options in questions
    ]


def _handed_over(spec: PlanSpec) -> list[dict[str, Any]]:
    return [
        {
            "label": task.label,
            "verbatim": task.verbatim_tokens,
            "summary": task.summary_tokens,
        }
        for task in (spec.by_name[name] for name in spec.fan_in.reads)
    ]


def _drawing(spec: PlanSpec, form: Form) -> dict[str, Any]:
    """The plan as it stands, or why it cannot be drawn."""
    try:
        answer = parse_plan(spec, form)
        return {"drawing": graph_drawing(graph_of(spec, answer), title=_("Who waits for whom")), "ring": ""}
    except AnswerInvalid:
        return {"drawing": None, "ring": ""}
    except GraphError:
        ring = ring_in(spec, answer)
        shown = [spec.labels[name] for name in (*ring, ring[0])] if ring else []
        return {"drawing": None, "ring": " → ".join(shown)}


def plan_pictures(spec: PlanSpec, answer: PlanAnswer, grade: Grade) -> list[Picture]:
    """Three timelines on one axis, and the plan as a graph with the findings' numbers."""
    marks = _marks(spec, grade.findings)
    ring, title = ring_in(spec, answer), _("Who waits for whom")
    lanes = [Lane(label=_("One after the other"), trace=run_sequential(spec).trace)]
    if ring:
        drawing = ring_drawing(tasks_of(spec, answer), ring, title=title, markers=marks)
    else:
        lanes.append(Lane(label=_("Yours"), trace=run_plan(spec, answer).trace, markers=marks))
        drawing = graph_drawing(graph_of(spec, answer), title=title, markers=marks)
    lanes.append(Lane(label=_("Best possible"), trace=run_plan(spec, best_plan(spec)).trace))
    return [timeline(lanes, title=_("One request, three ways")), drawing]


def _marks(spec: PlanSpec, findings: tuple[Finding, ...]) -> dict[str, tuple[int, ...]]:
    """Finding numbers by the task at which they stand: an arrow's at the task that waits, a choice's at the
    fan-in."""

    def task_at(place: str) -> str:
        kind, _colon, rest = place.partition(":")
        name = {"task": rest, "edge": rest.partition(">")[2]}.get(kind, "")
        return name if name in spec.names else spec.fan_in.name

    return markers_by(findings, task_at)
