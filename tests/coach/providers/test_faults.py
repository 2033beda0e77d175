"""Each fault of a service once, over real HTTP: what the caller gets to know, what was sent, what was booked.
Requests are counted at the server."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from coach.providers.breaker import Breaker
from coach.providers.claude import Claude
from coach.providers.faults import LONGEST_WAIT_SECONDS, Fault, judge, pause, wait_of
from coach.rehearsal.server import Rehearsal
from tests.coach.providers.asking import Wallet, hear, installation, provider, question
from tests.coach.providers.test_breaker import Hand


def patience(fault: str) -> dict[str, Any]:
    """Little where silence is the fault; where it is not, a slow machine must not look like one."""
    seconds = 0.4 if fault.startswith(("no_headers", "stall", "pings_only")) else 30.0
    return {"first_seconds": seconds, "progress_seconds": seconds}


# fault, reason, requests of at most three
BEFORE = [
    ("rate_limited=0.05", "busy", 3),
    ("rate_limited_no_header", "busy", 3),
    ("rate_limited_hour", "busy", 1),
    ("spend_limit", "spend", 1),
    ("own_spend_limit", "spend", 1),
    ("unauthorized", "rejected", 1),
    ("server_error", "overloaded", 3),
    ("overloaded", "overloaded", 3),
    ("redirect", "rejected", 1),
    ("connect_reset", "unreachable", 3),
    ("no_headers", "stalled", 1),
]
UNSHOWN = [
    ("error_event@0", "overloaded", 3),
    ("clean_eof@0", "interrupted", 3),
    ("cut_chunk@0", "interrupted", 3),
    ("reset@0", "interrupted", 3),
    ("bad_json@0", "interrupted", 3),
    ("stall@0", "stalled", 1),
    ("pings_only@0", "stalled", 1),
    ("empty", "unusable", 1),
    ("unknown_stop@0", "unusable", 1),
]
SHOWN = [
    ("error_event@2", "overloaded"),
    ("clean_eof@2", "interrupted"),
    ("cut_chunk@2", "interrupted"),
    ("reset@2", "interrupted"),
    ("bad_json@2", "interrupted"),
    ("stall@2", "stalled"),
    ("pings_only@2", "stalled"),
    ("unknown_stop@2", "unusable"),
]
STOPPED = [
    ("refusal@2", "refused"),
    ("refusal@0", "refused"),
    ("max_tokens@2", "truncated"),
    ("context_exceeded@2", "truncated"),
    ("pause_turn@2", "truncated"),
]
HARMLESS = ["one_byte", "unknown_event@2", "duplicate_stop", "none"]


@pytest.mark.parametrize(("fault", "reason", "requests"), [*BEFORE, *UNSHOWN])
async def test_fault_before_anything_was_shown(
    claude, server, wallet, fault: str, reason: str, requests: int
):
    server.fail(fault, fault, fault, fault)
    told = await hear(claude, question(**patience(fault)), wallet)
    assert told.reason == reason
    assert told.error is not None
    assert not told.error.shown
    assert told.pieces == []
    assert len(server.log) == requests
    assert wallet.outcomes == [reason] * requests
    assert [attempt.number for attempt in wallet.reserved] == list(range(1, requests + 1))


@pytest.mark.parametrize(
    ("fault", "reason", "requests"), [each for each in [*BEFORE, *UNSHOWN] if each[2] > 1]
)
async def test_fault_that_passes_is_not_seen(claude, server, wallet, fault: str, reason: str, requests: int):
    server.say("", "All is well.") if fault.endswith("@0") else server.say("All is well.")
    server.fail(fault)
    told = await hear(claude, question(**patience(fault)), wallet)
    assert (told.text, len(told.end.attempts)) == ("All is well.", 2)
    assert wallet.outcomes == [reason, "done"]


@pytest.mark.parametrize(("fault", "reason"), SHOWN)
async def test_fault_after_something_was_shown_is_told_and_not_tried_again(
    claude, server, wallet, fault, reason
):
    server.fail(fault)
    told = await hear(claude, question(**patience(fault)), wallet)
    assert told.reason == reason
    assert told.error is not None
    assert told.error.shown
    assert told.text
    assert len(server.log) == 1
    settled = wallet.settled[0]
    assert settled.outcome == reason
    assert settled.usage.tokens_written == server.log[0].usage["cache_creation_input_tokens"]
    assert settled.usage.tokens_output > 0


@pytest.mark.parametrize(("fault", "stop"), STOPPED)
async def test_fault_that_is_a_reason_to_stop(claude, server, wallet, fault: str, stop: str):
    server.fail(fault)
    told = await hear(claude, question(), wallet)
    assert (told.end.stop, len(server.log), wallet.outcomes) == (stop, 1, [stop])
    assert told.end.usage.tokens_output == server.log[0].usage["output_tokens"]
    assert not wallet.settled[0].estimated


@pytest.mark.parametrize("fault", HARMLESS)
async def test_fault_that_is_none(claude, server, wallet, fault: str):
    server.say("Grüße aus 東京 👍: look at the chain.")
    server.fail(fault)
    told = await hear(claude, question(), wallet)
    assert (told.text, told.end.stop) == ("Grüße aus 東京 👍: look at the chain.", "done")


async def test_fault_an_answer_without_end_is_cut_at_what_was_asked_for(claude, server, wallet):
    server.fail("huge_delta@1")
    told = await hear(claude, question(max_output_tokens=100), wallet)
    assert told.end.stop == "truncated"
    assert len(told.text) == 1200
    assert wallet.settled[0].estimated
    assert told.end.usage.tokens_output <= 100


async def test_fault_a_stall_that_ends_in_time_is_none(claude, server, wallet):
    server.fail("stall@1=20")  # a tenth of a second at this server's speed
    told = await hear(claude, question(progress_seconds=10.0), wallet)
    assert told.end.stop == "done"


async def test_fault_pings_do_not_count_as_progress(claude, server, wallet):
    server.fail("pings_only@1")
    told = await hear(claude, question(progress_seconds=0.3), wallet)
    assert told.reason == "stalled"
    await asyncio.sleep(0)
    assert server.log[0].fault == "pings_only@1"


async def test_fault_the_whole_takes_no_longer_than_said(claude, server, wallet):
    server.say("word " * 3000)
    server.provider.scale = 2
    told = await hear(claude, question(total_seconds=0.5, max_output_tokens=4000), wallet)
    assert told.reason == "stalled"
    assert told.text


async def test_fault_nobody_waits_beyond_the_deadline_of_the_call(claude, server, wallet):
    server.fail("rate_limited=10")
    told = await hear(claude, question(total_seconds=5.0), wallet)
    assert (told.reason, len(server.log)) == ("busy", 1)


async def test_fault_nobody_is_there(wallet):
    async with Rehearsal() as gone:
        url = gone.url
    claude = provider(url)
    told = await hear(claude, question(), wallet)
    assert (told.reason, wallet.outcomes) == ("unreachable", ["unreachable"] * 3)
    assert {settled.usage.cost_usd for settled in wallet.settled.values()} == {0}
    assert not any(settled.estimated for settled in wallet.settled.values())
    await claude.close()


async def test_fault_errors_that_nobody_bills_are_booked_as_nothing(claude, server, wallet):
    server.fail("overloaded", "rate_limited_no_header", "unauthorized")
    await hear(claude, question(), wallet)
    assert [settled.usage.cost_usd for settled in wallet.settled.values()] == [0, 0, 0]


async def test_fault_a_request_that_may_have_been_worked_on_is_booked_as_a_guess(claude, server, wallet):
    server.fail("no_headers")
    await hear(claude, question(**patience("no_headers")), wallet)
    settled = wallet.settled[0]
    assert settled.estimated
    assert settled.usage.tokens_written == settled.expected.tokens_written > 0
    assert settled.usage.cost_usd > 0


async def test_breaker_leaves_a_service_alone_that_is_down(server):
    clock = Hand()
    claude = Claude(installation(server.url, attempts=1), breaker=Breaker(clock, failures=3, rest_seconds=30))
    server.fail(*["server_error"] * 3)
    wallet = Wallet()
    for _ in range(6):
        assert (await hear(claude, question(), wallet)).error is not None
    assert len(server.log) == 3
    assert len(wallet.reserved) == 3
    clock.seconds = 30.0
    assert (await hear(claude, question(), wallet)).end.stop == "done"
    assert (await hear(claude, question(), wallet)).end.stop == "done"
    await claude.close()


async def test_breaker_a_probe_that_its_caller_leaves_makes_room_for_the_next(server):
    clock = Hand()
    breaker = Breaker(clock, failures=1, rest_seconds=30)
    claude = Claude(installation(server.url, attempts=1), breaker=breaker)
    server.fail("server_error", "stall@1")
    await hear(claude, question(), Wallet())
    clock.seconds = 30.0
    probe = claude.stream(question(), Wallet())
    await anext(probe)
    assert not breaker.admit()
    await probe.aclose()
    assert (await hear(claude, question(), Wallet())).end.stop == "done"
    await claude.close()


async def test_breaker_does_not_mind_a_busy_service(server):
    claude = Claude(installation(server.url, attempts=1), breaker=Breaker(Hand(), failures=2))
    server.fail(*["rate_limited_hour"] * 4)
    for _ in range(4):
        await hear(claude, question(), Wallet())
    assert len(server.log) == 4
    await claude.close()


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (200, "overloaded_error", "overloaded"),
        (200, "rate_limit_error", "busy"),
        (400, "overloaded_error", "overloaded"),
        (529, "", "overloaded"),
        (502, "", "overloaded"),
        (429, "", "busy"),
        (413, "", "too_long"),
        (413, "request_too_large", "too_long"),
        (402, "billing_error", "spend"),
        (401, "authentication_error", "rejected"),
        (403, "permission_error", "rejected"),
        (404, "not_found_error", "rejected"),
        (200, "never_heard_of", "overloaded"),
        (302, "", "rejected"),
        (418, "", "rejected"),
    ],
)
def test_judge_goes_by_what_the_error_says_it_is(status: int, kind: str, reason: str):
    assert judge(status, kind=kind).reason == reason


@pytest.mark.parametrize(
    "message",
    [
        "prompt is too long: 1000001 tokens > 1000000 maximum",
        "input length and `max_tokens` exceed context limit: 199000 + 8000 > 200000",
        "the request exceeds the available context size",
    ],
)
def test_judge_knows_a_prompt_that_is_too_long(message: str):
    fault = judge(400, kind="invalid_request_error", message=message)
    assert (fault.reason, fault.again) == ("too_long", False)


def test_judge_keeps_the_errors_own_words_out_of_the_log():
    fault = judge(
        400, kind="invalid_request_error", code="A secret\n sentence", message="You wrote: my name is Ann"
    )
    assert fault.detail == "400, invalid_request_error"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("0", 0.0),
        ("-1", None),
        ("nan", None),
        ("inf", None),
        ("", None),
        ("soon", None),
    ],
)
def test_wait_of_reads_seconds(text: str, seconds: float | None):
    assert wait_of(text) == seconds


def test_wait_of_reads_a_date():
    found = wait_of(format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True))
    assert found is not None
    assert 50 < found <= 60
    assert wait_of(format_datetime(datetime(2001, 1, 1, tzinfo=UTC), usegmt=True)) == 0


def test_pause_obeys_the_service_up_to_a_bound():
    rng = random.Random(0)
    for _ in range(100):
        found = pause(Fault(reason="busy", again=True, wait_seconds=7.0), 1, rng)
        assert found is not None
        assert 7.0 <= found <= 7.7
    too_long = Fault(reason="busy", again=True, wait_seconds=LONGEST_WAIT_SECONDS + 1)
    assert pause(too_long, 1, rng) is None
    assert pause(Fault(reason="rejected"), 1, rng) is None


def test_pause_doubles_and_is_jittered():
    rng = random.Random(0)
    fault = Fault(reason="overloaded", again=True)
    firsts = {pause(fault, 1, rng) or 0.0 for _ in range(50)}
    thirds = {pause(fault, 3, rng) or 0.0 for _ in range(50)}
    assert len(firsts) > 40
    assert max(firsts) <= min(thirds)
