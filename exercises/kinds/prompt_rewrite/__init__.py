"""Prompt rewrite: make a slow prompt fast and lose no rule of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext_lazy

from exercises.kinds.base import AuthoringPart, Form, Grade, Kind
from exercises.kinds.prompt_rewrite import authoring, panel, workbench
from exercises.kinds.prompt_rewrite.answer import RewriteAnswer, form_of, parse_rewrite
from exercises.kinds.prompt_rewrite.estimate import as_found, reference
from exercises.kinds.prompt_rewrite.grade import GRADER_VERSION, grade_rewrite
from exercises.kinds.prompt_rewrite.spec import RewriteSpec
from exercises.kinds.trials import Case, Trial, TriedPrompt
from lessons.figures.base import Picture


class PromptRewrite(Kind[RewriteSpec, RewriteAnswer]):
    """The learner rewrites a prompt's text and chooses tier, form of the answer, reasoning and streaming."""

    name = "prompt_rewrite"
    label = gettext_lazy("Prompt rewrite")
    grader_version = GRADER_VERSION
    workbench_template = "exercises/kinds/prompt_rewrite.html"
    scripts = ("exercises/prompt_rewrite.js",)
    Spec = RewriteSpec
    Answer = RewriteAnswer

    def starting_answer(self, spec: RewriteSpec) -> RewriteAnswer:
        """The prompt and its settings as found."""
        return as_found(spec)

    def reference_answers(self, spec: RewriteSpec) -> tuple[RewriteAnswer, ...]:
        """The author's rewrite."""
        return (reference(spec),)

    def to_form(self, spec: RewriteSpec, answer: RewriteAnswer) -> dict[str, list[str]]:
        """See `answer.form_of`."""
        return form_of(answer)

    def parse(self, spec: RewriteSpec, form: Form) -> RewriteAnswer:
        """See `answer.parse_rewrite`."""
        return parse_rewrite(spec, form)

    def prediction_fields(self, spec: RewriteSpec) -> type[forms.Form]:
        """Seconds of a call after the rewrite."""
        return workbench.prediction_form(spec)

    def grade(
        self, spec: RewriteSpec, answer: RewriteAnswer, *, prediction: Mapping[str, Any] | None, seed: int = 0
    ) -> Grade:
        """Reads the text and estimates a call. Raises AnswerInvalid for a text that cannot be judged."""
        return grade_rewrite(spec, answer, prediction=prediction, seed=seed)

    def workbench_context(self, spec: RewriteSpec, form: Form, errors: Mapping[str, str]) -> dict[str, Any]:
        """See `workbench.rewrite_context`."""
        return workbench.rewrite_context(spec, form, errors)

    def commanded(self, spec: RewriteSpec, form: Form, command: str) -> dict[str, list[str]]:
        """See `panel.commanded`."""
        return panel.commanded(spec, form, command)

    def scenario(self, spec: RewriteSpec) -> str:
        """The prompt as found."""
        return f"The prompt as found, run on the {spec.tier} model:\n{spec.text.strip()}"

    def trial(self, spec: RewriteSpec, answer: RewriteAnswer) -> Trial | None:
        """Both texts on the inputs that have a right answer."""
        cases = tuple(
            Case(label=rule.label, text=rule.case, expected=rule.expected)
            for rule in spec.rules
            if rule.expected
        )
        found, own = (TriedPrompt(text, spec.placeholder) for text in (spec.text, answer.text))
        return Trial(found=found, own=own, cases=cases) if cases else None

    def pictures(self, spec: RewriteSpec, answer: RewriteAnswer, grade: Grade) -> list[Picture]:
        """Tokens, time, rules, changes."""
        return workbench.rewrite_pictures(spec, answer, grade)

    def spec_to_forms(self, spec: RewriteSpec | None, data: QueryDict | None = None) -> list[AuthoringPart]:
        """Prompt, words, rules, output, accuracy, reference."""
        return authoring.rewrite_forms(spec, data)

    def forms_to_spec(self, parts: Sequence[AuthoringPart]) -> RewriteSpec:
        """See `authoring.spec_of_forms`."""
        return authoring.spec_of_forms(parts)


KIND = PromptRewrite()
