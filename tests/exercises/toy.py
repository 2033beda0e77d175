"""A small kind of exercise: a row of numbers that has to reach a target. Real in every method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.safestring import mark_safe
from pydantic import BaseModel, ConfigDict, Field

from exercises.kinds.base import (
    AnswerInvalid,
    AuthoringPart,
    Finding,
    Form,
    Grade,
    Kind,
    Measure,
    PredictionOutcome,
    SpecInvalid,
    numbered,
)
from lessons.figures.base import Picture


class ToySpec(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    target: int = Field(ge=1, le=1000)
    start: tuple[int, ...] = Field(default=(1,), max_length=5)
    limit: int = Field(default=100, ge=1, le=1000)
    fragile: bool = False


class ToyAnswer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    numbers: tuple[int, ...]
    note: str = ""


class PredictionForm(forms.Form):
    total = forms.IntegerField(label="What will it come to?", min_value=0, max_value=10_000)


class TargetForm(forms.Form):
    target = forms.IntegerField(label="Target", min_value=1, max_value=1000)


class StartForm(forms.Form):
    number = forms.IntegerField(label="Starting number")


StartFormSet = forms.formset_factory(StartForm, extra=1, max_num=5, can_delete=True)


class GraderBrokenError(RuntimeError):
    pass


class ToyKind(Kind[ToySpec, ToyAnswer]):
    name = "toy"
    label = "Toy"
    grader_version = "toy-1"
    workbench_template = "tests/toy.html"
    Spec = ToySpec
    Answer = ToyAnswer
    broken = False

    def starting_answer(self, spec: ToySpec) -> ToyAnswer:
        return ToyAnswer(numbers=spec.start)

    def reference_answers(self, spec: ToySpec) -> tuple[ToyAnswer, ...]:
        return (ToyAnswer(numbers=(min(spec.target, spec.limit),)),)

    def to_form(self, spec: ToySpec, answer: ToyAnswer) -> dict[str, list[str]]:
        return {"numbers": [str(number) for number in answer.numbers], "note": [answer.note]}

    def parse(self, spec: ToySpec, form: Form) -> ToyAnswer:
        try:
            numbers = tuple(int(text) for text in form.get("numbers", ()) if text.strip())
        except ValueError:
            raise AnswerInvalid({"numbers": "Whole numbers only."}) from None
        if any(number > spec.limit for number in numbers):
            raise AnswerInvalid({"numbers": f"At most {spec.limit} each."})
        return ToyAnswer(numbers=numbers, note="".join(form.get("note", ())))

    def commanded(self, spec: ToySpec, form: Form, command: str) -> dict[str, list[str]]:
        changed = {name: list(values) for name, values in form.items()}
        if command == "double":
            changed["numbers"] = changed.get("numbers", []) * 2
        return changed

    def prediction_fields(self, spec: ToySpec) -> type[forms.Form]:
        return PredictionForm

    def grade(
        self, spec: ToySpec, answer: ToyAnswer, *, prediction: Mapping[str, Any] | None, seed: int = 0
    ) -> Grade:
        if self.broken or (spec.fragile and sum(answer.numbers) == 13):
            raise GraderBrokenError
        total = sum(answer.numbers)
        findings = [] if total == spec.target else [self.finding(spec, total)]
        return Grade(
            score=1.0 if not findings else max(0.0, 1 - abs(total - spec.target) / spec.target),
            passed=not findings,
            findings=numbered(findings),
            measures=(self.measure(spec, total),),
            grader_version=self.grader_version,
            prediction=self.outcome(prediction, total),
        )

    def measure(self, spec: ToySpec, total: int) -> Measure:
        start = sum(spec.start)
        return Measure(
            key="total", label="Total", as_found=start, theirs=total, best=spec.target, unit="count"
        )

    def finding(self, spec: ToySpec, total: int) -> Finding:
        code = "total-low" if total < spec.target else "total-high"
        return Finding(
            code=code,
            place="numbers",
            place_label="The numbers",
            severity="wrong",
            message=f"They come to {total}, not to the target.",
            fix=f"Reach {spec.target}.",
            fix_terms=((str(spec.target),),),
            passage="parallel-execution#needs",
            evidence={"total": total},
        )

    def outcome(self, prediction: Mapping[str, Any] | None, total: int) -> PredictionOutcome | None:
        if not prediction:
            return None
        given = prediction["total"]
        return PredictionOutcome(asked="The total", given=str(given), actual=str(total), close=given == total)

    def workbench_context(self, spec: ToySpec, form: Form, errors: Mapping[str, str]) -> dict[str, Any]:
        note = "".join(form.get("note", ()))
        return {"numbers": list(form.get("numbers", ())), "note": note, "errors": errors}

    def pictures(self, spec: ToySpec, answer: ToyAnswer, grade: Grade) -> list[Picture]:
        svg = mark_safe("<svg></svg>")
        sentence = f"The total is {sum(answer.numbers)}."
        return [Picture(title="Totals", svg=svg, svg_narrow=svg, sentence=sentence, columns=(), rows=())]

    def spec_to_forms(self, spec: ToySpec | None, data: QueryDict | None = None) -> list[AuthoringPart]:
        start = [{"number": number} for number in spec.start] if spec else []
        target = TargetForm(data, prefix="spec-target", initial={"target": spec.target} if spec else None)
        rows = StartFormSet(data, prefix="spec-start", initial=start)
        return [
            AuthoringPart(title="The target", form=target, help="What the numbers have to reach."),
            AuthoringPart(title="Starting numbers", form=rows),
        ]

    def forms_to_spec(self, parts: Sequence[AuthoringPart]) -> ToySpec:
        target, start = (part.form for part in parts)
        assert isinstance(target, forms.BaseForm)
        assert isinstance(start, forms.BaseFormSet)
        rows = [row.cleaned_data for row in start.forms if row.cleaned_data]
        rows = [row for row in rows if not row.get("DELETE")]
        if target.cleaned_data["target"] == 666:
            target.add_error("target", "Not this one.")
            raise SpecInvalid
        if not rows:
            raise SpecInvalid("At least one starting number is needed.")
        return ToySpec(target=target.cleaned_data["target"], start=tuple(row["number"] for row in rows))


TOY = ToyKind()
