"""What the coach promises, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bench.coach import parts
from bench.coach.reading import quantile
from bench.figures import MET, MISSED, AtMost, Goal, Promise, at_most, spread

Data = dict[str, Any]
CONVERSATIONS = {"first": "the first learner", "second": "the next one", "naive": "naive"}

WORDS = {
    (learners, kind): at_most(f"without a model, {learners} at once: first {kind}, median", limit, "ms")
    for learners in parts.BUILT_IN
    for kind, limit in (("status", 50), ("sentence", 200))
}
MOST = max(parts.LEARNERS)
ADDED = {
    share: at_most(
        f"{MOST} at once: what the coach adds to the end of the first sentence, {name}", limit, "ms"
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
    who: Promise(
        f"ten turns of {CONVERSATIONS[who]}, against the naive design", f"≤ {COST_SHARE:g} of its cost"
    )
    for who in ("first", "second")
}
PROMISES: tuple[Promise, ...] = (
    *WORDS.values(), *ADDED.values(), *LATE.values(), *CPU.values(), STORM, *COST.values(),
)  # fmt: skip


def goals_of(data: Data) -> Iterator[Goal]:
    for (learners, kind), promise in WORDS.items():
        yield _quantile(promise, data["built_in"]["words"][learners][kind], 0.5)
    added = data["modelled"][str(MOST)]["since_ended"]
    yield from (_quantile(promise, added, share) for share, promise in ADDED.items())
    yield from _streams(data["streams"]["rows"])
    yield _storm(data["built_in"]["storms"])
    yield from (_cost(data["conversation"], who) for who in COST)


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
        yield CPU[count].of(
            spread(_per_frame(row, "coach") / _per_frame(row, "bare") for row in mine if row["cpu"]["bare"])
        )


def _per_frame(row: Data, who: str) -> float:
    seconds: float = row["cpu"][who] / row["frames"][who]
    return seconds


def _storm(storms: Sequence[Data]) -> Goal:
    gaps = sum(each["gaps"] for each in storms)
    whole = spread(max(each["seconds_until_whole"]) for each in storms)
    return STORM.of(whole, and_also=gaps == 0, note=f"{gaps} with a gap or a repetition")


def _cost(found: Data, who: str) -> Goal:
    ours, naive = (sum(call["usd"] for call in found[each]) for each in (who, "naive"))
    share = ours / naive if naive else 1.0
    note = f"${ours:.4f} against ${naive:.4f}, from usage"
    return COST[who].judged(f"{share:.2f}", kept=share <= COST_SHARE, note=note)
