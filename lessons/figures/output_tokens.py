"""Where the time of a call goes: reading is fast, writing is slow, and a schema writes less."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from coach.engine.pricing import cost_usd, price_of
from coach.engine.timing import TIERS, time_to_first_token, total_seconds
from lessons.figures.bars import Stretch, time_bars
from lessons.figures.interactive import Answer, InteractiveFigure, Outcome, Text, slider, tier_choice
from lessons.figures.text import seconds_text, share_text, tokens_text, usd_text

_ASKED: Mapping[str, Any] = {"tier": "medium", "input_tokens": 2_000, "output_tokens": 800}


class OutputControls(forms.Form):
    """What is read, what is written, by which tier, and how much of it a schema spares."""

    output_tokens = slider(gettext_lazy("Output tokens"), low=50, high=1500, step=10, initial=800)
    input_tokens = slider(gettext_lazy("Input tokens"), low=100, high=20_000, step=100, initial=2_000)
    tier = tier_choice()
    schema = forms.BooleanField(
        label=gettext_lazy("Ask for a fixed output schema"), required=False, initial=True
    )
    saved_percent = slider(
        gettext_lazy("What the schema spares, in %"),
        low=30,
        high=60,
        step=5,
        initial=45,
        help_text=gettext_lazy("As reported: 30 to 60 % fewer output tokens."),
    )


class OutputTokens(InteractiveFigure):
    """One call's time, with and without a schema."""

    name: ClassVar[str] = "output-tokens"
    title: ClassVar[Text] = gettext_lazy("Output tokens and time")
    question: ClassVar[Text] = gettext_lazy(
        "A call on the medium tier reads 2,000 tokens and writes 800. What saves more time?"
    )
    controls_form: ClassVar[type[forms.Form]] = OutputControls

    def guess_field(self) -> forms.Field:
        """One of two changes, or neither."""
        return forms.ChoiceField(
            label=gettext_lazy("Your guess"),
            widget=forms.RadioSelect,
            choices=[
                ("prompt", gettext_lazy("Halving the prompt")),
                ("output", gettext_lazy("Writing a tenth less")),
                ("same", gettext_lazy("Both save about the same")),
            ],
        )

    def judge(self, guess: Any) -> Outcome:
        """Right or wrong, with what each change saves."""
        whole = _seconds(_ASKED)
        prompt = whole - _seconds({**_ASKED, "input_tokens": _ASKED["input_tokens"] / 2})
        output = whole - _seconds({**_ASKED, "output_tokens": _ASKED["output_tokens"] * 0.9})
        verdict = _("Right.") if guess == _better(prompt, output) else _("Not quite.")
        facts = _("Of %(whole)s, half the prompt saves %(prompt)s; a tenth less output saves %(output)s.") % {
            "whole": seconds_text(whole),
            "prompt": seconds_text(prompt),
            "output": seconds_text(output),
        }
        return Outcome(guess == _better(prompt, output), f"{verdict} {facts}")

    def answer(self, values: Mapping[str, Any]) -> Answer:
        """A bar as asked, a second one with the schema when it is on, and the share that writing takes."""
        rows = [(_label(_("Free text"), values), _stretches(values))]
        spared = {**values, "output_tokens": values["output_tokens"] * (1 - values["saved_percent"] / 100)}
        if values["schema"]:
            rows.append((_label(_("With a schema"), spared), _stretches(spared)))
        picture = time_bars(rows, title=_("Where the time goes"))
        point = _writing_point(values)
        return Answer(picture, f"{point} {_schema_point(values, spared)}" if values["schema"] else point)


def _better(prompt: float, output: float) -> str:
    if abs(prompt - output) <= 0.2 * max(prompt, output):
        return "same"
    return "prompt" if prompt > output else "output"


def _seconds(values: Mapping[str, Any]) -> float:
    tier = TIERS[values["tier"]]
    return total_seconds(tier, fresh=values["input_tokens"], output=values["output_tokens"])


def _cost(values: Mapping[str, Any]) -> float:
    return cost_usd(price_of(values["tier"]), fresh=values["input_tokens"], output=values["output_tokens"])


def _label(name: str, values: Mapping[str, Any]) -> str:
    return _("%(name)s, %(tokens)s tokens") % {"name": name, "tokens": tokens_text(values["output_tokens"])}


def _stretches(values: Mapping[str, Any]) -> list[Stretch]:
    first = time_to_first_token(TIERS[values["tier"]], fresh=values["input_tokens"])
    return [
        Stretch(_("to the first token"), first, "wait"),
        Stretch(_("writing"), _seconds(values) - first, "writing"),
    ]


def _writing_point(values: Mapping[str, Any]) -> str:
    whole = _seconds(values)
    first = time_to_first_token(TIERS[values["tier"]], fresh=values["input_tokens"])
    return _("Writing takes %(share)s of %(whole)s; a thousand such calls cost %(cost)s.") % {
        "share": share_text(1 - first / whole),
        "whole": seconds_text(whole),
        "cost": usd_text(1000 * _cost(values)),
    }


def _schema_point(values: Mapping[str, Any], spared: Mapping[str, Any]) -> str:
    before, after = _seconds(values), _seconds(spared)
    return _("With the schema %(after)s, %(saved)s less, and %(cost)s a thousand.") % {
        "after": seconds_text(after),
        "saved": share_text(1 - after / before),
        "cost": usd_text(1000 * _cost(spared)),
    }
