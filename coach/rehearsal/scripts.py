"""What a test wants said: a function of the request, or texts one after the other."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable

from coach.rehearsal.asked import Asked
from coach.rehearsal.words import Say, rehearsed

Script = Callable[[Asked], "Say | str | None"]
"""None leaves the answer to the server."""

_ORDER = re.compile(r"\[\[(\d+)\]\]")


def word_orders(asked: Asked) -> Say:
    """As many words as the last message orders ("[[300]]"), or 16."""
    order = _ORDER.findall(asked.last_text)
    wanted = min(asked.max_tokens, int(order[-1]) if order else 16)
    return Say("".join(f"w{word + 1} " for word in range(wanted)))


class Prompter:
    """Texts that wait to be said go first, then the script, then the server's own words."""

    def __init__(self, script: Script | None = None) -> None:
        self.script = script
        self.waiting: deque[Say] = deque()

    def add(self, *texts: Say | str) -> None:
        """For the next answers, one each."""
        self.waiting.extend(_say(text) for text in texts)

    def answer(self, asked: Asked) -> Say:
        """To this request."""
        if self.waiting:
            return self.waiting.popleft()
        said = self.script(asked) if self.script is not None else None
        return rehearsed(asked) if said is None else _say(said)


def _say(text: Say | str) -> Say:
    return Say(text) if isinstance(text, str) else text
