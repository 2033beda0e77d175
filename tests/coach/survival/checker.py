"""Reads what was logged outside the server, and what a new page shows at the end; says what does not fit.

Records are flat dicts. Those of clients (`"log": "client"`):

- `{"op": "submit", "client", "key", "question", "type"}`: type is "invoke" before it is sent, "ok" once it
  was acknowledged (with "turn"), "fail" when it was refused for good; a submit without an outcome may be
  either, once.
- `{"op": "see", "client", "turn", "seq", "kind", "text"}`: an event as a page was shown it, in order. A
  reconnect of the same page goes on; a new tab is a new client.
- `{"op": "settled", "client", "turns"}`: the page was left open until it had the ends of these turns.

`Final` is what a fresh tab and the page over HTTP show when the faults have stopped. Other logs (a
provider's, a ledger's) may stand among the records: a check is a function from `Evidence` to sentences.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    seq: int
    kind: str
    text: str = ""


@dataclass(slots=True)
class Final:
    """One turn at the end: its whole log as a fresh tab is shown it, and its text on the page over HTTP."""

    turn: str
    question: str
    events: list[Event]
    page_text: str
    is_open: bool


@dataclass(slots=True)
class Evidence:
    records: Sequence[Record]
    final: Sequence[Final]
    turns: dict[str, Final] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.turns = {turn.turn: turn for turn in self.final}

    def of(self, op: str) -> Iterator[Record]:
        return (record for record in self.records if record["op"] == op)

    def submits(self, outcome: str) -> Iterator[Record]:
        return (record for record in self.of("submit") if record["type"] == outcome)

    def seen(self) -> dict[tuple[str, str], list[Event]]:
        """What each page was shown of each turn, in order."""
        found: dict[tuple[str, str], list[Event]] = defaultdict(list)
        for record in self.of("see"):
            event = Event(record["seq"], record["kind"], record["text"])
            found[record["client"], record["turn"]].append(event)
        return found


def shown_text(events: Iterable[Event]) -> str:
    """What a page shows after these events: a restart takes back what was said before it."""
    said: list[str] = []
    for event in events:
        if event.kind == "restart":
            said.clear()
        elif event.kind == "sentence":
            said.append(event.text)
    return " ".join(said)


def lost(evidence: Evidence) -> Iterator[str]:
    for record in evidence.submits("ok"):
        turn = evidence.turns.get(record["turn"])
        if turn is None or turn.question != record["question"]:
            yield f"lost: {record['question']!r} was acknowledged as {record['turn']}"


def duplicated(evidence: Evidence) -> Iterator[str]:
    for question, times in Counter(turn.question for turn in evidence.final).items():
        if times > 1:
            yield f"duplicated: {question!r} is there {times} times"


def unexpected(evidence: Evidence) -> Iterator[str]:
    invoked = {record["question"] for record in evidence.submits("invoke")}
    refused = {record["question"] for record in evidence.submits("fail")}
    for turn in evidence.final:
        if turn.question not in invoked or turn.question in refused:
            yield f"unexpected: {turn.question!r} was never asked, or was refused"


def out_of_order(evidence: Evidence) -> Iterator[str]:
    for (client, turn), events in evidence.seen().items():
        seqs = [event.seq for event in events]
        if seqs != list(range(1, len(seqs) + 1)):
            yield f"gap or duplicate: {client} was shown {seqs} of {turn}"


def gaps_in_logs(evidence: Evidence) -> Iterator[str]:
    for turn in evidence.final:
        seqs = [event.seq for event in turn.events]
        if seqs != list(range(1, len(seqs) + 1)):
            yield f"gap in the log: {turn.turn} has {seqs}"


def unlike_the_log(evidence: Evidence) -> Iterator[str]:
    for (client, turn), events in evidence.seen().items():
        stored = {event.seq: event for event in evidence.turns[turn].events} if turn in evidence.turns else {}
        for event in events:
            if stored.get(event.seq) != event:
                yield f"never stored: {client} was shown {event} of {turn}, stored is {stored.get(event.seq)}"
                break


def unended(evidence: Evidence) -> Iterator[str]:
    for turn in evidence.final:
        ends = [event.seq for event in turn.events if event.kind == "end"]
        if turn.is_open or ends != [len(turn.events)]:
            yield f"unended: {turn.turn} has its ends at {ends} of {len(turn.events)}"


def two_texts(evidence: Evidence) -> Iterator[str]:
    for turn in evidence.final:
        if turn.page_text != shown_text(turn.events):
            yield f"two texts: {turn.turn} reads {turn.page_text!r}, its log {shown_text(turn.events)!r}"


def incomplete(evidence: Evidence) -> Iterator[str]:
    seen = evidence.seen()
    for record in evidence.of("settled"):
        for turn in record["turns"]:
            shown = len(seen.get((record["client"], turn), ()))
            there = len(evidence.turns[turn].events) if turn in evidence.turns else 0
            if shown != there:
                yield f"incomplete: {record['client']} was shown {shown} of {there} events of {turn}"


Check = Callable[[Evidence], Iterator[str]]
CHECKS: list[Check] = [
    lost,
    duplicated,
    unexpected,
    out_of_order,
    gaps_in_logs,
    unlike_the_log,
    unended,
    two_texts,
    incomplete,
]


def violations(records: Sequence[Record], final: Sequence[Final], *more: Check) -> list[str]:
    """Everything that does not fit, as sentences; empty when all of it does."""
    evidence = Evidence(records, final)
    return [sentence for check in (*CHECKS, *more) for sentence in check(evidence)]


def summary(records: Sequence[Record], found: Sequence[str], *, kills: int) -> str:
    acknowledged = sum(1 for _ in Evidence(records, []).submits("ok"))
    counted = Counter(sentence.split(":")[0] for sentence in found)
    events = sum(1 for record in records if record["op"] == "see")
    gaps = counted["gap or duplicate"]
    return (
        f"{counted['lost']} lost of {acknowledged} acknowledged, {gaps} gaps or duplicates in {events} "
        f"events shown, {len(found)} violations in all, over {kills} kills"
    )
