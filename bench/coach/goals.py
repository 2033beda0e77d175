"""What was promised of the coach's figures, and what came out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from bench.coach import parts
from bench.coach.reading import quantile
from bench.figures import MET, MISSED, Goal, Spread, at_most, spread

Data = dict[str, Any]
WORDS_GOALS_MS = {"status": 50.0, "sentence": 200.0}
ADDED_MS = {"median": 15.0, "p95": 60.0}
LATE_MS = {200: 100.0, 500: 250.0}
AT_ONCE = 200
CPU_TIMES = 2.0
STORM_SECONDS = 10.0
COST_SHARE = 0.25
CLASS = 30

SHARES = {
    "in_all": "all that the coach adds",
    "before": "of it: question to request",
    "since_ended": "of it: delta that ends the first sentence to its frame",
    "since_written": "delta with its last character to its frame",
    "since_first_delta": "very first delta to that frame",
}
CONVERSATIONS = {"first": "the first learner", "second": "the next one", "naive": "naive"}


def goals(data: Data) -> list[Goal]:
    rows = data["streams"]["rows"]
    return [
        *_words(data["built_in"]["words"]),
        *_added(added_in(rows, AT_ONCE)["in_all"], data["modelled"][str(AT_ONCE)]["added"]["in_all"]),
        *(goal for count in LATE_MS for goal in _streams(rows, count)),
        _storm(data["built_in"]["storms"]),
        *_costs(data["conversation"]),
    ]


def _words(words: Data) -> Iterator[Goal]:
    for learners, waits in words.items():
        for kind, limit in WORDS_GOALS_MS.items():
            said = f"without a model, {learners} at once: first {kind}, median"
            yield _milliseconds(said, limit, waits[kind], 0.5)


def _added(steady: Sequence[float], burst: Sequence[float]) -> Iterator[Goal]:
    for name, share in (("median", 0.5), ("p95", 0.95)):
        said = f"{AT_ONCE} at once, steady: all that the coach adds to the first sentence, {name}"
        goal = _milliseconds(said, ADDED_MS[name], steady, share)
        in_burst = f"{quantile(burst, share) * 1000:.0f} ms" if burst else "not measured"
        yield replace(goal, note=f"{goal.note}; in a burst of {AT_ONCE}: {in_burst}")


def _streams(rows: Sequence[Data], count: int) -> Iterator[Goal]:
    mine = [row for row in rows if row["streams"] == count]
    late = [quantile(row["late"]["coach"], 0.95) * 1000 for row in mine if row["late"]["coach"]]
    yield at_most(f"{count} streams: lateness of a frame, p95", LATE_MS[count], spread(late), "ms")
    said = f"{count} streams: CPU of a frame, against a consumer that only sends"
    note = f"against one that relays: {told_times(times(mine, 'relay'))} times"
    yield at_most(said, CPU_TIMES, times(mine, "bare"), "times", note=note)


def added_in(rows: list[Data], count: int) -> dict[str, list[float]]:
    mine = [row["added"] for row in rows if row["streams"] == count]
    return {key: [one for each in mine for one in each[key]] for key in SHARES}


def times(rows: Sequence[Data], other: str) -> Spread | None:
    """How many times another one's CPU a frame of the coach's takes, round by round."""
    return spread(
        row["cpu"]["coach"] / row["frames"]["coach"] / (row["cpu"][other] / row["frames"][other])
        for row in rows
        if row["cpu"][other]
    )


def told_times(times: Spread | None) -> str:
    return times.told(1) if times else "not measured"


def _storm(storms: Sequence[Data]) -> Goal:
    """Whole is without a gap: a fast end that leaves one keeps no promise."""
    gaps = sum(each["gaps"] for each in storms)
    said = f"storm of {parts.STORM} sockets until all are whole"
    seconds = spread(max(each["seconds_until_whole"]) for each in storms)
    goal = at_most(said, STORM_SECONDS, seconds, "s", note=f"{gaps} with a gap or a repetition")
    return replace(goal, verdict=MISSED) if gaps else goal


def _milliseconds(what: str, limit: float, seconds: Sequence[float], share: float) -> Goal:
    if not seconds:
        return Goal(what=what, wanted=f"≤ {limit:g} ms", came_out="not measured", verdict=MISSED)
    value = quantile(seconds, share) * 1000
    return Goal(
        what=what,
        wanted=f"≤ {limit:g} ms",
        came_out=f"{value:.1f} ms",
        verdict=MET if value <= limit else MISSED,
        note=f"{len(seconds)} replies, least {min(seconds) * 1000:.1f} ms",
    )


def _costs(found: Data) -> Iterator[Goal]:
    """What all learners of a class read is written by whoever comes first, and is no part of one learner's
    conversation: it is shared out, and told beside it."""
    first, following, naive = (sum(call["usd"] for call in found[who]) for who in CONVERSATIONS)
    each = (first + (CLASS - 1) * following) / CLASS
    note = (
        f"${each:.4f} against ${naive:.4f}, from usage; who comes first, or alone, pays {first / naive:.2f}: "
        f"${found['shared_usd']:.4f} of it writes what all read"
    )
    yield _cost(f"ten turns of one of a class of {CLASS}, what they share written once", each / naive, note)
    note = f"${following:.4f} against ${naive:.4f}, from usage"
    yield _cost("ten turns of the next one, who finds that written", following / naive, note)


def _cost(what: str, share: float, note: str) -> Goal:
    return Goal(
        what=f"{what}, against the naive design",
        wanted=f"≤ {COST_SHARE:g} of its cost",
        came_out=f"{share:.2f}",
        verdict=MET if share <= COST_SHARE else MISSED,
        note=note,
    )
