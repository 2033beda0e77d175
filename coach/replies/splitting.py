"""A stream of text, cut into whole sentences as they become whole.

A sentence is only given out once what follows it shows that it has ended, so that what reads it reads all of
it: no half number, quotation or list item. Markdown that a model writes although it was asked
not to is taken off; the words stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST_CHARACTERS = 1_500
"""A sentence longer than this is given out as it is; the guard stops what is too long to be read."""

_STOP = re.compile(r"[.!?…]+[\"”’')\]*_]*|\n[ \t]*\n|\n(?=```|[ \t]*(?:[-*•]|\d{1,2}[.)])[ \t])")
_PLACE = re.compile(r"\s*\[([-\w]+#[-\w]+)\][.]?")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(“\"'])(?:(?i:e\.g|i\.e|etc|vs|cf|approx|resp|incl|excl|max|avg|fig|pp?|a\.m|p\.m|u\.s)"
    r"|No|Nos|Sec|Ch|Dr|Mr|Mrs|Ms|Prof|St|[A-Z])\.$"
)
_ENUMERATION = re.compile(r"^\s*(?:\d{1,2}|[a-z])[.)]$")
_FENCE = "```"


def asks(text: str) -> bool:
    """Whether a sentence is a question."""
    return text.rstrip("\"”’')").endswith("?")


@dataclass(frozen=True, slots=True)
class Piece:
    """A sentence without marks. `opens`: it begins a paragraph. `places`: passages cited, as they were named.
    `is_code`: a block of code, whole."""

    text: str
    opens: bool = False
    places: tuple[str, ...] = ()
    is_code: bool = False

    @property
    def asks(self) -> bool:
        return asks(self.text)


class Splitter:
    """Takes pieces of any size, down to one character; gives whole sentences, the same for any cutting."""

    def __init__(self) -> None:
        self._text = ""
        self._opens = True

    def feed(self, piece: str) -> list[Piece]:
        """The sentences that are whole now."""
        self._text += piece.replace("\r\n", "\n").replace("\r", "\n")
        return list(self._whole(final=False))

    def end(self) -> list[Piece]:
        """What is left, whole or not: nothing follows."""
        return list(self._whole(final=True))

    def _whole(self, *, final: bool) -> Iterator[Piece]:
        while self._text.strip():
            self._skip_space()
            end = _end_of_sentence(self._text, final=final)
            if end is None:
                return
            sentence, self._text = self._text[:end], self._text[end:]
            piece = _cleaned(sentence, opens=self._opens)
            if piece.text:
                yield piece
                self._opens = False

    def _skip_space(self) -> None:
        bare = self._text.lstrip()
        space = self._text[: len(self._text) - len(bare)]
        self._opens = self._opens or space.count("\n") > 1
        self._text = bare


def _end_of_sentence(text: str, *, final: bool) -> int | None:
    """Where the first sentence ends; None while that cannot be told."""
    if text.startswith("`") and _FENCE.startswith(text[:3]) and not final and len(text) < 3:
        return None
    if text.startswith(_FENCE):
        return _end_of_code(text, final=final)
    for stop in _STOP.finditer(text):
        end = _end_at(text, stop, final=final)
        if end is None:
            return None
        if end:
            return end
    return len(text) if final or len(text) > LONGEST_CHARACTERS else None


def _end_of_code(text: str, *, final: bool) -> int | None:
    close = text.find(_FENCE, len(_FENCE))
    if close >= 0:
        return close + len(_FENCE)
    return len(text) if final else None


def _end_at(text: str, stop: re.Match[str], *, final: bool) -> int | None:
    """The end that a stop makes; 0 where it makes none, None where only what comes next can tell."""
    if stop[0][0] == "\n":
        return stop.start()
    if text.count("`", 0, stop.start()) % 2:
        return 0
    rest = text[stop.end() :]
    place = _PLACE.match(rest)
    if place:
        return stop.end() + place.end()
    bare = rest.lstrip()
    if not bare or (bare[0] == "[" and "]" not in bare[:120]):
        return _undecided(stop.end(), rest, final=final)
    if len(bare) == len(rest) or bare[0].islower() or _is_no_stop(text[: stop.end()]):
        return 0
    return stop.end()


def _undecided(end: int, rest: str, *, final: bool) -> int | None:
    return end if final or rest.count("\n") > 1 else None


def _is_no_stop(before: str) -> bool:
    return bool(_ABBREVIATION.search(before[-12:]) or _ENUMERATION.match(before))


_MARKS = re.compile(r"^\s*(?:#{1,6}\s+|>\s+|(?:[-*•]|\d{1,2}[.)])\s+)+")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")
_EMPHASIS = re.compile(r"(\*\*|__|(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)|`)")


def _cleaned(sentence: str, *, opens: bool) -> Piece:
    if sentence.startswith(_FENCE):
        inside = sentence.removeprefix(_FENCE).removesuffix(_FENCE)
        return Piece(" ".join(inside.split()), opens, is_code=True)
    places = tuple(_PLACE.findall(sentence))
    plain = _PLACE.sub(_stop_of, sentence)
    plain = _EMPHASIS.sub("", _LINK.sub(r"\1", _MARKS.sub("", plain)))
    return Piece(" ".join(plain.split()), opens, places)


def _stop_of(place: re.Match[str]) -> str:
    return "." if place[0].endswith(".") else ""
