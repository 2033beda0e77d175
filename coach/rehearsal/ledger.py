"""What was asked and what came of it: the log from outside, to compare the caller's books with."""

from __future__ import annotations

import json
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

KEPT = 10_000
"""Entries that stay in memory; a file has all of them."""
BODIES = 500
"""Of these, the newest whose requests stay with them."""


@dataclass(slots=True, kw_only=True)
class Entry:
    """One request to write a message. `at` and `seconds` are the machine's, not scaled.

    `usage` is what had been read and written when it ended; `reported` says whether the caller was told all
    of it. `closed_early`: the caller left before the answer's end. `body` is the request, kept for the newest
    entries. `moments`: when the request came, and each piece of a stream's text left, with the characters
    sent by then; on the clock that all processes of a machine share. No file has these two.
    """

    request_id: str
    at: float = field(default_factory=time.time)
    model: str = ""
    user_id: str = ""
    stream: bool = False
    max_tokens: int = 0
    fault: str = ""
    status: int = 0
    message_id: str = ""
    stop_reason: str | None = None
    usage: dict[str, Any] = field(default_factory=dict)
    reported: bool = False
    closed_early: bool = False
    seconds: float | None = None
    body: dict[str, Any] = field(default_factory=dict, repr=False)
    moments: list[tuple[float, int]] = field(default_factory=lambda: [(time.monotonic(), 0)], repr=False)

    def note_text(self, characters: int) -> None:
        """So many characters more leave now."""
        self.moments.append((time.monotonic(), self.moments[-1][1] + characters))

    def told(self, *, body: bool = False, moments: bool = False) -> dict[str, Any]:
        """As JSON. `seconds` is null while it runs."""
        wanted = {"body": body, "moments": moments}
        names = [name for name in self.__slots__ if wanted.get(name, True)]
        return {name: getattr(self, name) for name in names}


class Ledger:
    """Entries in the order of their requests. A file gets each as a line of JSON twice: `begun`, `ended`."""

    def __init__(self, path: Path | None = None) -> None:
        self.entries: deque[Entry] = deque(maxlen=KEPT)
        self._file: TextIO | None = path.open("a", encoding="utf-8") if path is not None else None

    def begin(self, entry: Entry) -> None:
        """The request is there and understood as far as it can be."""
        self.entries.append(entry)
        if len(self.entries) > BODIES:
            self.entries[-BODIES - 1].body = {}
        self._write("begun", entry)

    def end(self, entry: Entry) -> None:
        """Nothing more is sent."""
        entry.seconds = time.time() - entry.at
        self._write("ended", entry)

    def close(self) -> None:
        """No more lines."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, event: str, entry: Entry) -> None:
        if self._file is not None:
            self._file.write(json.dumps({"event": event, **entry.told()}) + "\n")
            self._file.flush()
