"""What every picture is: two drawings of the same data, a sentence and a table."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.safestring import SafeString


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A finished picture; render it with `{% include "components/picture.html" with picture=p %}`.

    `svg` is drawn for a column of about 52rem, `svg_narrow` for a phone; CSS shows one of the two.
    `sentence` says what the picture shows, with its numbers. `columns` and `rows` (plain strings, escaped by
    the template) are the same data as a table. Ids inside the drawings are new on every call, so the same
    picture may stand twice on a page.
    """

    title: str
    svg: SafeString
    svg_narrow: SafeString
    sentence: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
