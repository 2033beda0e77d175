"""The instructor's forms: the prompt, its words, its rules, what answers cost. Typed and labelled; no JSON.

Terms are plain text: one group a line, terms of a group separated by commas. There are no patterns to get
wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.http import QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from pydantic import ValidationError as PydanticError

from exercises.kinds.base import AuthoringPart, SpecInvalid
from exercises.kinds.prompt_rewrite.reading import read_prompt
from exercises.kinds.prompt_rewrite.spec import MAX_TERM_CHARS, MAX_TEXT_CHARS, TIER_NAMES, RewriteSpec
from exercises.kinds.prompt_rewrite.words import form_choices, tier_choices

WIDE = "vLargeTextField"
"""The admin's own class for wide fields of text."""


class TermsField(forms.CharField):
    """Terms separated by commas or lines."""

    def __init__(self, *, label: Any, help_text: Any = "", required: bool = True) -> None:
        widget = forms.Textarea(attrs={"rows": 3, "class": WIDE})
        super().__init__(
            label=label, help_text=help_text, required=required, widget=widget, max_length=10_000
        )

    def to_python(self, value: Any) -> Any:
        """A tuple of terms."""
        return _terms((super().to_python(value) or "").replace("\n", ","))

    def prepare_value(self, value: Any) -> Any:
        """Terms as they are typed."""
        return value if value is None or isinstance(value, str) else ", ".join(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether other terms were typed."""
        return (self.prepare_value(initial) or "") != (data or "")


class GroupsField(forms.CharField):
    """Groups of terms: a line a group, commas between terms."""

    def __init__(self, *, label: Any, help_text: Any = "") -> None:
        widget = forms.Textarea(attrs={"rows": 4, "class": WIDE})
        super().__init__(label=label, help_text=help_text, widget=widget, max_length=10_000)

    def to_python(self, value: Any) -> Any:
        """A tuple of groups."""
        groups = (_terms(line) for line in (super().to_python(value) or "").splitlines())
        return tuple(group for group in groups if group)

    def prepare_value(self, value: Any) -> Any:
        """Groups as they are typed."""
        return value if value is None or isinstance(value, str) else "\n".join(map(", ".join, value))

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether other groups were typed."""
        return (self.prepare_value(initial) or "") != (data or "")


class LinesField(forms.CharField):
    """Lines of text, one a line."""

    def __init__(self, *, label: Any, help_text: Any = "") -> None:
        widget = forms.Textarea(attrs={"rows": 6, "class": WIDE})
        super().__init__(label=label, help_text=help_text, required=False, widget=widget, max_length=5_000)

    def to_python(self, value: Any) -> Any:
        """A tuple of lines."""
        lines = (line.strip() for line in (super().to_python(value) or "").splitlines())
        return tuple(line for line in lines if line)

    def prepare_value(self, value: Any) -> Any:
        """Lines as they are typed."""
        return value if value is None or isinstance(value, str) else "\n".join(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Whether other lines were typed."""
        return (self.prepare_value(initial) or "") != (data or "")


def _terms(text: str) -> tuple[str, ...]:
    terms = tuple(term.strip() for term in text.split(",") if term.strip())
    longest = max(terms, key=len, default="")
    if len(longest) > MAX_TERM_CHARS:
        raise ValidationError(gettext("“%(term)s” is too long for a term.") % {"term": longest[:80]})
    return terms


_GROUPS_HELP = _("One group a line, terms separated by commas. One term of every group must be there.")


def _text(label: Any, rows: int) -> forms.CharField:
    return forms.CharField(
        label=label,
        max_length=MAX_TEXT_CHARS,
        strip=False,
        widget=forms.Textarea(attrs={"rows": rows, "class": WIDE}),
    )


class PromptForm(forms.Form):
    """The prompt as found."""

    text = _text(_("Prompt as found"), 20)
    placeholder = forms.CharField(
        label=_("Placeholder of the input"), max_length=80, help_text=_("Stands in the text, e.g. {expense}.")
    )
    tier = forms.ChoiceField(label=_("Model as found"), choices=tier_choices)
    input_tokens = forms.IntegerField(label=_("Tokens of the input"), min_value=1, max_value=100_000)
    fields_needed = TermsField(label=_("Fields that the answer needs"))
    offered = LinesField(
        label=_("Lines that learners may add by a click"),
        help_text=_("One a line, at most 12: good ones, and plausible bad ones."),
    )


class WordsForm(forms.Form):
    """Terms by which sentences are known."""

    task = GroupsField(label=_("Words that state the task"), help_text=_GROUPS_HELP)
    schema_fields = GroupsField(label=_("Words that name the fields"), help_text=_GROUPS_HELP)
    bound = GroupsField(label=_("Words that bound the length"), help_text=_GROUPS_HELP)
    background = TermsField(label=_("Words of background"), required=False)
    reasoning = TermsField(label=_("Words that ask for reasoning"), required=False)
    thorough = TermsField(label=_("Words that ask for thoroughness"), required=False)


class RuleForm(forms.Form):
    """One rule that must not be lost."""

    name = forms.CharField(
        label=_("Name"),
        max_length=40,
        validators=[
            RegexValidator(r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", _("Lower-case words joined by hyphens."))
        ],
    )
    label = forms.CharField(
        label=_("Label"), max_length=80, help_text=_("Named to the learner when it is lost.")
    )
    text = forms.CharField(label=_("The rule in a sentence"), max_length=600)
    case = forms.CharField(label=_("An input that only this rule decides"), max_length=600)
    expected = forms.CharField(
        label=_("Right answer to that input"),
        max_length=40,
        required=False,
        validators=[RegexValidator(r"^[^\n,]*$", _("One line without commas."))],
        help_text=_(
            "One of two or more that all inputs share, e.g. compliant. With a model, learners can run both "
            "prompts on the inputs that have one."
        ),
    )
    groups = GroupsField(label=_("Words that the rule needs"), help_text=_GROUPS_HELP)
    anywhere = forms.BooleanField(
        label=_("The words may stand anywhere in the text, not only in neighbouring sentences"),
        required=False,
    )


class OutputForm(forms.Form):
    """Tokens of an answer."""

    thorough_tokens = forms.IntegerField(
        label=_("Answer asked to be thorough, tokens"), min_value=1, max_value=20_000
    )
    free_tokens = forms.IntegerField(label=_("Free answer, tokens"), min_value=1, max_value=20_000)
    schema_tokens = forms.IntegerField(label=_("Answer in a schema, tokens"), min_value=1, max_value=20_000)
    bounded_tokens = forms.IntegerField(
        label=_("Answer with a bounded length, tokens"), min_value=1, max_value=20_000
    )
    opener_tokens = forms.IntegerField(
        label=_("Opening words without a schema, tokens"), min_value=0, max_value=200
    )
    reasoning_tokens = forms.IntegerField(label=_("Reasoning, tokens"), min_value=0, max_value=50_000)


def _share(label: Any) -> forms.FloatField:
    return forms.FloatField(label=label, min_value=0, max_value=1)


class AccuracyForm(forms.Form):
    """Shares of labelled cases that come out right, 0 to 1."""

    needed = _share(_("Accuracy needed, 0 to 1"))
    small_plain = _share(_("Small, without reasoning"))
    small_reasoning = _share(_("Small, with reasoning"))
    medium_plain = _share(_("Medium, without reasoning"))
    medium_reasoning = _share(_("Medium, with reasoning"))
    large_plain = _share(_("Large, without reasoning"))
    large_reasoning = _share(_("Large, with reasoning"))


class ReferenceForm(forms.Form):
    """The author's rewrite."""

    text = _text(_("Your rewrite"), 16)
    tier = forms.ChoiceField(label=_("Model"), choices=tier_choices)
    form = forms.ChoiceField(label=_("Form of the answer"), choices=form_choices)
    reasoning = forms.BooleanField(label=_("Reasoning"), required=False)
    streaming = forms.BooleanField(label=_("Streaming"), required=False)


RuleFormSet = forms.formset_factory(
    RuleForm, extra=1, can_delete=True, max_num=30, validate_max=True, min_num=1, validate_min=True
)


def rewrite_forms(spec: RewriteSpec | None, data: QueryDict | None) -> list[AuthoringPart]:
    """Bound to data when given, else filled from the spec, else empty."""
    first = _initial(spec) if spec else {}
    made: tuple[tuple[str, str, Any], ...] = (
        ("prompt", gettext("Prompt"), PromptForm),
        ("words", gettext("Words by which sentences are known"), WordsForm),
        ("rules", gettext("Rules that must not be lost"), RuleFormSet),
        ("output", gettext("Length of an answer"), OutputForm),
        ("accuracy", gettext("Accuracy on labelled cases"), AccuracyForm),
        ("reference", gettext("Reference answer: must earn full marks"), ReferenceForm),
    )
    return [
        AuthoringPart(title=title, form=form(data, prefix=f"spec-{name}", initial=first.get(name)))
        for name, title, form in made
    ]


def _initial(spec: RewriteSpec) -> dict[str, Any]:
    values = spec.model_dump()
    accuracy = {"needed": spec.needed_accuracy}
    for tier in TIER_NAMES:
        accuracy[f"{tier}_plain"] = spec.accuracy[tier].plain
        accuracy[f"{tier}_reasoning"] = spec.accuracy[tier].reasoning
    prompt = {key: values[key] for key in ("text", "placeholder", "tier", "input_tokens")}
    return {
        "prompt": {**prompt, "fields_needed": spec.fields, "offered": spec.offered},
        "words": values["words"],
        "rules": values["rules"],
        "output": values["output"],
        "accuracy": accuracy,
        "reference": values["reference"],
    }


def spec_of_forms(parts: Sequence[AuthoringPart]) -> RewriteSpec:
    """The spec of bound, valid forms. Raises SpecInvalid with what is wrong between fields."""
    made = [part.form for part in parts]
    # Every form is validated, so that one round shows all errors.
    if sum(not form.is_valid() for form in made):
        raise SpecInvalid
    prompt, words, rules, output, accuracy, reference = (cast("Any", form).cleaned_data for form in made)
    values = {
        **{key: prompt[key] for key in ("placeholder", "tier", "input_tokens")},
        "text": _lines(prompt["text"]),
        "fields": prompt["fields_needed"],
        "offered": prompt["offered"],
        "words": words,
        "rules": [_row(row) for row in rules if row and not row.get("DELETE")],
        "output": output,
        "needed_accuracy": accuracy["needed"],
        "accuracy": {
            tier: {"plain": accuracy[f"{tier}_plain"], "reasoning": accuracy[f"{tier}_reasoning"]}
            for tier in TIER_NAMES
        },
        "reference": {**reference, "text": _lines(reference["text"])},
    }
    try:
        spec = RewriteSpec.model_validate(values)
    except PydanticError as error:
        raise SpecInvalid(*(_said(problem) for problem in error.errors())) from None
    _check_rules(spec)
    return spec


def _check_rules(spec: RewriteSpec) -> None:
    """A rule that the prompt as found does not hold by its own words could never be kept."""
    lost = read_prompt(spec, spec.text).lost
    words = gettext("The prompt as found does not hold the words of the rule “%(rule)s”.")
    if lost:
        raise SpecInvalid(*(words % {"rule": rule.label} for rule in spec.rules if rule.name in lost))


def _said(problem: Any) -> str:
    place = ".".join(str(step) for step in problem["loc"])
    return f"{place}: {problem['msg']}" if place else str(problem["msg"])


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != "DELETE"}


def _lines(text: str) -> str:
    """Line ends as stored, whatever a browser sends."""
    return text.replace("\r\n", "\n")
