"""What a trial with a model runs: two prompts on cases whose right answer is known."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

ASKED = "On a last line of its own, write the verdict: exactly one of %s."
"""Ends both prompts alike, so that the verdict can be read by code. For a model, not for a reader."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One input. `label` names it to people; `expected` is the right answer, word for word."""

    label: str
    text: str
    expected: str


@dataclass(frozen=True, slots=True)
class TriedPrompt:
    """A prompt with a placeholder where the input goes."""

    text: str
    placeholder: str

    def filled(self, case: str) -> tuple[str, str]:
        """(what is the same for every case, what begins with the case); together the prompt."""
        before, _placeholder, after = self.text.partition(self.placeholder)
        return before, case + after.replace(self.placeholder, case)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """The prompt as found and the learner's own, on the same cases."""

    found: TriedPrompt
    own: TriedPrompt
    cases: tuple[Case, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """The answers that are possible."""
        return tuple(dict.fromkeys(case.expected for case in self.cases))

    @property
    def asked(self) -> str:
        """The line that ends both prompts."""
        return ASKED % ", ".join(self.labels)


def label_in(text: str, labels: Sequence[str]) -> str:
    """The label that a text names last, "" where it names none. Of two at one place the longer counts:
    "not compliant" is not "compliant"."""
    longest_first = sorted(labels, key=len, reverse=True)
    pattern = "|".join(rf"(?<!\w){re.escape(label)}(?!\w)" for label in longest_first)
    found = re.findall(pattern, text, re.IGNORECASE) if pattern else []
    by_small = {label.casefold(): label for label in labels}
    return by_small.get(found[-1].casefold(), "") if found else ""
