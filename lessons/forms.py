"""What learners and instructors send, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from lessons.actions import check_lesson_text
from lessons.models import AuthoredAnswer, Course, GlossaryTerm, Lesson, User
from lessons.queries import passage_exists


class AnswerForm(forms.Form):
    """The choices of a question, by number."""

    def __init__(self, data: Any, *, question: Mapping[str, Any]) -> None:
        super().__init__(data)
        self.several = bool(question["several"])
        numbers = [(str(index), "") for index in range(len(question["choices"]))]
        self.fields["choice"] = forms.TypedMultipleChoiceField(
            choices=numbers,
            coerce=int,
            error_messages={
                "required": _("Choose an answer first."),
                "invalid_choice": _("That is not one of the answers."),
            },
        )

    def clean_choice(self) -> list[int]:
        chosen: list[int] = sorted(set(self.cleaned_data["choice"]))
        if len(chosen) > 1 and not self.several:
            raise ValidationError(_("Choose one answer."))
        return chosen


class DeleteAccountForm(forms.Form):
    sure = forms.BooleanField(label=_("Delete my account and everything in it, for good."))
    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        max_length=4096,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, data: Any = None, *, learner: User) -> None:
        super().__init__(data)
        self.learner = learner
        if not learner.has_usable_password():
            del self.fields["password"]

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        if not self.learner.check_password(password):
            raise ValidationError(_("This is not your password."))
        return password


class CourseForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    class Meta:
        model = Course
        fields = ["title", "slug", "summary", "outcomes", "position"]

    def clean_outcomes(self) -> str:
        return _one_ending(self.cleaned_data["outcomes"])


class _PassageForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """What points at sections: each must be there for learners to open."""

    def clean_passage(self) -> str:
        return self._checked("passage")

    def _checked(self, name: str) -> str:
        passage: str = self.cleaned_data[name]
        if passage and not passage_exists(passage):
            raise ValidationError(_("No published lesson has this section: write lesson-slug#anchor."))
        return passage


class GlossaryTermForm(_PassageForm):
    class Meta:
        model = GlossaryTerm
        fields = ["term", "definition", "passage"]


class AuthoredAnswerForm(_PassageForm):
    class Meta:
        model = AuthoredAnswer
        fields = ["course", "question", "also", "answer", "passage", "then", "against"]
        widgets = {
            "question": forms.TextInput(attrs={"class": "vLargeTextField"}),
            "also": forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"}),
            "answer": forms.Textarea(attrs={"rows": 5, "class": "vLargeTextField"}),
            "then": forms.Textarea(attrs={"rows": 2, "class": "vLargeTextField"}),
        }

    def clean_also(self) -> str:
        return _one_ending(self.cleaned_data["also"])

    def clean_answer(self) -> str:
        return _one_ending(self.cleaned_data["answer"])

    def clean_against(self) -> str:
        return self._checked("against")


class LessonForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    """A lesson as its author writes it; nothing is stored that could not be published."""

    class Meta:
        model = Lesson
        fields = ["course", "title", "slug", "position", "summary", "minutes", "source", "coach_opening"]
        fields += ["coach_questions"]
        widgets = {
            "summary": forms.Textarea(attrs={"rows": 4, "class": "vLargeTextField"}),
            "coach_opening": forms.Textarea(attrs={"rows": 3, "class": "vLargeTextField"}),
            "coach_questions": forms.Textarea(attrs={"rows": 8, "class": "vLargeTextField"}),
            "source": forms.Textarea(attrs={"rows": 40, "cols": 110, "class": "vLargeTextField"}),
        }
        help_texts = {
            "source": _(
                "Markdown. A section begins with ## Title {#anchor}; links and progress point at anchors: "
                "keep them. Fenced blocks named figure, question and exercise are placed where they stand."
            )
        }

    def clean_source(self) -> str:
        return _one_ending(self.cleaned_data["source"])

    def clean_coach_questions(self) -> str:
        return _one_ending(self.cleaned_data["coach_questions"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        if "source" in data and "coach_questions" in data:
            try:
                check_lesson_text(source=data["source"], coach_questions=data["coach_questions"])
            except ValidationError as error:
                self._add_by_field(error)
        return data

    def _add_by_field(self, error: ValidationError) -> None:
        for name, messages in error.message_dict.items():
            self.add_error(name, [ValidationError(message) for message in messages])


def _one_ending(text: str) -> str:
    """Browsers send CR LF; files have LF. Without this, saving unchanged would count as an edit."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()
