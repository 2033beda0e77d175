"""Figures that run: a guess first, then the engine's answer, then controls that ask it again.

A new figure is a subclass in a file of its own and a line in `FIGURES` (see the package). A view needs only

    view = FIGURES[name].render(request.GET)
    render(request, "components/figure.html", {"figure": view})

for an htmx request, and a page that includes the same template otherwise. Nothing is stored and nothing
raises: what was typed comes back with its error at the field.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lessons.figures.base import Picture

if TYPE_CHECKING:
    from django.utils.functional import _StrPromise

Text: TypeAlias = "str | _StrPromise"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a guess compares with the engine: `close` and a sentence that names both."""

    close: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the engine says to one setting of the controls: a picture, and its point in a sentence or two."""

    picture: Picture
    point: str


@dataclass(frozen=True, slots=True)
class FigureView:
    """What `components/figure.html` shows.

    `outcome` and `answer` are None before the guess, and `answer` also while a control is out of its limits.
    """

    name: str
    title: Text
    question: Text
    guess: forms.Form
    controls: forms.Form
    shown: bool
    outcome: Outcome | None
    answer: Answer | None

    @property
    def swapped(self) -> str:
        """What an update replaces outside the result: the fields' errors, and the line that is read aloud."""
        errors = [f"#{field.auto_id}_error" for field in self.controls.visible_fields()]
        return ", ".join([*errors, f"#figure-{self.name}-status:innerHTML"])


class InteractiveFigure(ABC):
    """One figure. Subclasses give texts, fields and `answer`; all numbers come from the engine."""

    name: ClassVar[str]
    title: ClassVar[Text]
    question: ClassVar[Text]
    controls_form: ClassVar[type[forms.Form]]

    @abstractmethod
    def guess_field(self) -> forms.Field:
        """The field in which the learner answers the question."""

    @abstractmethod
    def judge(self, guess: Any) -> Outcome:
        """The guess beside what the engine says to the same question."""

    @abstractmethod
    def answer(self, values: Mapping[str, Any]) -> Answer:
        """The engine's answer to valid values of the controls."""

    def render(self, params: Mapping[str, Any]) -> FigureView:
        """The figure as these query parameters leave it.

        `guess` opens it, as does `skip`; `set` says that the controls were used, so that an absent checkbox
        means off.
        """
        guess = self._guess_form(params)
        guessed = guess.is_bound and guess.is_valid()
        shown = guessed or bool(params.get("skip"))
        controls = self._controls(params)
        answer = self.answer(controls.cleaned_data) if shown and controls.is_valid() else None
        return FigureView(
            name=self.name,
            title=self.title,
            question=self.question,
            guess=self._guess_form({}) if shown and not guessed else guess,
            controls=controls,
            shown=shown,
            outcome=self.judge(guess.cleaned_data["guess"]) if guessed else None,
            answer=answer,
        )

    def _guess_form(self, params: Mapping[str, Any]) -> forms.Form:
        bound = {"guess": params["guess"]} if "guess" in params and not params.get("skip") else None
        form = forms.Form(bound, auto_id=f"figure-{self.name}-%s", use_required_attribute=False)
        form.fields["guess"] = self.guess_field()
        return form

    def _controls(self, params: Mapping[str, Any]) -> forms.Form:
        blank = self.controls_form()
        data = {name: field.initial for name, field in blank.fields.items()}
        if params.get("set"):
            switches = {n for n, field in blank.fields.items() if isinstance(field, forms.BooleanField)}
            data = {n: params.get(n, None if n in switches else value) for n, value in data.items()}
        return self.controls_form(data, auto_id=f"figure-{self.name}-%s", use_required_attribute=False)


def slider(
    label: Text, *, low: int, high: int, step: int, initial: int, help_text: Text = ""
) -> forms.IntegerField:
    """A whole number on a range input; the unit stands in the label."""
    return forms.IntegerField(
        label=label,
        min_value=low,
        max_value=high,
        step_size=step,
        initial=initial,
        help_text=help_text,
        widget=forms.NumberInput(attrs={"type": "range"}),
    )


def tier_choice() -> forms.ChoiceField:
    """The engine's three tiers."""
    return forms.ChoiceField(
        label=gettext_lazy("Model tier"),
        initial="medium",
        choices=[
            ("small", gettext_lazy("small")),
            ("medium", gettext_lazy("medium")),
            ("large", gettext_lazy("large")),
        ],
    )


def seconds_guess(*, most: float = 600) -> forms.FloatField:
    """A guess in seconds."""
    return forms.FloatField(
        label=gettext_lazy("Your guess, in seconds"),
        min_value=0,
        max_value=most,
        widget=forms.NumberInput(attrs={"step": "any", "inputmode": "decimal"}),
    )


def compared(said: str, actual: str, *, close: bool) -> Outcome:
    """The usual sentence about a guess."""
    verdict = _("Exactly.") if said == actual else _("Close.") if close else _("Not quite.")
    sentence = _("You said %(said)s; the engine says %(actual)s.") % {"said": said, "actual": actual}
    return Outcome(close, f"{verdict} {sentence}")
