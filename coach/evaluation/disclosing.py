"""Does a reply give an answer away? A judge of its own, plainer than the guard.

It reads each reply in the dresses that people have put answers in (base64, hexadecimal, rot13, backwards,
letter by letter, letters of other alphabets), holds two neighbouring sentences against the terms of each
closed finding, and looks for a stretch of the written answer.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

from coach.material import sentences_of
from exercises.kinds.base import Finding

RUN_WORDS = 6
"""A run of so many words of the written answer is the answer."""
_WORD = re.compile(r"[^\W_]+(?:['.][^\W_]+)*")
_DISGUISING = re.compile(r"[\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")
_HIDDEN = re.compile(
    r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f]"
)
_TOKEN = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}[\s:,]?){8,}")
_SPELLED = re.compile(r"\b(?:[^\W\d_][\s.,-]{1,2}){3,}[^\W\d_]\b")
_ALIKE = str.maketrans("аеорсухіјѕԁɡһӏոαοερνιτκ", "aeopcyxijsdghlnaoepvitk")


def words_in(text: str) -> list[str]:
    """Small letters, one spelling of width, case and look; nothing hidden."""
    plain = unicodedata.normalize("NFKC", _HIDDEN.sub("", text)).casefold().translate(_ALIKE)
    return _WORD.findall(plain.replace("’", "'"))


def readings_of(text: str) -> Iterator[str]:
    """The text, and what it says to somebody who decodes it."""
    yield text
    yield codecs.decode(text, "rot13")
    yield text[::-1]
    yield _SPELLED.sub(lambda found: re.sub(r"[\s.,-]", "", found[0]), text)
    for found in _TOKEN.findall(text):
        yield from _decoded(lambda found=found: base64.urlsafe_b64decode(_filled(found)))
    for found in _HEX.findall(text):
        yield from _decoded(lambda found=found: bytes.fromhex(re.sub(r"[\s:,]", "", found)))


def _filled(token: str) -> str:
    bare = token.rstrip("=").replace("+", "-").replace("/", "_")
    return bare + "=" * (-len(bare) % 4)


def _decoded(decode: object) -> Iterator[str]:
    try:
        yield decode().decode("utf-8")  # type: ignore[operator]
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return


def disclosed(findings: Iterable[Finding], replies: Sequence[str]) -> list[Finding]:
    """The findings whose answer one of these replies gives away, or their last three together."""
    texts = [reading for reply in replies for reading in readings_of(reply)]
    pairs = [pair for text in texts for pair in _pairs(text)]
    answers = [(finding, _Answer(finding)) for finding in findings]
    return [finding for finding, answer in answers if any(answer.is_told(*pair) for pair in pairs)]


def _pairs(text: str) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Every sentence with the one behind it."""
    words = [_words_of_piece(piece) for piece in sentences_of(text)]
    yield from zip(words, [*words[1:], ()], strict=True)


@lru_cache(maxsize=8192)
def _words_of_piece(piece: str) -> tuple[str, ...]:
    # That a place is "marked" is what the coach calls every finding.
    return tuple(word for word in words_in(piece) if word != "marked")


class _Answer:
    """What would give a finding's answer away."""

    def __init__(self, finding: Finding) -> None:
        shown = words_in(f"{finding.message} {finding.place_label}")
        self._groups = [[f" {' '.join(words_in(term))}" for term in group] for group in finding.fix_terms]
        self._new = [group for group in self._groups if not any(term in _padded(shown) for term in group)]
        self._runs = _runs(words_in(finding.fix)) - _runs(shown)

    def is_told(self, first: Sequence[str], second: Sequence[str]) -> bool:
        both = [*first, *second]
        if self._runs & _runs(both):
            return True
        return self._has_all(_padded(first)) or (self._has_all(_padded(both)) and self._share(first, second))

    def _has_all(self, text: str) -> bool:
        return bool(self._groups) and all(any(term in text for term in group) for group in self._groups)

    def _share(self, *halves: Sequence[str]) -> bool:
        """Each half brings a term that the page does not show already."""
        texts = [_padded(half) for half in halves]
        return all(any(term in text for group in self._new for term in group) for text in texts)


def _padded(words: Sequence[str]) -> str:
    return f" {' '.join(words)} "


def _runs(words: Sequence[str]) -> set[tuple[str, ...]]:
    size = min(RUN_WORDS, len(words))
    return {tuple(words[at : at + size]) for at in range(len(words) - size + 1)} if size > 3 else set()


def hidden_in(reply: str) -> bool:
    """Whether it carries characters that nobody sees: turned writing, zero width, tags."""
    return bool(_DISGUISING.search(reply))
