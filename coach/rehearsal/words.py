"""What the server says when nobody tells it: that it is no model, or JSON that keeps to the asked schema."""

from __future__ import annotations

import json
from dataclasses import dataclass

from coach.rehearsal.asked import Asked
from coach.rehearsal.schemas import example_of

NOTICE = "The rehearsal server speaks, and it is not a model."
_MORE = (
    "Nobody has read the question, and nothing in the answer is advice.",
    "An answer arrives piece by piece, at the speed of a model of that size,",
    "with a cache and a bill by the same rules.",
    "Ask a real model for a real answer.",
)
THOUGHT = "The rehearsal server does not think; this stands where thinking would."


@dataclass(frozen=True, slots=True)
class Say:
    """An answer. `thinking` comes before the text, in a block of its own, and is paid for like it.

    `stop_reason` is the API's; None leaves it to the server: `end_turn`, or `max_tokens` where it was cut.
    """

    text: str
    thinking: str = ""
    stop_reason: str | None = None


def rehearsed(asked: Asked) -> Say:
    """The server's own answer, the same for the same request."""
    thinking = THOUGHT if asked.thinking in {"adaptive", "enabled"} else ""
    if asked.schema is not None:
        return Say(json.dumps(example_of(asked.schema, NOTICE), ensure_ascii=False), thinking)
    return Say(" ".join([NOTICE, *_MORE]), thinking)
