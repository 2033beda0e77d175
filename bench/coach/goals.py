"""What the coach promises, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from bench.coach import parts
from bench.coach.reading import quantile
from bench.figures import MET, MISSED, AtMost, Goal, Promise, Spread, at_most, spread

Data = dict[str, Any]
CONVERSATIONS = {"first": "the first learner", "second": "the next one", "naive": "naive"}
CLASS = 30
SHARES = {
    "in_all": "all that the coach adds",
    "before": "of it: question to request",
    "since_ended": "of it: delta that ends the first sentence to its frame",
    "since_written": "delta with its last character to its frame",
    "since_first_delta": "very first delta to that frame",
}

WORDS = {
    (learners, kind): at_most(f"without a model, {learners} at once: first {kind}, median", limit, "ms")
    for learners in parts.BUILT_IN
    for kind, limit in (("status", 50), ("sentence", 200))
}
AT_ONCE = 200
ADDED = {
    share: at_most(
        f"{AT_ONCE} at once, steady: all that the coach adds to the first sentence, {name}", limit, "ms"
    )
    for name, share, limit in (("median", 0.5, 15), ("p95", 0.95, 60))
}
LATE = {
    count: at_most(f"{count} streams: lateness of a frame, p95", limit, "ms")
    for count, limit in zip(parts.STREAMS, (100, 250), strict=True)
}
CPU = {
    count: at_most(f"{count} streams: CPU of a frame, against a consumer that only sends", 2, "times")
    for count in parts.STREAMS
}
STORM = at_most(
    f"storm of {parts.STORM} sockets until all are whole, none with a gap or a repetition", 10, "s"
)
COST_SHARE = 0.25
COST = {
    who: Promise(f"ten turns of {of_whom}, against the naive design", f"≤ {COST_SHARE:g} of its cost")
    for who, of_whom in (
        ("each", f"one of a class of {CLASS}, what they share written once"),
        ("second", "the next one, who finds that written"),
    )
}
PROMISES: tuple[Promise, ...] = (
    *WORDS.values(), *ADDED.values(), *LATE.values(), *CPU.values(), STORM, *COST.values(),
)  # fmt: skip


def goals_of(data: Data) -> Iterator[Goal]:
    for (learners, kind), promise in WORDS.items():
        yield _quantile(promise, data["built_in"]["words"][learners][kind], 0.5)
    yield from _added(data)
    yield from _streams(data["streams"]["rows"])
    yield _storm(data["built_in"]["storms"])
    yield from _costs(data["conversation"])


def _added(data: Data) -> Iterator[Goal]:
    """Judged with so many replies open at the same time, and told of a burst: there who comes last waits for
    the work on all others."""
    steady = added_in(data["streams"]["rows"], AT_ONCE)["in_all"]
    burst = data["modelled"][str(AT_ONCE)]["added"]["in_all"]
    for share, promise in ADDED.items():
        goal = _quantile(promise, steady, share)
        in_burst = f"{quantile(burst, share) * 1000:.0f} ms" if burst else "not measured"
        yield replace(goal, note=f"{goal.note}; in a burst of {AT_ONCE}: {in_burst}")


def added_in(rows: Sequence[Data], count: int) -> dict[str, list[float]]:
    mine = [row["added"] for row in rows if row["streams"] == count]
    return {key: [one for each in mine for one in each[key]] for key in SHARES}


def times(rows: Sequence[Data], other: str) -> Spread | None:
    """How many times another one's CPU a frame of the coach's takes, round by round."""
    return spread(_per_frame(row, "coach") / _per_frame(row, other) for row in rows if row["cpu"][other])


def told_times(found: Spread | None) -> str:
    return found.told(1) if found else "not measured"


def _quantile(promise: AtMost, seconds: Sequence[float], share: float) -> Goal:
    """Of all replies: here the spread is what is promised, so the least of them keeps nothing."""
    if not seconds:
        return promise.unmeasured()
    value = quantile(seconds, share) * 1000
    verdict = MET if value <= promise.limit else MISSED
    return promise.goal(
        f"{value:.1f} ms", verdict, f"{len(seconds)} replies, least {min(seconds) * 1000:.1f} ms"
    )


def _streams(rows: Sequence[Data]) -> Iterator[Goal]:
    for count in parts.STREAMS:
        mine = [row for row in rows if row["streams"] == count]
        late = [quantile(row["late"]["coach"], 0.95) * 1000 for row in mine if row["late"]["coach"]]
        yield LATE[count].of(spread(late))
        relayed = f"against one that relays: {told_times(times(mine, 'relay'))} times"
        yield CPU[count].of(times(mine, "bare"), note=relayed)


def _per_frame(row: Data, who: str) -> float:
    seconds: float = row["cpu"][who] / row["frames"][who]
    return seconds


def _storm(storms: Sequence[Data]) -> Goal:
    gaps = sum(each["gaps"] for each in storms)
    whole = spread(max(each["seconds_until_whole"]) for each in storms)
    return STORM.of(whole, and_also=gaps == 0, note=f"{gaps} with a gap or a repetition")


def _costs(found: Data) -> Iterator[Goal]:
    """What all learners of a class read is written by whoever comes first, and is no part of one learner's
    conversation: it is shared out, and told beside it."""
    first, following, naive = (sum(call["usd"] for call in found[who]) for who in CONVERSATIONS)
    each = (first + (CLASS - 1) * following) / CLASS
    note = (
        f"${each:.4f} against ${naive:.4f}, from usage; who comes first, or alone, pays {first / naive:.2f}: "
        f"${found['shared_usd']:.4f} of it writes what all read"
    )
    yield _cost("each", each / naive, note)
    yield _cost("second", following / naive, f"${following:.4f} against ${naive:.4f}, from usage")


def _cost(who: str, share: float, note: str) -> Goal:
    return COST[who].judged(f"{share:.2f}", kept=share <= COST_SHARE, note=note)
