"""What the learner hands in: the text and four settings. And how a form means it."""

from __future__ import annotations

import re
from collections.abc import Collection

from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, Field

from exercises.kinds.base import AnswerInvalid, Form
from exercises.kinds.prompt_rewrite.reading import sentences
from exercises.kinds.prompt_rewrite.spec import MAX_TEXT_CHARS, TIER_NAMES, OutputForm, RewriteSpec, TierName

MAX_SENTENCES = 600
FORMS: tuple[OutputForm, ...] = ("free", "structured")
_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")


class RewriteAnswer(BaseModel):
    """A rewrite.

    `form`: free text, or structured output with the scenario's fields enforced by the provider.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str = Field(max_length=MAX_TEXT_CHARS)
    tier: TierName
    form: OutputForm
    reasoning: bool
    streaming: bool


def parse_rewrite(spec: RewriteSpec, form: Form) -> RewriteAnswer:
    """The rewrite of a form. Raises AnswerInvalid with a sentence a field."""
    errors: dict[str, str] = {}
    text = text_in(form)
    problem = text_problem(spec, text)
    if problem:
        errors["text"] = problem
    values = {
        "tier": _choice(form, "tier", TIER_NAMES, errors),
        "form": _choice(form, "answer_form", FORMS, errors),
        "reasoning": _choice(form, "reasoning", ("on", "off"), errors) == "on",
        "streaming": _choice(form, "streaming", ("on", "off"), errors) == "on",
    }
    if errors:
        raise AnswerInvalid(errors)
    return RewriteAnswer.model_validate({"text": text, **values})


def check_answer(spec: RewriteSpec, answer: RewriteAnswer) -> None:
    """Raises AnswerInvalid unless the text can be judged."""
    problem = text_problem(spec, answer.text)
    if problem:
        raise AnswerInvalid({"text": problem})


def text_problem(spec: RewriteSpec, text: str) -> str:
    """What is wrong with a text as such, with the limit it breaks; empty when nothing is."""
    if len(text) > MAX_TEXT_CHARS:
        words = _("At most %(limit)s characters fit here; this has %(count)s.")
        return words % {"limit": f"{MAX_TEXT_CHARS:,}", "count": f"{len(text):,}"}
    if _UNWRITABLE.search(text):
        return _("The prompt holds a character that no text can hold (NUL or half of a pair). Take it out.")
    if not text.strip():
        return _("The prompt is empty. Write one, or start over from the one as found.")
    if spec.placeholder not in text:
        words = _("Keep %(placeholder)s in the prompt: that is where the input goes.")
        return words % {"placeholder": spec.placeholder}
    if sum(1 for _part in sentences(text)) > MAX_SENTENCES:
        return _("At most %(limit)s lines and sentences fit here.") % {"limit": MAX_SENTENCES}
    return ""


def form_of(answer: RewriteAnswer) -> dict[str, list[str]]:
    """The form fields of a rewrite."""
    return {
        "text": [answer.text],
        "tier": [answer.tier],
        # A field called “form” would hide the property of that name from scripts.
        "answer_form": [answer.form],
        "reasoning": ["on" if answer.reasoning else "off"],
        "streaming": ["on" if answer.streaming else "off"],
    }


def text_in(form: Form) -> str:
    """The text of a form, with the line ends of browsers made plain."""
    return last_of(form, "text").replace("\r\n", "\n").replace("\r", "\n")


def last_of(form: Form, name: str) -> str:
    """The last value of a field, "" when there is none."""
    values = form.get(name) or [""]
    return values[-1]


def _choice(form: Form, name: str, known: Collection[str], errors: dict[str, str]) -> str:
    value = last_of(form, name)
    if value not in known:
        errors[name] = _("Choose one of the answers offered.")
    return value
