"""Working on the prompt sentence by sentence, by buttons: move, remove, add a line on offer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.utils.translation import gettext as _

from exercises.kinds.base import Form
from exercises.kinds.prompt_rewrite.answer import last_of, text_in
from exercises.kinds.prompt_rewrite.reading import sentences
from exercises.kinds.prompt_rewrite.spec import MAX_TEXT_CHARS, RewriteSpec

MAX_SHOWN = 80
"""Sentences that the panel lists; more would make a page of buttons."""
_LINE = "\n"
_ENDS = (".", "!", "?")
_NO_PLACE = -1


@dataclass(frozen=True, slots=True)
class Pieces:
    """A text taken apart: its sentences, what stands in front of each, what stands behind the last."""

    sentences: tuple[str, ...]
    gaps: tuple[str, ...]
    tail: str

    @property
    def text(self) -> str:
        """Together again. After a sentence without a full stop a line begins, or the two would melt."""
        text = ""
        for sentence, gap in zip(self.sentences, self.gaps, strict=True):
            melts = text != "" and _LINE not in gap and not text.endswith(_ENDS)
            text += (_LINE if melts else gap) + sentence
        return text + self.tail

    def without(self, at: int) -> Pieces:
        """One sentence less; of the gaps on its two sides the wider one stays."""
        gaps = list(self.gaps)
        if at == 0 and len(gaps) > 1:
            gaps[1] = gaps[0]
        elif at + 1 < len(gaps):
            gaps[at + 1] = max(gaps[at], gaps[at + 1], key=lambda gap: gap.count(_LINE))
        del gaps[at]
        return Pieces((*self.sentences[:at], *self.sentences[at + 1 :]), tuple(gaps), self.tail)

    def first(self, at: int) -> Pieces:
        """One sentence as a line of its own, before all others."""
        rest = self.without(at)
        gaps = (rest.gaps[0], _LINE, *rest.gaps[1:]) if rest.gaps else ("",)
        return Pieces((self.sentences[at], *rest.sentences), gaps, self.tail)

    def swapped(self, at: int) -> Pieces:
        """A sentence and its follower have changed places."""
        order = list(self.sentences)
        order[at], order[at + 1] = order[at + 1], order[at]
        return Pieces(tuple(order), self.gaps, self.tail)

    def with_line(self, line: str) -> Pieces:
        """A line more, at the end."""
        gap = _LINE if self.sentences else ""
        return Pieces((*self.sentences, line), (*self.gaps, gap), self.tail)


def take_apart(text: str) -> Pieces:
    """The sentences of a text as the grader reads them."""
    found, gaps, end = [], [], 0
    for start, stop in sentences(text):
        piece = text[start:stop]
        if piece.strip():
            begin = start + len(piece) - len(piece.lstrip())
            gaps.append(text[end:begin])
            end = begin + len(piece.strip())
            found.append(text[begin:end])
    return Pieces(tuple(found), tuple(gaps), text[end:])


def commanded(spec: RewriteSpec, form: Form, command: str) -> dict[str, list[str]]:
    """The form after a button of the panel: `top:3`, `up:3`, `down:3`, `cut:3`, `add:1`, counted from 0.

    What was done and where is kept in the field `done`, for the status line. A command that makes no sense
    changes nothing.
    """
    changed = {name: list(values) for name, values in form.items()}
    verb, at = _verb_and_place(command)
    text = text_in(form)
    if at == _NO_PLACE or len(text) > MAX_TEXT_CHARS:
        return changed
    after = _after(spec, take_apart(text), verb, at)
    if after is not None:
        changed |= {"text": [after.text], "done": [command]}
    return changed


def _verb_and_place(command: str) -> tuple[str, int]:
    verb, _colon, number = command.partition(":")
    return verb, int(number) if re.fullmatch(r"[0-9]{1,4}", number) else _NO_PLACE


def _after(spec: RewriteSpec, pieces: Pieces, verb: str, at: int) -> Pieces | None:
    if verb == "add":
        fits = at < len(spec.offered) and spec.offered[at] not in pieces.sentences
        return pieces.with_line(spec.offered[at]) if fits else None
    if at >= len(pieces.sentences):
        return None
    if verb == "cut":
        return None if spec.placeholder in pieces.sentences[at] else pieces.without(at)
    if verb == "top":
        return pieces.first(at) if at > 0 else None
    above = at - 1 if verb == "up" else at
    fits = verb in {"up", "down"} and 0 <= above < len(pieces.sentences) - 1
    return pieces.swapped(above) if fits else None


def panel_context(spec: RewriteSpec, form: Form) -> dict[str, Any]:
    """The sentences with their buttons, the lines on offer, and what the last button did.

    Buttons that move are named after their sentence, so that they keep the focus where it goes; Remove is
    named after its place, so that the focus stays where the next sentence comes.
    """
    text = text_in(form)
    pieces = take_apart(text[:MAX_TEXT_CHARS])
    shown = pieces.sentences[:MAX_SHOWN]
    names = _names(shown)
    last = len(pieces.sentences) - 1
    return {
        "sentences": [
            {
                "at": at,
                "id": names[at],
                "text": sentence,
                "is_first": at == 0,
                "is_last": at == last,
                "is_input": spec.placeholder in sentence,
            }
            for at, sentence in enumerate(shown)
        ],
        "unseen": len(pieces.sentences) - len(shown),
        "offered": [
            {"at": at, "text": line, "is_in": line in pieces.sentences}
            for at, line in enumerate(spec.offered)
        ],
        "panel_is_open": bool(last_of(form, "done")),
        "announcement": _announcement(spec, last_of(form, "done"), pieces.sentences),
    }


def _names(found: Sequence[str]) -> list[str]:
    """An id a sentence, the same wherever it stands; a number tells equals apart."""
    seen: Counter[str] = Counter()
    names = []
    for sentence in found:
        digest = sha256(sentence.encode()).hexdigest()[:10]
        seen[digest] += 1
        names.append(f"{digest}-{seen[digest]}")
    return names


def _announcement(spec: RewriteSpec, done: str, found: Sequence[str]) -> str:
    """What the last button did, for the status line."""
    verb, at = _verb_and_place(done)
    now = {"top": 0, "up": at - 1, "down": at + 1, "add": len(found) - 1}.get(verb, _NO_PLACE)
    if verb == "cut":
        return _("A sentence was taken out; %(count)s are left.") % {"count": len(found)}
    if not 0 <= now < len(found):
        return ""
    words = _("“%(sentence)s” is now sentence %(number)s of %(count)s.")
    return words % {"sentence": _shortened(found[now]), "number": now + 1, "count": len(found)}


def _shortened(sentence: str, limit: int = 50) -> str:
    return sentence if len(sentence) <= limit else f"{sentence[:limit].rstrip()}…"
