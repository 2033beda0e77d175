"""The instructor's forms: the tasks, the step that puts results together, the value of a second. No JSON to
write."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from django import forms
from django.core.validators import RegexValidator
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from pydantic import ValidationError as PydanticError

from exercises.kinds.base import AuthoringPart, SpecInvalid
from exercises.kinds.dispatch_plan.spec import MAX_TASKS, TIER_ORDER, PlanSpec
from exercises.kinds.dispatch_plan.words import tier_words

_NAME = RegexValidator(
    r"^[a-z][a-z0-9-]{0,29}$", _("Lower-case letters, digits and hyphens, a letter first, 30 at most.")
)


def _name(**options: Any) -> forms.CharField:
    return forms.CharField(max_length=30, validators=[_NAME], **options)


def _dollars(label: Any, **options: Any) -> forms.FloatField:
    return forms.FloatField(
        label=label, min_value=0, max_value=100, widget=forms.NumberInput(attrs={"step": "any"}), **options
    )


def _seconds(label: Any) -> forms.FloatField:
    return forms.FloatField(
        label=label, min_value=0.001, max_value=600, widget=forms.NumberInput(attrs={"step": "any"})
    )


def _tier_choices() -> list[tuple[str, str]]:
    return [(tier, tier_words(tier)) for tier in TIER_ORDER]


class NamesField(forms.CharField):
    """Names of tasks, by commas."""

    def to_python(self, value: Any) -> Any:
        """A list of names."""
        text = super().to_python(value) or ""
        return [part.strip() for part in text.split(",") if part.strip()]

    def prepare_value(self, value: Any) -> Any:
        """The list as it is typed."""
        return ", ".join(value) if isinstance(value, list | tuple) else value

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether other names are typed; an empty row of a formset has none."""
        return bool(list(initial or ()) != self.to_python(data))


class WorthForm(forms.Form):
    """What waiting costs."""

    value_of_second_usd = _dollars(
        _("Worth of one second of waiting, in dollars"), help_text=_("Decides what speculation pays.")
    )

    def clean_value_of_second_usd(self) -> float:
        value = float(self.cleaned_data["value_of_second_usd"])
        if value <= 0:
            raise forms.ValidationError(gettext("A second must be worth something."))
        return value


class TaskForm(forms.Form):
    """One task."""

    name = _name(label=_("Name"), help_text=_("Never shown; other fields and answers refer to it."))
    label = forms.CharField(label=_("Label"), max_length=60)
    about = forms.CharField(
        label=_("What it reads, in words"), max_length=200, required=False, help_text=_("Learners see this.")
    )
    reads = NamesField(
        label=_("Reads the results of"),
        required=False,
        help_text=_("Names of tasks, with commas between them. The right answer; learners do not see it."),
    )
    p50_seconds = _seconds(_("Median time, seconds"))
    p95_seconds = _seconds(_("95th percentile, seconds"))
    cost_usd = _dollars(_("Price of a call, dollars"), initial=0)
    blocking = forms.BooleanField(label=_("Blocks its thread"), required=False)
    decider = _name(
        label=_("Needed or not is known after"),
        required=False,
        help_text=_("The name of a task; empty for a task that is always needed."),
    )
    probability = forms.FloatField(
        label=_("How often it is needed"),
        min_value=0.001,
        max_value=0.999,
        required=False,
        widget=forms.NumberInput(attrs={"step": "any"}),
        help_text=_("Between 0 and 1; empty for a task that is always needed."),
    )
    verbatim_tokens = forms.IntegerField(
        label=_("Tokens of its result"), min_value=0, max_value=500_000, initial=0
    )
    summary_tokens = forms.IntegerField(
        label=_("Tokens of a digest of it"), min_value=0, max_value=500_000, initial=0
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if bool(cleaned.get("decider")) != (cleaned.get("probability") is not None) and not self.errors:
            self.add_error(
                "probability",
                gettext("A task that decides and a probability belong together: give both or none."),
            )
        p50, p95 = cleaned.get("p50_seconds"), cleaned.get("p95_seconds")
        if p50 is not None and p95 is not None and p95 < p50:
            self.add_error("p95_seconds", gettext("The 95th percentile cannot be below the median."))
        return cleaned


class FanInForm(forms.Form):
    """The step that puts results together."""

    name = _name(label=_("Name"), help_text=_("Never shown."))
    label = forms.CharField(label=_("Label"), max_length=60)
    about = forms.CharField(label=_("What it reads, in words"), max_length=200, required=False)
    reads = NamesField(
        label=_("Reads the results of"), help_text=_("Names of tasks, with commas between them.")
    )
    output_tokens = forms.IntegerField(label=_("Tokens that it writes"), min_value=1, max_value=20_000)
    summary_usd = _dollars(_("Price of one digest, dollars"), initial=0)
    tiers = forms.MultipleChoiceField(
        label=_("Model tiers offered"),
        choices=_tier_choices,
        widget=forms.CheckboxSelectMultiple,
        help_text=_(
            "Offer only tiers that do the step well enough: the smallest of them is the right answer."
        ),
    )
    spread = forms.FloatField(
        label=_("95th percentile of its time over the median"),
        min_value=1,
        max_value=10,
        initial=1.6,
        widget=forms.NumberInput(attrs={"step": "any"}),
    )


TaskFormSet = forms.formset_factory(
    TaskForm, extra=1, can_delete=True, max_num=MAX_TASKS, validate_max=True, min_num=2, validate_min=True
)


def plan_forms(spec: PlanSpec | None, data: QueryDict | None) -> list[AuthoringPart]:
    """Bound to data when given, else filled from the spec, else empty."""
    worth = {"value_of_second_usd": spec.value_of_second_usd} if spec else None
    tasks = [task.model_dump() for task in spec.tasks] if spec else None
    fan_in = spec.fan_in.model_dump() if spec else None
    return [
        AuthoringPart(
            title=gettext("Value of time"), form=WorthForm(data, prefix="spec-worth", initial=worth)
        ),
        AuthoringPart(
            title=gettext("Tasks"),
            form=TaskFormSet(data, prefix="spec-tasks", initial=tasks),
            help=gettext("In the order in which the program as found runs them."),
        ),
        AuthoringPart(
            title=gettext("The step that puts the results together"),
            form=FanInForm(data, prefix="spec-fan-in", initial=fan_in),
        ),
    ]


def spec_of_forms(parts: Sequence[AuthoringPart]) -> PlanSpec:
    """The spec of bound, valid forms. Raises SpecInvalid with what is wrong between fields."""
    worth, tasks, fan_in = (part.form for part in parts)
    if not all([form.is_valid() for form in (worth, tasks, fan_in)]):  # noqa: C419 - all of them show errors
        raise SpecInvalid
    rows = cast("forms.BaseFormSet[TaskForm]", tasks).cleaned_data
    values = {
        **cast("forms.Form", worth).cleaned_data,
        "tasks": [_task(row) for row in rows if row and not row.get("DELETE")],
        "fan_in": cast("forms.Form", fan_in).cleaned_data,
    }
    try:
        return PlanSpec.model_validate(values)
    except PydanticError as error:
        raise SpecInvalid(*(_said(problem["msg"]) for problem in error.errors())) from None


def _task(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "DELETE"} | {"decider": row["decider"] or None}


def _said(message: str) -> str:
    return message.removeprefix("Value error, ")
