"""The instructor's forms: the prompt's pieces, the day, the model. Typed and labelled; no JSON to write."""

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
from exercises.kinds.prompt_layout.spec import MARKABLE_MODELS, LayoutSpec
from exercises.kinds.prompt_layout.words import stability_choices

_TIME = forms.TimeInput(format="%H:%M", attrs={"type": "time"})


def _time(label: Any) -> forms.TimeField:
    return forms.TimeField(label=label, widget=_TIME, input_formats=["%H:%M", "%H:%M:%S"])


class SettingForm(forms.Form):
    """Model and money."""

    model = forms.ChoiceField(label=_("Model"), choices=[(name, name) for name in MARKABLE_MODELS])
    value_of_second_usd = forms.FloatField(
        label=_("Worth of one second of waiting, in dollars"),
        min_value=0,
        max_value=10,
        help_text=_("Weighs time against money when designs are compared."),
    )


class PieceForm(forms.Form):
    """One piece of the prompt."""

    name = forms.CharField(
        label=_("Name"),
        max_length=30,
        validators=[RegexValidator(r"^[a-z][a-z0-9]*$", _("Lower-case letters and digits, a letter first."))],
        help_text=_("Never shown; answers refer to it."),
    )
    label = forms.CharField(label=_("Label"), max_length=80)
    block = forms.CharField(
        label=_("Found in block"),
        max_length=80,
        help_text=_("Neighbours with the same block are found glued together and can be split."),
    )
    tokens = forms.IntegerField(label=_("Tokens"), min_value=1, max_value=500_000)
    stability = forms.ChoiceField(label=_("How often it changes"), choices=stability_choices)


class TrafficForm(forms.Form):
    """The day of calls."""

    people = forms.CharField(
        label=_("People"),
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text=_("One name a line, 20 at most."),
    )
    documents = forms.CharField(
        label=_("Documents"),
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=_("One name a line, 12 at most."),
    )
    opens_at = _time(_("Opens at"))
    closes_at = _time(_("Closes at"))
    lunch_from = _time(_("Lunch from"))
    lunch_until = _time(_("Lunch until"))
    arrival_minutes = forms.IntegerField(
        label=_("Minutes in which people arrive"), min_value=0, max_value=120
    )
    sessions_per_person = forms.IntegerField(label=_("Sessions per person"), min_value=1, max_value=10)
    calls_per_session = forms.IntegerField(label=_("Calls per session"), min_value=1, max_value=20)
    gap_p50_seconds = forms.FloatField(
        label=_("Pause between calls, median, seconds"), min_value=1, max_value=7_200
    )
    gap_p95_seconds = forms.FloatField(
        label=_("Pause between calls, 95th percentile, seconds"), min_value=1, max_value=14_400
    )
    document_spread = forms.FloatField(
        label=_("Spread of the documents' sizes"),
        min_value=0,
        max_value=0.5,
        help_text=_("0.1 lets each document be up to 10 % shorter or longer."),
    )
    output_tokens = forms.IntegerField(label=_("Output tokens of a call"), min_value=0, max_value=20_000)


PieceFormSet = forms.formset_factory(
    PieceForm, extra=1, can_delete=True, max_num=10, validate_max=True, min_num=2, validate_min=True
)


def layout_forms(spec: LayoutSpec | None, data: QueryDict | None) -> list[AuthoringPart]:
    """Bound to data when given, else filled from the spec, else empty."""
    setting = spec.model_dump(include={"model", "value_of_second_usd"}) if spec else None
    pieces = [piece.model_dump() for piece in spec.pieces] if spec else None
    return [
        AuthoringPart(title=gettext("Model"), form=SettingForm(data, prefix="spec-setting", initial=setting)),
        AuthoringPart(
            title=gettext("Pieces of the prompt, in the order found"),
            form=PieceFormSet(data, prefix="spec-pieces", initial=pieces),
        ),
        AuthoringPart(
            title=gettext("The day"),
            form=TrafficForm(data, prefix="spec-traffic", initial=_traffic_initial(spec)),
        ),
    ]


def _traffic_initial(spec: LayoutSpec | None) -> dict[str, Any] | None:
    if spec is None:
        return None
    values = spec.traffic.model_dump()
    return {**values, "people": "\n".join(values["people"]), "documents": "\n".join(values["documents"])}


def spec_of_forms(parts: Sequence[AuthoringPart]) -> LayoutSpec:
    """The spec of bound, valid forms. Raises SpecInvalid with what is wrong between fields."""
    setting, pieces, traffic = (part.form for part in parts)
    if not all(form.is_valid() for form in (setting, pieces, traffic)):
        raise SpecInvalid
    day = cast("forms.Form", traffic).cleaned_data
    rows = cast("forms.BaseFormSet[PieceForm]", pieces).cleaned_data
    values = {
        **cast("forms.Form", setting).cleaned_data,
        "pieces": [_piece(row) for row in rows if row and not row.get("DELETE")],
        "traffic": {**day, "people": _lines(day["people"]), "documents": _lines(day["documents"])},
    }
    try:
        return LayoutSpec.model_validate(values)
    except PydanticError as error:
        raise SpecInvalid(*(problem["msg"] for problem in error.errors())) from None


def _piece(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "DELETE"}


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]
