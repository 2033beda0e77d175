"""The one form of an exercise's page: the workbench as typed, the prediction, the revision it was made from.

Limits: a body of 256 KB and 2,000 fields (settings; larger is refused before it is read whole), 100,000
characters a field, 200 a field's name. A kind states its own, tighter ones at its fields.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, cast
from uuid import UUID, uuid4

from django import forms
from django.core.serializers.json import DjangoJSONEncoder
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy
from django.utils.translation import ngettext
from pydantic import ValidationError as PydanticError

from exercises.kinds import AnyKind, kind_named
from exercises.kinds.base import AnswerInvalid
from exercises.models import Exercise, ExerciseRevision, Submission

MAX_VALUE_CHARS = 100_000
MAX_NAME_CHARS = 200
PREDICTION_PREFIX = "predict"
# What the page adds to the fields of the workbench; never part of a draft.
CONTROL_FIELDS = frozenset({"csrfmiddlewaretoken", "client_key", "revision", "had_errors", "command"})
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

RawForm = dict[str, list[str]]


def raw_form(data: QueryDict) -> tuple[RawForm, dict[str, str]]:
    """The form as typed, fit to be stored, and what is wrong with it whatever the kind."""
    form: RawForm = {}
    errors: dict[str, str] = {}
    for name, values in data.lists():
        if name in CONTROL_FIELDS or len(name) > MAX_NAME_CHARS or UNSTORABLE.search(name):
            continue
        texts = [str(value) for value in values]
        form[name] = [UNSTORABLE.sub("\ufffd", text) for text in texts]
        error = _value_error(texts)
        if error:
            errors[name] = error
    return form, errors


def _value_error(texts: list[str]) -> str:
    longest = max((len(text) for text in texts), default=0)
    if longest > MAX_VALUE_CHARS:
        return ngettext(
            "At most %(limit)s characters fit here; this has %(count)s.",
            "At most %(limit)s characters fit here; this has %(count)s.",
            longest,
        ) % {"limit": f"{MAX_VALUE_CHARS:,}", "count": f"{longest:,}"}
    if any(UNSTORABLE.search(text) for text in texts):
        return _("This contains a character that cannot be stored. It is now “\ufffd”; please check.")
    return ""


@dataclass(kw_only=True)
class Workbench:
    """An exercise's form as it stands: its revision, what is typed in it, what is wrong with it."""

    kind: AnyKind
    revision: ExerciseRevision
    form: Mapping[str, list[str]]
    errors: dict[str, str] = field(default_factory=dict)
    is_bound: bool = False
    # The form was made from another revision than the one that learners see now.
    is_stale: bool = False

    @property
    def has_errors(self) -> bool:
        """Whether the page shows complaints that a later, successful run has to take away."""
        return self.is_stale or bool(self.errors) or (self.is_bound and not self.prediction_form.is_valid())

    @cached_property
    def spec(self) -> Any:
        return self.kind.Spec.model_validate(self.revision.spec)

    @cached_property
    def client_key(self) -> UUID:
        return uuid4()

    @cached_property
    def prediction_form(self) -> forms.Form:
        """Bound when handed in; otherwise filled with what was typed, without complaints."""
        form_class = self.kind.prediction_fields(self.spec)
        data = MultiValueDict(dict(self.form))
        if self.is_bound and not self.is_stale:
            return form_class(data, prefix=PREDICTION_PREFIX)
        empty = form_class(prefix=PREDICTION_PREFIX)
        typed = {
            name: part.widget.value_from_datadict(data, MultiValueDict(), empty.add_prefix(name))
            for name, part in empty.fields.items()
        }
        return form_class(prefix=PREDICTION_PREFIX, initial={k: v for k, v in typed.items() if v is not None})

    @cached_property
    def context(self) -> dict[str, Any]:
        """What the kind's own template needs."""
        return self.kind.workbench_context(self.spec, self.form, self.errors)


@dataclass(kw_only=True)
class HandIn(Workbench):
    """A posted form. After `is_valid()` there are `answer_data` and `prediction`, JSON safe."""

    made_from: str = ""
    is_empty: bool = False
    # A visitor until this very request: what the page shows of the learner has to be fetched anew.
    is_newcomer: bool = False
    had_errors: bool = False
    # A button of the workbench itself was pressed: the form is to be changed, not run.
    command: str = ""
    answer_data: dict[str, Any] = field(default_factory=dict)
    prediction: dict[str, Any] = field(default_factory=dict)

    def is_valid(self) -> bool:
        if self.is_stale or self.is_empty:
            return False
        # Both halves are always checked, so that one round shows all that is wrong.
        predicted = self.prediction_form.is_valid()
        return not self.errors and self._take_answer() and predicted and self._take_prediction()

    def again(self) -> Workbench:
        """The same form after it went through: as typed, ready for the next run."""
        return Workbench(kind=self.kind, revision=self.revision, form=self.form)

    def commanded(self) -> Workbench:
        """The form after the workbench's own button."""
        form = self.kind.commanded(self.spec, self.form, self.command)
        return Workbench(kind=self.kind, revision=self.revision, form=form, is_stale=self.is_stale)

    def _take_answer(self) -> bool:
        try:
            answer = self.kind.parse(self.spec, self.form)
            self.answer_data = stored(answer.model_dump(mode="json"))
        except AnswerInvalid as error:
            self.errors.update(error.errors)
        except PydanticError as error:
            self.errors[""] = _("This is not an answer yet: %(why)s") % {"why": error.errors()[0]["msg"]}
        except ValueError:
            self.errors[""] = _("A number in the answer is too large.")
        else:
            if answer == self.kind.starting_answer(self.spec):
                self.errors[""] = _("This is the exercise as found. Change something first, then run it.")
        return not self.errors

    def _take_prediction(self) -> bool:
        try:
            self.prediction = stored(self.prediction_form.cleaned_data)
        except ValueError:
            self.errors[""] = _("A number in the prediction is too large.")
        return not self.errors


class ComparisonForm(forms.Form):
    """Any two attempts; by default the newest and the one before it."""

    first = forms.TypedChoiceField(label=_lazy("First attempt"), coerce=int)
    second = forms.TypedChoiceField(label=_lazy("Second attempt"), coerce=int)

    def __init__(self, data: Mapping[str, Any] | None = None, *, attempts: Sequence[Submission]) -> None:
        numbers = [attempt.number for attempt in attempts]
        initial = {"first": numbers[1], "second": numbers[0]} if len(numbers) > 1 else {}
        super().__init__(data, initial=initial)
        self.attempts = {attempt.number: attempt for attempt in attempts}
        choices = [(number, _("Attempt %(number)s") % {"number": number}) for number in numbers]
        for name in ("first", "second"):
            cast(forms.TypedChoiceField, self.fields[name]).choices = choices

    def chosen(self) -> tuple[Submission, Submission]:
        """The two attempts, the earlier one first."""
        low, high = sorted((self.cleaned_data["first"], self.cleaned_data["second"]))
        return self.attempts[low], self.attempts[high]


def workbench_of(exercise: Exercise) -> Workbench:
    """The workbench as the learner left it, or as found; see `access.exercise_for`."""
    revision = published_revision(exercise)
    kind = kind_named(exercise.kind)
    left = getattr(exercise, "draft_form", None)
    if left:
        stale = getattr(exercise, "draft_revision_id", None) != revision.pk
        return Workbench(kind=kind, revision=revision, form=left, is_stale=stale)
    return as_found(kind, revision)


def as_found(kind: AnyKind, revision: ExerciseRevision) -> Workbench:
    workbench = Workbench(kind=kind, revision=revision, form={})
    workbench.form = kind.to_form(workbench.spec, kind.starting_answer(workbench.spec))
    return workbench


def handed_in(submission: Submission) -> Workbench:
    """The workbench as it was when an attempt was handed in."""
    kind = kind_named(submission.exercise.kind)
    workbench = Workbench(kind=kind, revision=submission.revision, form={})
    workbench.form = kind.to_form(workbench.spec, kind.Answer.model_validate(submission.answer))
    return workbench


def hand_in_of(exercise: Exercise, data: QueryDict) -> HandIn:
    """A posted form, against the revision learners see now. An empty one shows what was there before."""
    revision = published_revision(exercise)
    form, errors = raw_form(data)
    is_empty = not form
    if is_empty:
        form = dict(workbench_of(exercise).form)
        errors[""] = _("The form arrived empty. What you had is still here.")
    hand_in = HandIn(
        kind=kind_named(exercise.kind),
        revision=revision,
        form=form,
        errors=errors,
        is_bound=True,
        made_from=data.get("revision", ""),
        is_stale=not is_empty and data.get("revision") != str(revision.number),
        is_empty=is_empty,
        had_errors="had_errors" in data,
        command=data.get("command", ""),
    )
    hand_in.client_key = _client_key(data.get("client_key", ""))
    return hand_in


def published_revision(exercise: Exercise) -> ExerciseRevision:
    if exercise.published is None:
        raise ValueError(f"{exercise.slug} is not published")
    return exercise.published


def _client_key(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return uuid4()


def stored(value: Mapping[str, Any]) -> Any:
    """As a JSON column gives it back; raises ValueError for what not every database takes."""
    return json.loads(json.dumps(value, cls=DjangoJSONEncoder, allow_nan=False))
