"""The prefix cache and a day of traffic through it."""

from __future__ import annotations

import pickle
from dataclasses import asdict, dataclass, replace

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from coach.engine.cache import RULES, CacheRules, CacheUse, Pending, PrefixCache, lay, rules_named
from coach.engine.errors import PromptError
from coach.engine.pricing import PRICES
from coach.engine.prompt import Block, Prompt, Stability, chain_keys
from coach.engine.timing import TIERS
from coach.engine.traffic import TrafficCall, replay
from coach.engine.warming import Warming

RULE = RULES["anthropic-2026-10-claude-sonnet-5-5"]
MODEL = "claude-sonnet-5-5"
PRICE = PRICES[MODEL]
TIER = TIERS["medium"]


def prompt(*parts: tuple[str, int] | tuple[str, int, str]) -> Prompt:
    return Prompt(
        tuple(
            Block(
                name=f"b{i}",
                tokens=part[1],
                stability=Stability.FIXED,
                fingerprint=part[0],
                breakpoint=part[2] if len(part) == 3 else None,
            )
            for i, part in enumerate(parts)
        )
    )


def use_of(cache: PrefixCache, what: Prompt, at: float, begins: float | None = None, model: str = MODEL):
    use = cache.call(what, at, model, at + 1 if begins is None else begins)
    return use.read, use.written, use.fresh


DOCUMENT = prompt(("instructions", 5_000), ("document", 40_000, "5m"), ("question", 50))


def test_cache_writes_a_prefix_once_and_reads_it_afterwards():
    cache = PrefixCache(RULE)
    assert use_of(cache, DOCUMENT, 0) == (0, 45_000, 50)
    assert use_of(cache, DOCUMENT, 10) == (45_000, 0, 50)


def test_cache_reads_only_an_exact_prefix():
    cache = PrefixCache(RULE)
    use_of(cache, DOCUMENT, 0)
    inserted = prompt(("stamp", 10), ("instructions", 5_000), ("document", 40_000, "5m"), ("question", 50))
    assert use_of(cache, inserted, 10) == (0, 45_010, 50)


def test_cache_reads_the_longest_entry_and_writes_the_rest():
    cache = PrefixCache(RULE)
    two = prompt(("instructions", 5_000, "5m"), ("contract a", 40_000, "5m"), ("question", 50))
    other = prompt(("instructions", 5_000, "5m"), ("contract b", 30_000, "5m"), ("question", 50))
    assert use_of(cache, two, 0) == (0, 45_000, 50)
    assert use_of(cache, other, 10) == (5_000, 30_000, 50)
    assert use_of(cache, other, 20) == (35_000, 0, 50)


def test_cache_finds_entries_only_where_an_earlier_call_had_its_own_breakpoint():
    cache = PrefixCache(RULE)
    use_of(cache, DOCUMENT, 0)
    unmarked_there = prompt(("instructions", 5_000, "5m"), ("other", 40_000), ("question", 50))
    assert use_of(cache, unmarked_there, 10) == (0, 5_000, 40_050)


def test_cache_stores_nothing_under_the_minimum_and_does_not_complain():
    cache = PrefixCache(RULE)
    short = prompt(("instructions", 511, "5m"), ("question", 50))
    assert use_of(cache, short, 0) == (0, 0, 561)
    assert use_of(cache, short, 10) == (0, 0, 561)
    assert use_of(cache, prompt(("enough", 512, "5m"), ("question", 50)), 20) == (0, 512, 50)


@pytest.mark.parametrize(("ttl", "seconds"), [("5m", 300), ("1h", 3600)])
def test_cache_counts_the_lifetime_from_the_start_of_the_request(ttl, seconds):
    what = prompt(("document", 2_000, ttl))
    cold = (0, 2_000, 0)
    for at, expected in ((seconds - 1, (2_000, 0, 0)), (seconds, cold)):
        cache = PrefixCache(RULE)
        use_of(cache, what, 0, begins=40)
        assert use_of(cache, what, at) == expected


def test_cache_refreshes_the_lifetime_with_a_hit():
    cache = PrefixCache(RULE)
    use_of(cache, DOCUMENT, 0)
    for at in range(299, 3_000, 299):
        assert use_of(cache, DOCUMENT, at) == (45_000, 0, 50)
    assert use_of(cache, DOCUMENT, 2_990 + 300) == (0, 45_000, 50)


def test_cache_entry_is_readable_only_once_the_first_response_begins():
    cache = PrefixCache(RULE)
    assert use_of(cache, DOCUMENT, 0, begins=3) == (0, 45_000, 50)
    assert use_of(cache, DOCUMENT, 2, begins=5) == (0, 45_000, 50)
    assert use_of(cache, DOCUMENT, 3) == (45_000, 0, 50)


def test_cache_belongs_to_one_model():
    cache = PrefixCache(RULE)
    use_of(cache, DOCUMENT, 0)
    assert use_of(cache, DOCUMENT, 10, model="claude-haiku-5-5") == (0, 45_000, 50)


def test_cache_looks_back_twenty_positions_and_no_further():
    def grown(blocks: int) -> Prompt:
        parts = [("start", 1_000, "5m")] if blocks == 0 else [("start", 1_000)]
        turns = [(f"turn {i}", 10, "5m") if i == blocks - 1 else (f"turn {i}", 10) for i in range(blocks)]
        return prompt(*parts, *turns)

    for blocks, read in ((19, 1_000), (20, 0)):
        cache = PrefixCache(RULE)
        use_of(cache, grown(0), 0)
        assert use_of(cache, grown(blocks), 10)[0] == read


def test_cache_of_2024_looks_at_the_marked_positions_only():
    cache = PrefixCache(RULES["anthropic-2024-08"])
    use_of(cache, prompt(("start", 2_000, "5m")), 0)
    assert use_of(cache, prompt(("start", 2_000), ("turn", 10, "5m")), 5) == (0, 2_010, 0)
    assert use_of(cache, prompt(("start", 2_000, "5m"), ("other", 10, "5m")), 10) == (2_000, 10, 0)


def test_cache_prices_each_lifetime_apart():
    cache = PrefixCache(RULE)
    use = cache.call(prompt(("a", 1_000, "1h"), ("b", 500, "5m"), ("c", 5)), 0, MODEL, 1)
    assert dict(use.written_by_ttl) == {"1h": 1_000, "5m": 500}


def test_cache_refuses_what_the_provider_refuses():
    cache = PrefixCache(RULE)
    with pytest.raises(PromptError, match="5 breakpoints"):
        use_of(cache, prompt(*((f"b{i}", 1_000, "5m") for i in range(5))), 0)
    with pytest.raises(PromptError, match="longer lifetime"):
        use_of(cache, prompt(("a", 1_000, "5m"), ("b", 1_000, "1h")), 0)
    with pytest.raises(PromptError, match="2h"):
        use_of(cache, prompt(("a", 1_000, "2h")), 0)


def test_cache_refuses_calls_out_of_order_and_responses_before_requests():
    cache = PrefixCache(RULE)
    use_of(cache, DOCUMENT, 10)
    with pytest.raises(PromptError, match="sort the calls"):
        use_of(cache, DOCUMENT, 9)
    with pytest.raises(PromptError, match="before its request"):
        use_of(cache, DOCUMENT, 20, begins=19)


def test_automatic_cache_needs_no_breakpoints_and_rounds_to_its_grain():
    cache = PrefixCache(RULES["openai-2024-10"])
    shared = prompt(("instructions", 1_500), ("question", 50))
    other = prompt(("instructions", 1_500), ("another", 60))
    use_of(cache, shared, 0)
    assert use_of(cache, other, 10) == (1_408, 128, 24)
    assert use_of(PrefixCache(RULES["openai-today"]), prompt(("short", 900)), 0) == (0, 0, 900)


def test_cache_forgets_what_expired_and_stays_small():
    cache = PrefixCache(RULE)
    for at in range(20_000):
        cache.call(prompt((f"text {at}", 1_000, "5m")), float(at), MODEL, at + 0.5)
    assert len(cache._entries) < 5_000


def test_rules_are_dated_and_sourced_and_named():
    assert {"anthropic-2024-08", "openai-2024-10", "openai-today"} <= set(RULES)
    for name, rules in RULES.items():
        assert rules.name == name
        assert rules.dated[:2] == "20"
        assert len(rules.source) > 10
        assert set(rules.ttls) == set(rules.write_multiplier)
    with pytest.raises(PromptError, match="anthropic-2024-08"):
        rules_named("nobody")


@dataclass(frozen=True)
class Sent:
    at: float
    what: Prompt
    begins: float


blocks = st.tuples(
    st.sampled_from("abc"), st.sampled_from([0, 100, 512, 3_000]), st.sampled_from([None, "5m"])
)


@st.composite
def days(draw):
    at = 0.0
    sent = []
    for _ in range(draw(st.integers(1, 12))):
        at += draw(st.sampled_from([0.0, 1.0, 120.0, 299.0, 300.0, 700.0]))
        parts = draw(st.lists(blocks, min_size=1, max_size=6))
        marks = [i for i, part in enumerate(parts) if part[2]][:4]
        kept = [
            (text, tokens, "5m") if i in marks else (text, tokens)
            for i, (text, tokens, _) in enumerate(parts)
        ]
        sent.append(Sent(at, prompt(*kept), at + draw(st.sampled_from([0.0, 0.5, 150.0]))))
    return sent


@settings(max_examples=200, deadline=None)
@given(days(), st.sampled_from(sorted(RULES)))
def test_cache_reads_only_what_was_written_on_the_same_prefix_within_the_lifetime(sent, name):
    assert_every_read_is_explained(PrefixCache(RULES[name]), sent)


class HitsAcrossChangedBlocks(PrefixCache):
    """A planted bug: an entry is known by its last block and its length, whatever stood before that block."""

    def call(self, prompt: Prompt, at_seconds: float, model: str, response_begins_at: float) -> CacheUse:
        laid = lay(prompt, self.rules)
        lasts = zip((block.fingerprint for block in prompt.blocks), laid.sums, strict=True)
        keys = tuple(chain_keys([last])[0] for last in lasts)
        pending = self.begin(replace(laid, keys=keys), at_seconds, model)
        self.finish(pending, response_begins_at)
        return pending.use


class HitsWhatIsStillWritten(PrefixCache):
    """A planted bug: an entry can be read before the response that writes it has begun."""

    def finish(self, pending: Pending, response_begins_at: float) -> None:
        super().finish(pending, pending.at_seconds)


class NeverForgets(PrefixCache):
    """A planted bug: entries outlive their lifetime."""

    def _store(self, pending: Pending, key: bytes, ttl_seconds: float, readable_at: float) -> None:
        super()._store(pending, key, ttl_seconds * 10, readable_at)


@pytest.mark.parametrize("planted", [HitsAcrossChangedBlocks, HitsWhatIsStillWritten, NeverForgets])
def test_a_planted_bug_is_found_by_the_property(planted):
    @settings(max_examples=2_000, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
    @given(days(), st.sampled_from(sorted(RULES)))
    def holds(sent, name):
        assert_every_read_is_explained(planted(RULES[name]), sent)

    with pytest.raises(AssertionError):
        holds()


def assert_every_read_is_explained(cache, sent):
    rules = cache.rules
    done: list[tuple[Sent, CacheUse]] = []
    for item in sent:
        use = cache.call(what_for(item.what, rules.default_ttl), item.at, MODEL, item.begins)
        assert use.read + use.written + use.fresh == item.what.tokens
        assert min(use.read, use.written, use.fresh) >= 0
        assert sum(use.written_by_ttl.values()) == use.written
        if use.read:
            assert any(explains(earlier, its, item, use.read, rules) for earlier, its in done)
        done.append((item, use))


def what_for(what: Prompt, ttl: str) -> Prompt:
    return Prompt(
        tuple(
            Block(
                name=b.name,
                tokens=b.tokens,
                stability=b.stability,
                fingerprint=b.fingerprint,
                breakpoint=ttl if b.breakpoint else None,
            )
            for b in what.blocks
        )
    )


def explains(earlier: Sent, its: CacheUse, item: Sent, read: int, rules: CacheRules) -> bool:
    """An earlier call, within the lifetime, held these tokens on the very same prefix, and they were
    readable.

    Readable: its response had begun, or it read them itself (then they were readable before it).
    """
    held = its.read + its.written >= read and same_prefix(earlier.what, item.what, read)
    readable = earlier.begins <= item.at or its.read >= read
    return held and readable and item.at - earlier.at < rules.ttls[rules.default_ttl]


def same_prefix(first: Prompt, second: Prompt, tokens: int) -> bool:
    total = 0
    for a, b in zip(first.blocks, second.blocks, strict=False):
        if (a.fingerprint, a.tokens) != (b.fingerprint, b.tokens):
            return False
        total += a.tokens
        if total >= tokens:
            return True
    return False


LAYOUT = Prompt(
    (
        Block(name="instructions", tokens=2_000, stability=Stability.FIXED, breakpoint="5m"),
        Block(name="contract", tokens=45_000, stability=Stability.SHARED, breakpoint="5m"),
        Block(name="question", tokens=50, stability=Stability.CALL),
    )
)


def call(at: float, contract: str = "a") -> TrafficCall:
    return TrafficCall(
        at_seconds=at, texts={"contract": contract, "question": f"q{at}"}, output_tokens=300, group=contract
    )


def test_replay_gives_tokens_times_and_dollars_per_call():
    day = replay(LAYOUT, [call(0), call(60), call(100, "b")], RULE, TIER, PRICE)
    assert [(c.use.read, c.use.written, c.use.fresh) for c in day.calls] == [
        (0, 47_000, 50),
        (47_000, 0, 50),
        (2_000, 45_000, 50),
    ]
    assert day.hit_rate == pytest.approx(49_000 / (3 * 47_050))
    assert day.calls_hit == pytest.approx(2 / 3)
    assert day.calls[0].cost_usd == pytest.approx((47_000 * 1.25 * 2 + 50 * 2 + 300 * 10) / 1e6)
    assert day.calls[1].cost_usd == pytest.approx((47_000 * 0.05 * 2 + 50 * 2 + 300 * 10) / 1e6)
    assert day.cost_usd == pytest.approx(sum(c.cost_usd for c in day.calls))
    assert day.calls[1].ttft_seconds < day.calls[0].ttft_seconds
    assert day.ttft_p50 == day.calls[2].ttft_seconds
    assert day.ttft_p95 == day.calls[0].ttft_seconds
    assert day.tokens.tokens == 3 * 47_050


def test_replay_makes_simultaneous_cold_calls_all_pay_the_write():
    day = replay(LAYOUT, [call(0), call(0), call(0), call(10)], RULE, TIER, PRICE)
    assert [c.use.written for c in day.calls] == [47_000, 47_000, 47_000, 0]


def test_replay_of_a_warm_up_makes_the_first_call_a_hit():
    warming = Warming(prewarm_at=0.0, groups={"a": {"contract": "a"}})
    day = replay(LAYOUT, [call(200)], RULE, TIER, PRICE, warming=warming)
    assert day.calls[0].use.read == 47_000
    assert [w.kind for w in day.warming] == ["prewarm"]
    assert day.warming_usd == pytest.approx(47_000 * 1.25 * 2 / 1e6)
    late = replay(LAYOUT, [call(300)], RULE, TIER, PRICE, warming=warming)
    assert late.calls[0].use.read == 0


def test_replay_of_a_warm_up_cannot_guess_a_text_that_it_is_not_told():
    stamped = Prompt((Block(name="stamp", tokens=20, stability=Stability.CALL), *LAYOUT.blocks))
    calls = [TrafficCall(at_seconds=10, texts={"stamp": "10", "contract": "a", "question": "q"}, group="a")]
    day = replay(
        stamped, calls, RULE, TIER, PRICE, warming=Warming(prewarm_at=0.0, groups={"a": {"contract": "a"}})
    )
    assert day.calls[0].use.read == 0


def test_replay_keeps_alive_while_idle_and_stops_at_closing():
    warming = Warming(keepalive_every_seconds=240, keepalive_until=2_000, groups={"a": {"contract": "a"}})
    day = replay(LAYOUT, [call(0), call(1_000)], RULE, TIER, PRICE, warming=warming)
    assert [w.at_seconds for w in day.warming] == [240, 480, 720, 960, 1_240, 1_480, 1_720, 1_960]
    assert day.calls[1].use.read == 47_000
    assert all(w.use.written == 0 for w in day.warming)


def test_replay_of_a_thousand_calls_adds_up():
    calls = [call(float(i * 7), "abc"[i % 3]) for i in range(2_000)]
    day = replay(LAYOUT, calls, RULE, TIER, PRICE)
    assert len(day.calls) == 2_000
    assert all(c.use.tokens == 47_050 for c in day.calls)
    assert day.hit_rate > 0.99


def test_replay_of_a_warm_up_ends_before_a_block_that_it_cannot_know():
    user = Block(name="user", tokens=900, stability=Stability.USER, breakpoint="5m")
    layout = Prompt((*LAYOUT.blocks[:2], user, LAYOUT.blocks[2]))
    calls = [
        TrafficCall(
            at_seconds=10,
            texts={"contract": "a", "user": "Ada", "question": "q"},
            tokens={"contract": 30_000},
            group="a",
        )
    ]
    day = replay(
        layout, calls, RULE, TIER, PRICE, warming=Warming(prewarm_at=0.0, groups={"a": {"contract": "a"}})
    )
    assert day.warming[0].use.written == 32_000
    assert (day.calls[0].use.read, day.calls[0].use.written) == (32_000, 900)


def test_results_can_be_copied_and_pickled():
    day = replay(LAYOUT, [call(0)], RULE, TIER, PRICE)
    assert pickle.loads(pickle.dumps(day)) == day  # noqa: S301 - our own bytes
    assert asdict(day.calls[0])["use"]["written_by_ttl"] == {"5m": 47_000}
    assert asdict(RULE)["ttls"] == {"5m": 300.0, "1h": 3600.0}
