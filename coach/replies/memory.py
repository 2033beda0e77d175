"""What one turn leaves to the next: the topic, what of it was said, what was asked back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

_SAID_MAX = 40
_TOPICS_MAX = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """`topic`: the place that is being talked about. `finding`: the finding's key. `said`: lesson sentences
    that were shown already. `discussed`: places talked about. `asked`: whether the coach's last turn asked
    something back; `turns`: how many there were before."""

    topic: str = ""
    finding: str = ""
    said: tuple[str, ...] = ()
    discussed: tuple[str, ...] = ()
    asked: bool = False
    turns: int = 0
    questions: tuple[str, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        return {
            "topic": self.topic,
            "finding": self.finding,
            "said": list(self.said[-_SAID_MAX:]),
            "discussed": list(self.discussed[-_TOPICS_MAX:]),
            "asked": self.asked,
        }


def memory_of(earlier: Iterable[Mapping[str, Any]]) -> Memory:
    """From the turns before, newest first; what a turn that was stopped left out, an older one knows."""
    rows = list(earlier)
    left: Mapping[str, Any] = next((row["memory"] for row in rows if row["memory"]), {})
    kept = next((row["memory"] for row in rows if row["memory"].get("said")), left)
    return Memory(
        topic=left.get("topic", ""),
        finding=left.get("finding", ""),
        said=tuple(kept.get("said", ())),
        discussed=tuple(kept.get("discussed", ())),
        asked=bool(left.get("asked")),
        turns=rows[0]["number"] if rows else 0,
        questions=tuple(row["question"] for row in rows),
    )
