"""How an instructor works on an exercise: its fields and its kind's own forms as one, and a preview."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from pydantic import ValidationError as PydanticError

from exercises.forms import HandIn, as_found, raw_form
from exercises.kinds import KINDS, AnyKind, kind_named
from exercises.kinds.base import AuthoringPart, SpecInvalid
from exercises.models import Exercise, ExerciseRevision, Submission
from exercises.publishing import describe
from exercises.results import Result
from lessons.markdown import render_fragment


def kind_choices() -> list[tuple[str, str]]:
    return [(name, kind.label) for name, kind in KINDS.items()]


class ExerciseForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """An exercise's draft. Its kind is chosen once; from then on the kind's forms (`parts`) belong to it."""

    kind = forms.ChoiceField(
        label=_lazy("Kind"), choices=kind_choices, help_text=_lazy("Cannot be changed later.")
    )

    class Meta:
        model = Exercise
        fields = ("lesson", "kind", "slug", "position", "title", "summary", "brief")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields.pop("kind", None)
        self.parts = self._make_parts() if self.instance.pk and self.fields else []

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.parts and self.is_bound:
            self._take_spec()
        return cleaned

    def _make_parts(self) -> list[AuthoringPart]:
        kind = kind_named(self.instance.kind)
        data = cast(QueryDict, self.data) if self.is_bound else None
        parts = kind.spec_to_forms(draft_spec(kind, self.instance), data)
        for part in parts:
            if isinstance(part.form, forms.BaseFormSet) and part.form.initial_form_count():
                # The admin's script adds rows; a blank one with an option chosen would have to be filled.
                part.form.extra = 0
        return parts

    def _take_spec(self) -> None:
        # All of them, so that one round shows all that is wrong.
        if not all([part.form.is_valid() for part in self.parts]):  # noqa: C419
            self.add_error(None, _("Something in the specification below is not right yet."))
            return
        kind = kind_named(self.instance.kind)
        try:
            self.instance.spec = kind.forms_to_spec(self.parts).model_dump(mode="json")
        except SpecInvalid as invalid:
            messages = invalid.messages or [_("Something in the specification below is not right yet.")]
            self.add_error(None, [forms.ValidationError(message) for message in messages])
        except PydanticError as error:
            self.add_error(None, describe(error))


def draft_spec(kind: AnyKind, exercise: Exercise) -> Any | None:
    """The draft's specification; None while there is none that its kind would read."""
    try:
        return kind.Spec.model_validate(exercise.spec)
    except PydanticError:
        return None


def preview_page(exercise: Exercise, data: QueryDict | None) -> dict[str, Any]:
    """The learner's page of the draft. A posted answer is graded and not stored."""
    kind = kind_named(exercise.kind)
    revision = ExerciseRevision(
        exercise=exercise,
        number=0,
        title=exercise.title,
        summary=exercise.summary,
        brief=exercise.brief,
        brief_html=render_fragment(exercise.brief),
        spec=exercise.spec,
    )
    page = {"exercise": exercise, "revision": revision, "is_preview": True, "attempts": [], "result": None}
    if data is None:
        return page | {"workbench": as_found(kind, revision)}
    form, errors = raw_form(data)
    hand_in = HandIn(kind=kind, revision=revision, form=form, errors=errors, is_bound=True)
    hand_in.command = data.get("command", "")
    if hand_in.command:
        return page | {"workbench": hand_in.commanded()}
    return page | {"workbench": hand_in, "result": _tried(hand_in) if hand_in.is_valid() else None}


def _tried(hand_in: HandIn) -> Result:
    """A result that exists on this page only."""
    answer = hand_in.kind.Answer.model_validate(hand_in.answer_data)
    grade = hand_in.kind.grade(hand_in.spec, answer, prediction=hand_in.prediction).to_dict()
    return Result(
        Submission(
            exercise=hand_in.revision.exercise,
            revision=hand_in.revision,
            number=0,
            answer=hand_in.answer_data,
            state=Submission.State.GRADED,
            result={"prediction": grade.pop("prediction")},
            **grade,
        )
    )
