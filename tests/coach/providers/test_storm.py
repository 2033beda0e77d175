"""Many calls at once against a service at its worst: whatever happens, the books are right."""

from __future__ import annotations

import asyncio
import random

import pytest

from coach.providers.breaker import Breaker
from coach.providers.claude import Claude
from coach.rehearsal.faults import NAMES, FaultPlan
from coach.rehearsal.server import Rehearsal
from tests.coach.providers.asking import Told, Wallet, hear, installation, question
from tests.coach.providers.test_breaker import Hand

ANSWER = "One two three four five six seven eight nine ten, and so on to the end of it."
CALLS = 60


async def one(claude: Claude, wallet: Wallet, number: int, rng: random.Random) -> Told | None:
    """A call that its caller may give up at any moment."""
    call = question(f"Question {number}?", turn=f"t{number}", first_seconds=4.0, progress_seconds=4.0)
    task = asyncio.create_task(hear(claude, call, wallet))
    if rng.random() < 0.3:
        await asyncio.wait([task], timeout=0.1 * rng.random())
        task.cancel()
    (told,) = await asyncio.gather(task, return_exceptions=True)
    if isinstance(told, Told):
        return told
    assert isinstance(told, asyncio.CancelledError), told
    return None


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_storm_every_request_is_on_record_settled_once_and_closed(seed: int):
    rng, wallet = random.Random(seed), Wallet(limit=1000, slow_seconds=0.001)
    plan = FaultPlan([name for name in NAMES if name != "huge_delta"], share=0.6, seed=seed)
    async with Rehearsal(scale=100, faults=plan, script=lambda asked: ANSWER) as server:
        # A breaker that never opens: here every call is to reach the service.
        breaker = Breaker(Hand(), failures=10**6)
        claude = Claude(installation(server.url), breaker=breaker, first_pause_seconds=0.01)
        await claude.prepare()
        results = await asyncio.gather(*(one(claude, wallet, number, rng) for number in range(CALLS)))
        await claude.close()
        log = server.log
    told = [each for each in results if each is not None]
    assert wallet.balanced()
    assert len(log) <= len(wallet.reserved) <= 3 * CALLS
    assert max(attempt.number for attempt in wallet.reserved) <= 3
    for each in told:
        assert ANSWER.startswith(each.text)
        if each.ended is not None and each.ended.stop == "done":
            assert each.text == ANSWER
    assert any(each.error for each in told)
    assert any(each.ended for each in told)
    settled = {one.request_id: one for one in wallet.settled.values() if one.request_id}
    for entry in log:
        if entry.reported and entry.stop_reason == "end_turn" and entry.request_id in settled:
            booked = settled[entry.request_id].usage
            assert booked.tokens_fresh == entry.usage["input_tokens"]
            assert booked.tokens_written == entry.usage["cache_creation_input_tokens"]
            assert booked.tokens_read == entry.usage["cache_read_input_tokens"]
    worst = [attempt.worst_usd for attempt in wallet.reserved]
    assert all(wallet.settled[ticket].usage.cost_usd <= worst[ticket] for ticket in wallet.settled)


async def test_storm_fifty_calls_at_once_all_get_their_answer(claude, server, wallet):
    told = await asyncio.gather(*(hear(claude, question(f"Question {n}?"), wallet) for n in range(50)))
    assert {each.end.stop for each in told} == {"done"}
    assert wallet.outcomes == ["done"] * 50
