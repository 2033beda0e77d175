"""A model behind real HTTP that fails in every way, servers that die between a request and its books, and
learners who ask: nothing acknowledged is lost, and every request is on record and settled once."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from coach.rehearsal.faults import FaultPlan
from coach.rehearsal.server import Rehearsal
from coach.reserving import ATTEMPTS_MAX_PER_TURN
from tests.coach.survival.books import DUMP, checks, request_record
from tests.coach.survival.checker import Record
from tests.coach.survival.servers import Installation, Server
from tests.coach.survival.siege import Siege

KEY = "sk-ant-rehearsal"
SWEEP = (
    "before_attempt:2",
    "after_attempt_row:3",
    "mid_stream:6",
    "after_response_before_settle:2",
    "before_finish:2",
)
FAULTS = (
    *("rate_limited", "rate_limited_no_header", "server_error", "overloaded", "connect_reset", "error_event"),
    *(
        "clean_eof",
        "cut_chunk",
        "reset",
        "bad_json",
        "unknown_event",
        "unknown_stop",
        "refusal",
        "max_tokens",
    ),
    *("context_exceeded", "pause_turn", "duplicate_stop", "empty", "redirect", "spend_limit"),
)
DIES_WITHIN_SECONDS = 40


async def test_books_fit_the_provider_whatever_fails_and_dies(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    plan = FaultPlan(FAULTS, share=0.35, seed=7)
    async with Rehearsal(scale=40, keys=[KEY], faults=plan) as provider:
        installation = await asyncio.to_thread(Installation, tmp_path, learners=3)
        installation.environment |= settings_for(provider)
        server = installation.server()
        siege = Siege(installation.sessions, lambda: server.address, seed=7)
        try:
            for point in SWEEP:
                await asyncio.to_thread(server.start, crash_at=point)
                await _death(server, point)
                siege.kills += 1
            plan.share = 0.0
            await asyncio.to_thread(server.start)
            await siege.end(server.address)
            siege.records += [request_record(entry.told()) for entry in provider.log]
            siege.records += await asyncio.to_thread(books_of, installation)
            found, _final = await siege.end(server.address, *checks(most_attempts=ATTEMPTS_MAX_PER_TURN))
        finally:
            await siege.leave()
            server.kill()
        faults = [entry.fault for entry in provider.log if entry.fault]
    with capsys.disabled():
        sys.stdout.write(
            f"\nA failing model: {siege.summary(found)}; {len(provider.log)} requests, {len(faults)} of them "
            f"with one of {len(set(faults))} faults\n"
        )
    assert found == []
    assert provider.log
    assert "Traceback" not in server.log.read_text(), server.said()


def settings_for(provider: Rehearsal) -> dict[str, str]:
    return {
        "ANTHROPIC_API_KEY": KEY,
        "ANTHROPIC_BASE_URL": provider.url,
        "ALLOW_LOCAL_MODEL": "1",
        "COACH_SERVER_KIND": "rehearsal",
    }


def books_of(installation: Installation) -> list[Record]:
    records: list[dict[str, Any]] = [
        json.loads(line) for line in installation.python("-c", DUMP).splitlines()
    ]
    return records


async def _death(server: Server, point: str) -> None:
    for _ in range(DIES_WITHIN_SECONDS * 20):
        if server.is_dead():
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"nothing came by {point}: {server.said()}")


GENEROUS = """
import django; django.setup()
from coach.models import Limit
Limit.objects.exclude(scope="off").update(daily_micro=100_000_000)
"""
SLOW = ("stall@1", "pings_only", "no_headers", "one_byte", "huge_delta", "rate_limited_hour")
"""Faults that take as long as the coach is willing to wait."""
PATIENCE_SECONDS = 120


async def test_every_fault_meets_learners_and_the_books_fit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    async with Rehearsal(scale=40, keys=[KEY]) as provider:
        # One that is well between two: else the breaker keeps the rest of them away.
        provider.fail(*(each for fault in (*SLOW, *FAULTS) for each in (fault, "none")))
        installation = await asyncio.to_thread(Installation, tmp_path, learners=6)
        installation.environment |= settings_for(provider)
        await asyncio.to_thread(installation.python, "-c", GENEROUS)
        server = installation.server()
        await asyncio.to_thread(server.start)
        siege = Siege(installation.sessions, lambda: server.address, seed=3)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while provider.faults.waiting:
                    await asyncio.sleep(0.2)
            await siege.end(server.address)
            siege.records += [request_record(entry.told()) for entry in provider.log]
            siege.records += await asyncio.to_thread(books_of, installation)
            found, _final = await siege.end(server.address, *checks(most_attempts=ATTEMPTS_MAX_PER_TURN))
        finally:
            await siege.leave()
            server.kill()
        met = {entry.fault for entry in provider.log if entry.fault}
    with capsys.disabled():
        sys.stdout.write(f"\nEvery fault: {siege.summary(found)}; {len(met)} faults met\n")
    assert found == []
    assert {name.partition("@")[0] for name in (*SLOW, *FAULTS)} <= {name.partition("@")[0] for name in met}
