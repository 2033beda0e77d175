"""What the built-in coach would say, kept as notes: facts for a model's words, and the reply without one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from coach.material import Link
from coach.replies.guard import Guard
from coach.replies.telling import Teller


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """One paragraph, as `Teller.tell` takes it."""

    text: str
    role: str = "say"
    marker: int = 0
    link: Link | None = None
    finding: str = ""


def _kept(_sentence: object) -> None:
    return None


def _nothing(_key: str) -> Iterable[str]:
    return ()


@dataclass(slots=True)
class NoteTaker(Teller):
    """A teller that shows nothing and keeps every paragraph."""

    notes: list[Note] = field(default_factory=list)

    def tell(
        self, text: str, *, role: str = "say", marker: int = 0, link: Link | None = None, finding: str = ""
    ) -> None:
        if text:
            self.words += len(text.split())
            self.notes.append(Note(text=text, role=role, marker=marker, link=link, finding=finding))


def note_taker() -> NoteTaker:
    return NoteTaker(emit=_kept, guard=Guard([]), instead=_nothing)


def tell_all(notes: Iterable[Note], teller: Teller) -> None:
    """The notes as a reply of their own, through that teller's guard."""
    for note in notes:
        teller.tell(note.text, role=note.role, marker=note.marker, link=note.link, finding=note.finding)
