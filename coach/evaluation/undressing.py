"""What a text says to somebody who takes its dress off: encodings, spellings, letters that nobody sees. Pure.

The judge's own, so that it is not blind where the guard is.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import unicodedata
from collections.abc import Callable, Iterator
from urllib.parse import unquote

_CODES = """
    .- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.--
    --.. ----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----.
"""
MORSE = dict(zip("abcdefghijklmnopqrstuvwxyz0123456789", _CODES.split(), strict=True))
_BY_MORSE = {code: letter for letter, code in MORSE.items()}
_DISGUISING = re.compile(r"[\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]")
_HIDDEN = re.compile(
    r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f]"
)
_TAGS = {0xE0000 + code: code for code in range(0x20, 0x7F)}
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{4,}={0,2}(?:\s+[A-Za-z0-9+/_-]{4,}={0,2})*")
_BASE32 = re.compile(r"[A-Z2-7]{8,}={0,6}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}[\s:,]?){8,}")
_BITS = re.compile(r"(?:[01]{8}[\s,]?){4,}")
_DOTS = re.compile(r"(?:[.-]{1,6}[ /]+){4,}[.-]{1,6}")
_SPELLED = re.compile(r"\b(?:[^\W\d_][\s.,-]{1,2}){3,}[^\W\d_]\b")
_LEET = str.maketrans("013457@$", "oleastas")
_MIXED = re.compile(r"\b(?=\S*[a-z])(?=\S*[\d@$])\S+", re.IGNORECASE)
"""A number that stands by itself is one."""
_ALIKE = str.maketrans("аеорсухіјѕԁɡһӏոαοερνιτκ", "aeopcyxijsdghlnaoepvitk")


def hidden_in(text: str) -> bool:
    """Whether it carries characters that nobody sees: turned writing, zero width, tags."""
    return bool(_DISGUISING.search(text))


def bare(text: str) -> str:
    """Small letters, one spelling of width, case, accent and look; nothing hidden."""
    apart = unicodedata.normalize("NFKD", _HIDDEN.sub("", text)).casefold().translate(_ALIKE)
    return "".join(letter for letter in apart if not unicodedata.combining(letter)).replace("’", "'")


def readings_of(text: str) -> Iterator[str]:
    """The text, then each other thing that it says to somebody who decodes it."""
    told = {""}
    for reading in (text, *_respelled(text), *_decoded(text)):
        if reading not in told:
            told.add(reading)
            yield reading


def mirrored(text: str) -> Iterator[str]:
    """What letters say in another order or for another: mostly nothing, and now and then a word by chance."""
    yield codecs.decode(text, "rot13")
    yield text[::-1]
    yield " ".join(word[::-1] for word in text.split())
    yield _MIXED.sub(lambda found: found[0].translate(_LEET), text)


def _respelled(text: str) -> Iterator[str]:
    yield _SPELLED.sub(lambda found: re.sub(r"[\s.,-]", "", found[0]), text)
    yield text.translate(_TAGS)
    yield unquote(text)


def _decoded(text: str) -> Iterator[str]:
    for found in _BASE64.findall(text):
        # In pieces, each word by itself, or one long token among plain words.
        pieces = [_read(_from_base64, piece) for piece in found.split()]
        yield " ".join(piece for piece in pieces if piece.isprintable())
    for pattern, decode in _DECODERS:
        for found in pattern.findall(text):
            yield _read(decode, found)
    for found in _DOTS.findall(text):
        yield _from_morse(found)


def _read(decode: Callable[[str], bytes], token: str) -> str:
    try:
        return decode(token).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""


def _from_base64(token: str) -> bytes:
    urlsafe = token.rstrip("=").replace("+", "-").replace("/", "_")
    return base64.urlsafe_b64decode(urlsafe + "=" * (-len(urlsafe) % 4))


def _from_base32(token: str) -> bytes:
    return base64.b32decode(token.rstrip("=") + "=" * (-len(token.rstrip("=")) % 8))


def _from_hex(token: str) -> bytes:
    return bytes.fromhex(re.sub(r"[\s:,]", "", token))


def _from_bits(token: str) -> bytes:
    return bytes(int(each, 2) for each in re.findall(r"[01]{8}", token))


def in_morse(text: str) -> str:
    """Letters apart, words by strokes."""
    words = (" ".join(MORSE[letter] for letter in word if letter in MORSE) for word in bare(text).split())
    return " / ".join(filter(None, words))


def _from_morse(token: str) -> str:
    words = re.split(r"\s*/\s*|\s{2,}", token.strip())
    return " ".join("".join(_BY_MORSE.get(code, "") for code in word.split()) for word in words)


_DECODERS: tuple[tuple[re.Pattern[str], Callable[[str], bytes]], ...] = (
    (_BASE32, _from_base32),
    (_HEX, _from_hex),
    (_BITS, _from_bits),
)
