"""What a reply is made of: sentences in paragraphs, each at most with one link."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from coach.ladder import Step
from coach.material import Link


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence:
    """One sentence as it is shown. `role` styles its paragraph; `marker` is the number of a finding, or 0.

    `opens`: it begins its paragraph. `finding`: the key of the finding it speaks of.
    """

    text: str
    role: str = "say"
    paragraph: int = 0
    marker: int = 0
    link: Link | None = None
    finding: str = ""
    opens: bool = False

    def to_dict(self) -> dict[str, Any]:
        data: dict[str, Any] = {"text": self.text, "role": self.role, "paragraph": self.paragraph}
        if self.opens:
            data["opens"] = True
        if self.marker:
            data["marker"] = self.marker
        if self.link:
            data["link"] = self.link.to_dict()
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Sentence:
        link = data.get("link")
        return cls(
            text=data["text"],
            role=data.get("role", "say"),
            paragraph=data.get("paragraph", 0),
            marker=data.get("marker", 0),
            link=Link(**link) if link else None,
            opens=data.get("opens", False),
        )


Ending = Literal["done", "truncated", "refused", "interrupted"]
"""Values of `Turn.State`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What is kept of a reply beside its sentences, and how it ended."""

    state: Ending = "done"

    trace: dict[str, Any] = field(default_factory=dict)
    memory: dict[str, Any] = field(default_factory=dict)
    steps: tuple[Step, ...] = ()
    exercise_id: int | None = None


class Voice(Protocol):
    """Where a reply goes while it is being made. Both may be called from any thread."""

    def status(self, text: str) -> None: ...

    def say(self, sentence: Sentence) -> None: ...
