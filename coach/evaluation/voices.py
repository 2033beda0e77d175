"""Who spoke: a model, the built-in coach in its place, or the built-in coach by rule. Scores say nothing
of a model where another spoke."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

NEEDED = 0.9
"""Share of the replies that a model was to write and did."""


@dataclass(slots=True)
class Voices:
    """Replies by who wrote them, and sentences of models that the guard let nobody see.

    `by_rule`: what is the built-in coach's to say, model or not. `cut`: a model's, but not to its end.
    """

    by_model: int = 0
    by_fallback: int = 0
    by_rule: int = 0
    cut: int = 0
    sentences: int = 0
    stopped: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def hear(self, trace: Mapping[str, Any], *, state: str, sentences: int) -> None:
        """Take a finished turn into account."""
        asked = any(call.get("purpose") == "reply" for call in trace.get("calls", ()))
        if "fallback" in trace:
            self.by_fallback += 1
            self.reasons[str(trace["fallback"])] += 1
        elif not asked:
            self.by_rule += 1
        elif state != "done":
            self.cut += 1
            self.reasons[state] += 1
        else:
            self.by_model += 1
        if asked:
            self.sentences += sentences
            self.stopped += int(trace.get("replaced", 0))

    @property
    def asked_for(self) -> int:
        """Replies that a model was to write."""
        return self.by_model + self.by_fallback + self.cut

    @property
    def share(self) -> float:
        """Of those, the ones that it wrote."""
        return self.by_model / self.asked_for if self.asked_for else 0.0

    @property
    def ok(self) -> bool:
        """Whether what was measured is the model."""
        return self.share >= NEEDED

    def table(self) -> str:
        """For people."""
        rows = [
            ("written by the model", self.by_model, self.asked_for),
            ("by the built-in coach in its place", self.by_fallback, self.asked_for),
            ("by the model, cut short", self.cut, self.asked_for),
            ("by the built-in coach, as a rule", self.by_rule, self.asked_for + self.by_rule),
            ("sentences that the guard stopped", self.stopped, self.sentences + self.stopped),
        ]
        lines = ["", "Who spoke:", *(_row(*row) for row in rows)]
        why = ", ".join(f"{reason} {count}" for reason, count in self.reasons.most_common())
        return "\n".join([*lines, f"Why not the model: {why}."] if why else lines)

    def to_dict(self) -> dict[str, Any]:
        """For machines."""
        return {
            "by_model": self.by_model,
            "by_fallback": self.by_fallback,
            "by_rule": self.by_rule,
            "cut": self.cut,
            "share": self.share,
            "ok": self.ok,
            "sentences": self.sentences,
            "stopped": self.stopped,
            "reasons": dict(self.reasons),
        }


def _row(what: str, count: int, of: int) -> str:
    return f"{what:34} {100 * count / of if of else 0:5.1f}% {of:5}"
