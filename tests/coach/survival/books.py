"""Whether the provider's log and the installation's books fit each other. Checks for `checker.violations`.

Records of the provider (`"log": "provider"`, one for each request that reached it): `{"op": "request",
"turn", "at", "request_id", "usage", "reported"}`, as the rehearsal server told of it. Records of the books
(`"log": "books"`, one for each row, read when everything has ended): `{"op": "attempt", "key", "turn",
"reserved_at", "settled_at", "outcome", "estimated", "worst", "cost", "request_id", "tokens"}`; one
`{"op": "limit", "micro"}`, and one `{"op": "account", "reserved", "settled", "forgiven"}` for everybody's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from tests.coach.survival.checker import Check, Evidence, Record

USAGE = ("cache_read_input_tokens", "cache_creation_input_tokens", "input_tokens", "output_tokens")


def request_record(entry: dict[str, Any]) -> Record:
    usage = [entry["usage"].get(name, 0) for name in USAGE]
    kept = {name: entry[name] for name in ("at", "request_id", "reported")}
    return {"log": "provider", "op": "request", "turn": entry["user_id"], "usage": usage, **kept}


def by_turn(evidence: Evidence, op: str, at: str) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for record in evidence.of(op):
        found[record["turn"]].append(record[at])
    return {turn: sorted(times) for turn, times in found.items()}


def unbooked(evidence: Evidence) -> Iterator[str]:
    """Each request has a row of its own that was durable before it left."""
    rows = by_turn(evidence, "attempt", "reserved_at")
    for turn, times in by_turn(evidence, "request", "at").items():
        booked = rows.get(turn, [])
        if len(booked) < len(times) or any(row > at for row, at in zip(booked, times, strict=False)):
            yield f"unbooked: {turn} sent {len(times)} requests, {len(booked)} on record"


def too_many(most: int) -> Check:
    """No turn asks more often than it may, however often it is begun."""

    def check(evidence: Evidence) -> Iterator[str]:
        for turn, times in by_turn(evidence, "attempt", "reserved_at").items():
            if turn and len(times) > most:
                yield f"too many: {turn} has {len(times)} attempts"

    return check


def unsettled(evidence: Evidence) -> Iterator[str]:
    for record in evidence.of("attempt"):
        if record["settled_at"] is None:
            yield f"unsettled: attempt {record['key']} of {record['turn']}"


def settled_twice(evidence: Evidence) -> Iterator[str]:
    """What everybody's account holds is what its rows say: nothing twice, nothing left open."""
    charged = sum(row["cost"] for row in evidence.of("attempt") if row["settled_at"] is not None)
    for account in evidence.of("account"):
        if account["settled"] + account["forgiven"] != charged or account["reserved"]:
            yield f"settled twice, or not at all: the account has {account}, its rows {charged}"


def unlike_the_provider(evidence: Evidence) -> Iterator[str]:
    """What was reported is what is booked; anything else is marked as an estimate."""
    told = {record["request_id"]: record["usage"] for record in evidence.of("request") if record["reported"]}
    for row in evidence.of("attempt"):
        usage = told.get(row["request_id"])
        if usage is not None and not row["estimated"] and row["tokens"] != usage:
            yield f"unlike the provider: attempt {row['key']} has {row['tokens']}, reported was {usage}"


def over_the_limit(evidence: Evidence) -> Iterator[str]:
    """At no moment is what was spent, with the worst of what was under way, over the limit."""
    moves: list[tuple[float, int]] = []
    for row in evidence.of("attempt"):
        moves.append((row["reserved_at"], row["worst"]))
        if row["settled_at"] is not None:
            moves.append((row["settled_at"], row["cost"] - row["worst"]))
    for limit in evidence.of("limit"):
        spent = 0
        for at, micro in sorted(moves, key=lambda move: (move[0], move[1])):
            spent += micro
            if spent > limit["micro"]:
                yield f"over the limit: {spent} µ$ of {limit['micro']} at {at}"
                return


def checks(*, most_attempts: int) -> list[Check]:
    return [unbooked, too_many(most_attempts), unsettled, settled_twice, unlike_the_provider, over_the_limit]


DUMP = """
import json
import django; django.setup()
from coach.models import Limit, ProviderAttempt, Spending
def seconds(at): return at.timestamp() if at else None
for row in ProviderAttempt.objects.all():
    print(json.dumps({
        "log": "books", "op": "attempt", "key": row.pk, "turn": str(row.turn_id or ""),
        "reserved_at": seconds(row.reserved_at), "settled_at": seconds(row.settled_at),
        "outcome": row.outcome, "estimated": row.estimated, "worst": row.worst_micro, "cost": row.cost_micro,
        "request_id": row.request_id,
        "tokens": [row.read_tokens, row.written_tokens, row.fresh_tokens, row.output_tokens],
    }))
limit = Limit.objects.get(scope="day")
print(json.dumps({"log": "books", "op": "limit", "micro": limit.daily_micro}))
for row in Spending.objects.filter(scope="day"):
    print(json.dumps({
        "log": "books", "op": "account", "reserved": row.reserved_micro, "settled": row.settled_micro,
        "forgiven": row.forgiven_micro,
    }))
"""
"""Prints the books of an installation, a record a line; run in its environment."""
