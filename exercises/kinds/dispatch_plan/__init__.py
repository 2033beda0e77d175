"""Dispatch plan: draw who waits for whom, choose what starts ahead and how the results come together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy

from exercises.kinds.base import AuthoringPart, Form, Grade, Kind
from exercises.kinds.dispatch_plan import authoring, workbench
from exercises.kinds.dispatch_plan.answer import PlanAnswer, form_of, parse_plan
from exercises.kinds.dispatch_plan.design import as_found, best_plan
from exercises.kinds.dispatch_plan.grade import GRADER_VERSION, grade_plan
from exercises.kinds.dispatch_plan.spec import PlanSpec
from lessons.figures.base import Picture


class DispatchPlan(Kind[PlanSpec, PlanAnswer]):
    """The learner says what each task waits for, what is dispatched speculatively, where blocking calls
    run, and how the fan-in works; the plan is run by the engine.
    """

    name = "dispatch_plan"
    label = gettext_lazy("Dispatch plan")
    grader_version = GRADER_VERSION
    workbench_template = "exercises/kinds/dispatch_plan.html"
    scripts = ("exercises/dispatch_plan.js",)
    Spec = PlanSpec
    Answer = PlanAnswer

    def starting_answer(self, spec: PlanSpec) -> PlanAnswer:
        """One task after the other."""
        return as_found(spec)

    def reference_answers(self, spec: PlanSpec) -> tuple[PlanAnswer, ...]:
        """The best plan that the engine finds."""
        return (best_plan(spec),)

    def to_form(self, spec: PlanSpec, answer: PlanAnswer) -> dict[str, list[str]]:
        """See `answer.form_of`."""
        return form_of(spec, answer)

    def parse(self, spec: PlanSpec, form: Form) -> PlanAnswer:
        """See `answer.parse_plan`. A ring is a plan too, if one that never starts: the grader speaks about
        it."""
        return parse_plan(spec, form)

    def prediction_fields(self, spec: PlanSpec) -> type[forms.Form]:
        """The critical chain and the time."""
        return workbench.prediction_form(spec)

    def grade(
        self, spec: PlanSpec, answer: PlanAnswer, *, prediction: Mapping[str, Any] | None, seed: int = 0
    ) -> Grade:
        """Runs the plan with the numbers of that seed. Raises AnswerInvalid for tasks that the spec has
        not."""
        return grade_plan(spec, answer, prediction=prediction, seed=seed)

    def workbench_context(self, spec: PlanSpec, form: Form, errors: Mapping[str, str]) -> dict[str, Any]:
        """See `workbench.plan_context`. Its only command redraws the plan, which every rendering does
        anyway."""
        return workbench.plan_context(spec, form, errors)

    def scenario(self, spec: PlanSpec) -> str:
        """See `workbench.scenario_text`."""
        return workbench.scenario_text(spec)

    def pictures(self, spec: PlanSpec, answer: PlanAnswer, grade: Grade) -> list[Picture]:
        """Timelines of sequential, theirs and best; the plan as a graph."""
        return workbench.plan_pictures(spec, answer, grade)

    def spec_to_forms(self, spec: PlanSpec | None, data: QueryDict | None = None) -> list[AuthoringPart]:
        """Tasks, what puts them together, the value of a second."""
        return authoring.plan_forms(spec, data)

    def forms_to_spec(self, parts: Sequence[AuthoringPart]) -> PlanSpec:
        """See `authoring.spec_of_forms`."""
        return authoring.spec_of_forms(parts)


KIND = DispatchPlan()
