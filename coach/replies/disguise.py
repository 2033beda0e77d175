"""What a text says to somebody who decodes it, and whether it is one that only a decoder could read. Pure."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import unicodedata
from collections.abc import Iterable, Iterator
from urllib.parse import unquote

_TOKEN = re.compile(r"[A-Za-z0-9+/_-]{8,}={0,2}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}[\s:,]?){4,}")
_BITS = re.compile(r"(?:[01]{8}\s?){3,}")
_LETTERS_APART = re.compile(r"(?<![^\W_])[^\W_](?:[\s.,·*_|/-]{1,3}[^\W_](?![^\W_])){2,}")
_BETWEEN = re.compile(r"[\s.,·*_|/-]+")
_LEET = str.maketrans("0134578@$!", "oleastbasi")
_CAPITALS = re.compile(r"\b[A-Z2-7]{16,}={0,6}")
# A long token that changes between cases and digits as no word does.
_OPAQUE = re.compile(
    r"(?=[A-Za-z0-9+/]*\d)(?=[A-Za-z0-9+/]*[a-z])(?=[A-Za-z0-9+/]*[A-Z])[A-Za-z0-9+/]{16,}={0,2}"
)
# Letters of other alphabets that look like those of this one.
_ALIKE = str.maketrans("аеорсухіјѕԁɡһӏοαρνιτκυη", "aeopcyxijsdghloapvitkun")
_SHORT = 24
_READABLE = 0.5


def alike(text: str) -> str:
    """Small letters in one alphabet, without accents: "Ｓеаt" and "seat" are the same word."""
    apart = unicodedata.normalize("NFKD", text).casefold().translate(_ALIKE)
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def readings_of(text: str) -> Iterator[str]:
    """The text itself, then what it says when it is decoded in the usual ways."""
    yield text
    yield codecs.decode(text, "rot13")
    yield text[::-1]
    yield " ".join(word[::-1] for word in text.split())
    yield _LETTERS_APART.sub(lambda found: _BETWEEN.sub("", found[0]), text)
    yield text.translate(_LEET)
    yield unquote(text)
    yield from _decoded(text)


def _decoded(text: str) -> Iterator[str]:
    for found in _TOKEN.findall(text):
        bare = found.rstrip("=").replace("+", "-").replace("/", "_")
        yield from _read(lambda bare=bare: base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4)))
    for found in _HEX.findall(text):
        yield from _read(lambda found=found: bytes.fromhex(re.sub(r"[\s:,]", "", found)))
    for found in _BITS.findall(text):
        yield from _read(lambda found=found: bytes(int(each, 2) for each in re.findall(r"[01]{8}", found)))


def _read(decode: object) -> Iterator[str]:
    try:
        yield decode().decode("utf-8")  # type: ignore[operator]
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return


def is_opaque(text: str) -> bool:
    """Whether it holds what nobody reads without a decoder: long tokens, or hardly any letters."""
    bare, pieces = "".join(text.split()), text.split()
    if 2 * sum(len(piece) == 1 for piece in pieces) > len(pieces) >= _SHORT // 3:
        return True
    if _OPAQUE.search(text) or _CAPITALS.search(text) or _BITS.search(text):
        return True
    letters = sum(letter.isalpha() for letter in bare)
    return len(bare) >= _SHORT and letters < _READABLE * len(bare)


_SPELLED_LETTERS = (5, 4)
"""So many first letters of words, or of sentences, are no chance."""
_INITIAL = re.compile(r"(?<![^\W_])[^\W\d_]")


def letters_of(text: str) -> str:
    """Its letters alone, small and in one alphabet."""
    return "".join(filter(str.isalpha, alike(text)))


class Initials:
    """First letters of a reply's words, and of its sentences, as far as it was shown.

    `secrets`: what they may not begin to spell, as `letters_of` gives it.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        letters = tuple(secrets)
        self._of_words, self._of_sentences = (
            {each[:size] for each in letters if len(each) >= size} for size in _SPELLED_LETTERS
        )
        self._words = self._sentences = ""

    def spells(self, sentence: str) -> bool:
        """Whether the first letters of what was shown, and of this, begin to spell a secret."""
        words, sentences = self._words + _initials(sentence), self._sentences + _initials(sentence)[:1]
        return any(start in words for start in self._of_words) or any(
            start in sentences for start in self._of_sentences
        )

    def saw(self, sentence: str) -> None:
        """It has been shown."""
        self._words += _initials(sentence)
        self._sentences += _initials(sentence)[:1]


def _initials(sentence: str) -> str:
    return "".join(_INITIAL.findall(alike(sentence)))
