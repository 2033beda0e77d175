"""A model's stream on its way to the learner: whole sentences, each cleared before it is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from coach.material import Link, sentences_of
from coach.replies.drafting import Note
from coach.replies.passages import Index
from coach.replies.splitting import Piece, Splitter, asks
from coach.replies.telling import Teller

WORDS_MAX = 120
CITATIONS_MAX = 2


@dataclass(slots=True)
class Speaker:
    """Hears pieces of a model's answer and says them sentence by sentence.

    The form is enforced, not only asked for: so many words, one question, an action behind it; what the model
    left out of that is taken from the `notes`. `finding`: the key of the one that is spoken of, `marker` its
    number. `facts` count what was done.
    """

    teller: Teller
    index: Index
    notes: Sequence[Note] = ()
    finding: str = ""
    marker: int = 0
    splitter: Splitter = field(default_factory=Splitter)
    full: bool = False
    shown: int = 0
    dropped: int = 0
    _acted: bool = False
    _opens: bool = True
    _cited: set[str] = field(default_factory=set)

    @property
    def asked(self) -> bool:
        """Whether the reply has its question, whoever put it."""
        return self.teller.asked

    def hear(self, text: str) -> bool:
        """Say what is whole now. False once the reply is as long as it may be."""
        self._say_all(self.splitter.feed(text))
        return not self.full

    def finish(self) -> None:
        """The model has ended: say the rest, and what a reply has to have besides."""
        if not self.full:
            self._say_all(self.splitter.end())
        if self.shown:
            self._complete()

    def break_off(self) -> None:
        """The stream was cut: half a sentence is not shown."""
        self.splitter = Splitter()

    def _say_all(self, pieces: Sequence[Piece]) -> None:
        for piece in pieces:
            self._opens = self._opens or piece.opens
            if self.full or self._is_too_long(piece):
                self.full = True
                return
            self._say(piece)

    def _is_too_long(self, piece: Piece) -> bool:
        """The last words of a reply are kept for its question and action."""
        kept = 0 if self._acted else sum(len(note.text.split()) for note in self._missing())
        return self.teller.words + len(piece.text.split()) + kept > WORDS_MAX

    def _say(self, piece: Piece) -> None:
        if piece.asks and self.asked:
            self.dropped += 1
            return
        asked = self.asked
        role, opens = self._place(piece)
        link = self._cite(piece)
        said = self.teller.say(
            piece.text,
            opens=opens,
            role=role,
            marker=self.marker if not self.shown else 0,
            link=link,
            finding=self.finding,
        )
        if not said:
            self.dropped += 1
            return
        self.shown += 1
        self._acted = self._acted or (asked and not asks(said[-1].text))
        self._opens = asks(said[-1].text)

    def _place(self, piece: Piece) -> tuple[str, bool]:
        """The question stands alone; what comes behind it is the action."""
        if piece.asks:
            return "question", True
        if self.asked:
            return "action", self._opens
        return ("finding" if self.finding else "say"), self._opens

    def _cite(self, piece: Piece) -> Link | None:
        """The first passage that is cited here, if it is published and was not cited before."""
        for place in piece.places:
            section = self.index.at(place)
            if section is not None and place not in self._cited and len(self._cited) < CITATIONS_MAX:
                self._cited.add(place)
                return section.link
        return None

    def _missing(self) -> list[Note]:
        wanted = {"action"} if self.asked else {"question", "action"}
        found = {note.role: note for note in self.notes if note.role in wanted and not self._was_said(note)}
        return [found[role] for role in ("question", "action") if role in found]

    def _was_said(self, note: Note) -> bool:
        return all(sentence in self.teller.shown for sentence in sentences_of(note.text))

    def _complete(self) -> None:
        if self._acted:
            return
        for note in self._missing():
            self.teller.tell(note.text, role=note.role, link=note.link, finding=note.finding)
