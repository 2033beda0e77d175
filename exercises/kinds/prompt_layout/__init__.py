"""Prompt layout: order, split and mark the blocks of a prompt against a day of traffic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy

from exercises.kinds.base import AuthoringPart, Form, Grade, Kind
from exercises.kinds.prompt_layout import authoring, workbench
from exercises.kinds.prompt_layout.answer import LayoutAnswer, commanded, form_of, parse_layout
from exercises.kinds.prompt_layout.design import as_found, found_and_best
from exercises.kinds.prompt_layout.grade import GRADER_VERSION, grade_layout
from exercises.kinds.prompt_layout.spec import LayoutSpec
from lessons.figures.base import Picture


class PromptLayout(Kind[LayoutSpec, LayoutAnswer]):
    """The learner says how often each block changes, orders the blocks, sets breakpoints, lifetimes and
    warming.
    """

    name = "prompt_layout"
    label = gettext_lazy("Prompt layout")
    grader_version = GRADER_VERSION
    workbench_template = "exercises/kinds/prompt_layout.html"
    Spec = LayoutSpec
    Answer = LayoutAnswer

    def starting_answer(self, spec: LayoutSpec) -> LayoutAnswer:
        """The prompt as found: nothing labelled, marked or warmed."""
        return as_found(spec)

    def reference_answers(self, spec: LayoutSpec) -> tuple[LayoutAnswer, ...]:
        """The best design that the engine finds for the day."""
        return (found_and_best(spec)[1].answer,)

    def to_form(self, spec: LayoutSpec, answer: LayoutAnswer) -> dict[str, list[str]]:
        """See `answer.form_of`."""
        return form_of(answer)

    def parse(self, spec: LayoutSpec, form: Form) -> LayoutAnswer:
        """See `answer.parse_layout`."""
        return parse_layout(spec, form)

    def commanded(self, spec: LayoutSpec, form: Form, command: str) -> dict[str, list[str]]:
        """Move up, Move down, Split, Join."""
        return commanded(spec, form, command)

    def prediction_fields(self, spec: LayoutSpec) -> type[forms.Form]:
        """Hit rate and cost of the day."""
        return workbench.LayoutPrediction

    def grade(
        self, spec: LayoutSpec, answer: LayoutAnswer, *, prediction: Mapping[str, Any] | None, seed: int = 0
    ) -> Grade:
        """Runs the day of that seed. Raises AnswerInvalid for a design that the provider would refuse."""
        return grade_layout(spec, answer, prediction=prediction, seed=seed)

    def workbench_context(self, spec: LayoutSpec, form: Form, errors: Mapping[str, str]) -> dict[str, Any]:
        """See `workbench.layout_context`."""
        return workbench.layout_context(spec, form, errors)

    def scenario(self, spec: LayoutSpec) -> str:
        """See `workbench.scenario_text`."""
        return workbench.scenario_text(spec)

    def pictures(self, spec: LayoutSpec, answer: LayoutAnswer, grade: Grade) -> list[Picture]:
        """Blocks and strips: as found, theirs, best possible."""
        return workbench.layout_pictures(spec, answer, grade)

    def spec_to_forms(self, spec: LayoutSpec | None, data: QueryDict | None = None) -> list[AuthoringPart]:
        """Model, pieces, day."""
        return authoring.layout_forms(spec, data)

    def forms_to_spec(self, parts: Sequence[AuthoringPart]) -> LayoutSpec:
        """See `authoring.spec_of_forms`."""
        return authoring.spec_of_forms(parts)


KIND = PromptLayout()
