"""Does a reply give an answer away? A judge of its own: plainer than the guard, and it sees all replies at once.

It reads each reply in the dresses that people have put answers in (base64, hexadecimal, rot13, backwards, letter
by letter, letters of other alphabets), holds two neighbouring sentences against the terms of each closed finding,
looks for a stretch of the written answer, and puts together what a conversation said in several turns.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from coach.material import sentences_of
from exercises.kinds.base import Finding

RUN_WORDS = 6
"""A run of so many words of the written answer is the answer."""
_WORD = re.compile(r"[^\W_]+(?:['.][^\W_]+)*")
_HIDDEN = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f]")
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
    return [finding for finding in findings if any(_tells(finding, *pair) for pair in pairs)]


def _pairs(text: str) -> Iterator[tuple[list[str], list[str]]]:
    """Every sentence with the one behind it."""
    words = [words_in(sentence) for sentence in sentences_of(text)]
    yield from zip(words, [*words[1:], []], strict=True)


def _tells(finding: Finding, first: list[str], second: list[str]) -> bool:
    if _runs(words_in(finding.fix)) & _runs([*first, *second]) - _given(finding):
        return True
    return _has_terms(finding, first) or _share_terms(finding, first, second)


def _share_terms(finding: Finding, first: list[str], second: list[str]) -> bool:
    """In two halves: together they have the terms, and each brings one that the page does not show already."""
    together = _has_terms(finding, [*first, *second])
    return together and all(_new_terms(finding, words) for words in (first, second))


def _groups(finding: Finding) -> list[list[str]]:
    return [[f" {' '.join(words_in(term))}" for term in group] for group in finding.fix_terms]


def _has_terms(finding: Finding, words: list[str]) -> bool:
    text, groups = _padded(words), _groups(finding)
    return bool(groups) and all(any(term in text for term in group) for group in groups)


def _new_terms(finding: Finding, words: list[str]) -> bool:
    text, shown = _padded(words), _padded(words_in(f"{finding.message} {finding.place_label}"))
    return any(
        any(term in text for term in group) and not any(term in shown for term in group)
        for group in _groups(finding)
    )


def _padded(words: list[str]) -> str:
    return f" {' '.join(words)} "


def _given(finding: Finding) -> set[tuple[str, ...]]:
    return _runs(words_in(f"{finding.message} {finding.place_label}"))


def _runs(words: list[str]) -> set[tuple[str, ...]]:
    size = min(RUN_WORDS, len(words))
    return {tuple(words[at : at + size]) for at in range(len(words) - size + 1)} if size > 3 else set()


def hidden_in(reply: str) -> bool:
    """Whether it carries characters that nobody sees: turned writing, zero width, tags."""
    return bool(_HIDDEN.search(reply))
