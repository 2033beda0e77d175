"""`python -m bench.coach.provider [options of the rehearsal server] [--short]`: it, with words of a reply.

A request for data gets what the rehearsal server says; any other one a reply of plain sentences.
"""

from __future__ import annotations

import argparse
import asyncio
import uuid
from collections.abc import Callable, Sequence

from coach.rehearsal.asked import Asked
from coach.rehearsal.program import HELP, add_options, made
from coach.rehearsal.server import serve
from coach.rehearsal.words import Say

REPLIES = (
    "Two calls that need nothing of each other can run side by side, and then the slower one sets the time. "
    "A call that reads what another one writes has to wait for it, however fast the rest may be. "
    "The longest chain of such waits decides when everything is done. "
    "Shorten that chain first, for nothing else moves the end. "
    "Work beside it can even be late for a while without anybody noticing. "
    "Look at the chart again with that in mind.",
    "What stays the same from call to call belongs in front, and what changes belongs behind it. "
    "A cache keeps the beginning of a prompt, so the first changed word ends what can be read from it. "
    "Put the words of the person who asks at the very end. "
    "Then the large part in front is read at a tenth of its price. "
    "A pause that is too long empties the cache, and the next caller fills it for everybody. "
    "Try the order in the exercise and watch the price.",
)
SHORT = (
    "A waiting call delays others.", "Independent steps may run together.", "The longest chain decides everything.",
    "Slack hides a small delay.", "Stable text belongs in front.", "Changing text belongs behind it.",
    "A prefix is read again.", "An early guess costs something.", "A wrong guess is dropped.",
    "Small models sort questions well.", "Large models write slowly instead.", "Every answer has its price.",
    "Limits protect the whole group.", "Branches come together later on.", "The slowest branch sets time.",
    "Combine only what is needed.", "Stop reading when you know.", "Measure before you change anything.",
    "Change one thing each time.", "Then look at it again.",
)  # fmt: skip


SHORT_REPLIES = tuple(" ".join(SHORT[n:] + SHORT[:n]) for n in range(len(SHORT)))


def text_for(turn: str, texts: Sequence[str]) -> str:
    """Which of them a turn gets is told by its id: what the guard leaves out of it may be its beginning."""
    return texts[uuid.UUID(turn).int % len(texts)] if turn else texts[0]


def script(*, short: bool) -> Callable[[Asked], Say | None]:
    texts = SHORT_REPLIES if short else REPLIES

    def answer(asked: Asked) -> Say | None:
        return None if asked.schema is not None else Say(text_for(asked.user_id, texts))

    return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=HELP)
    add_options(parser)
    parser.add_argument("--short", action="store_true", help="twenty sentences of five words")
    options = vars(parser.parse_args())
    server = made(options)
    server.prompter.script = script(short=options["short"])
    asyncio.run(serve(server, lambda url: print(url, flush=True)))


if __name__ == "__main__":
    main()
