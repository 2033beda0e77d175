"""What the learners saw, laid beside what the provider's log says: waits, lateness, frames."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.coach.provider import REPLIES, SHORT_REPLIES, text_for

Reply = dict[str, Any]
Log = dict[str, list[list[float]]]
"""Of each turn: when its request came, and when each piece of its text left, with the characters by then."""


def log_of(entries: Iterable[dict[str, Any]]) -> Log:
    """Of the calls that write a reply; the moments of a retry count from its own beginning."""
    return {each["user_id"]: each["moments"] for each in entries if len(each["moments"]) > 2}


def first(reply: Reply, kind: str) -> float | None:
    """Seconds from asking to the first frame of a kind."""
    return next((frame[0] - reply["asked_at"] for frame in reply["frames"] if frame[1] == kind), None)


@dataclass(frozen=True, slots=True)
class Late:
    """A sentence of a model's, seconds from the delta with its last character, and from the one that showed
    it to be the last, to its frame."""

    since_written: float
    since_ended: float


def lateness(reply: Reply, log: Log) -> list[Late]:
    """Of each sentence of the model's that was shown, in order. Empty where there is none."""
    said = [(frame[0], frame[3]) for frame in reply["frames"] if frame[1] == "sentence"]
    text = _text_of(reply["turn"], said[0][1]) if said and reply["turn"] in log else ""
    found = []
    for at, sentence in said:
        # What the coach adds of its own needs no delta, and what it leaves out has no frame.
        if (start := text.find(sentence)) >= 0:
            moments, end = log[reply["turn"]], start + len(sentence)
            found.append(Late(at - _left(moments, end), at - _left(moments, end + 2)))
    return found


def _text_of(turn: str, first_said: str) -> str:
    """What the model wrote, "" where the words are not its own."""
    texts = (text_for(turn, kind) for kind in (REPLIES, SHORT_REPLIES))
    return next((text for text in texts if first_said in text), "")


def _left(moments: Sequence[Sequence[float]], characters: int) -> float:
    """When so many were there; the last piece tells that nothing follows."""
    return next((at for at, by_then in moments[1:] if by_then >= characters), moments[-1][0])


@dataclass(frozen=True, slots=True)
class Added:
    """Seconds that the coach adds to one reply: before the request is at the provider, after its first delta,
    and after the delta that ends the first sentence."""

    before: float
    since_first_delta: float
    after: Late

    @property
    def in_all(self) -> float:
        """What the learner waits for that is not the model's, until the first sentence stands there."""
        return self.before + self.after.since_ended


def added(reply: Reply, log: Log) -> Added | None:
    late = lateness(reply, log)
    if not late:
        return None
    came, begun = log[reply["turn"]][:2]
    shown = first(reply, "sentence")
    assert shown is not None
    return Added(came[0] - reply["asked_at"], reply["asked_at"] + shown - begun[0], late[0])


def shares_of(replies: Iterable[Reply], log: Log) -> dict[str, list[float]]:
    """What the coach adds to each reply of a model's, by its parts."""
    found = [each for reply in replies if (each := added(reply, log)) is not None]
    return {
        "in_all": [each.in_all for each in found],
        "before": [each.before for each in found],
        "since_ended": [each.after.since_ended for each in found],
        "since_written": [each.after.since_written for each in found],
        "since_first_delta": [each.since_first_delta for each in found],
    }


def quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def told(values: Sequence[float], *, digits: int = 0) -> str:
    """`median / p95` in milliseconds."""
    if not values:
        return "none"
    return f"{statistics.median(values) * 1000:,.{digits}f} / {quantile(values, 0.95) * 1000:,.{digits}f}"


def frames_of(replies: Iterable[Reply]) -> int:
    return sum(len(reply["frames"]) for reply in replies)
