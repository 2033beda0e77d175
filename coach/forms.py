"""What the coach's forms take when there is no socket."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms

from coach.beginning import Begin
from coach.frames import QUESTION_MAX_CHARACTERS, check_question, parse_subject
from lessons.models import User


class KeyForm(forms.Form):
    key = forms.UUIDField()


class AskForm(KeyForm):
    subject = forms.CharField(max_length=120)
    question = forms.CharField(max_length=QUESTION_MAX_CHARACTERS, strip=False)
    section = forms.RegexField(r"^[-a-zA-Z0-9_]*$", max_length=100, required=False)

    def clean_question(self) -> str:
        try:
            return check_question(self.cleaned_data["question"])
        except ValueError:
            raise forms.ValidationError("question") from None

    def clean(self) -> dict[str, Any]:
        # A page that was put together without a key still asks once.
        self.cleaned_data.setdefault("key", uuid.uuid4())
        return self.cleaned_data

    def begin(self, learner: User) -> Begin:
        data = self.cleaned_data
        return Begin(
            key=data["key"],
            subject=parse_subject(data["subject"]),
            learner_id=learner.pk,
            question=data["question"],
            section=data["section"],
        )
