from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate, chain, combinations, permutations, product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.engine.advice import Advice, advise
from coach.engine.errors import PromptError
from coach.engine.pricing import PRICES, Price
from coach.engine.prompt import Block, Prompt, Stability
from coach.engine.prompt_advice import Bench, Design, LayoutPlan, kept_in_place, order_between
from coach.engine.rules import CacheRules
from coach.engine.timing import TIERS
from coach.engine.traffic import TrafficCall, replay
from coach.engine.warming import Warming

MODEL = "claude-sonnet-5-5"
AUTOMATIC = "gpt-5.6-terra"


def block(name: str, tokens: int, stability: Stability, ttl: str | None = None) -> Block:
    return Block(name=name, tokens=tokens, stability=stability, breakpoint=ttl)


STAMP = block("stamp", 20, Stability.CALL)
CONTRACT = block("contract", 45_000, Stability.SHARED)
RULEBOOK = block("instructions", 5_000, Stability.FIXED)
QUESTION = block("question", 50, Stability.CALL)
AS_FOUND = Prompt((STAMP, CONTRACT, RULEBOOK, QUESTION))


def office(calls: int = 12, every: float = 100.0) -> list[TrafficCall]:
    return [
        TrafficCall(
            at_seconds=every * i,
            texts={"stamp": f"{i}", "contract": "ab"[i % 2], "question": f"q{i}"},
            output_tokens=300,
            group="ab"[i % 2],
        )
        for i in range(calls)
    ]


def advised(prompt: Prompt = AS_FOUND, **options: Any) -> Advice[LayoutPlan]:
    options = {"model": MODEL, "value_of_second_usd": 0.01, **options}
    return advise(prompt, office(), **options)


def test_legal_review_is_laid_out_stable_first_with_two_breakpoints() -> None:
    advice = advised(value_of_second_usd=0.0)
    blocks = advice.plan.prompt.blocks
    assert [b.name for b in blocks[:2]] == ["instructions", "contract"]
    assert [b.name for b in blocks if b.breakpoint] == ["instructions", "contract"]
    assert advice.plan.day.hit_rate > 0.8
    assert advice.before.cost_usd > 3 * advice.after.cost_usd


def test_changes_are_ordered_and_add_up() -> None:
    advice = advised()
    worths = [change.worth_usd for change in advice.changes]
    assert worths == sorted(worths, reverse=True)
    assert sum(worths) == pytest.approx(advice.before.burden_usd - advice.after.burden_usd)
    saved = sum(change.saved_seconds for change in advice.changes)
    assert saved == pytest.approx(advice.before.seconds - advice.after.seconds)
    usd = sum(change.saved_usd for change in advice.changes)
    assert usd == pytest.approx(advice.before.cost_usd - advice.after.cost_usd)


def test_changes_say_what_to_do() -> None:
    said = {change.code: change.sentence for change in advised().changes}
    assert said["set-breakpoint"].startswith("Set a breakpoint at the end of “")
    assert "move-block" in said


def test_the_best_layout_needs_no_change() -> None:
    best = advised().plan
    again = advise(best.prompt, office(), model=MODEL, value_of_second_usd=0.01, warming=best.warming)
    assert again.changes == ()
    assert again.after == again.before


def test_a_breakpoint_that_is_never_read_is_taken_off() -> None:
    marked = Prompt((RULEBOOK, CONTRACT, replace(QUESTION, breakpoint="5m")))
    codes = {(change.code, change.about) for change in advised(marked).changes}
    assert ("remove-breakpoint", ("question",)) in codes


def test_a_longer_lifetime_is_taken_where_the_gaps_are_longer() -> None:
    sparse = office(calls=16, every=400.0)
    advice = advise(AS_FOUND, sparse, model=MODEL, value_of_second_usd=0.01)
    assert {b.breakpoint for b in advice.plan.prompt.blocks} == {None, "1h"}


def test_warming_is_told_what_it_brings() -> None:
    dear = advised(value_of_second_usd=5.0)
    change = next(change for change in dear.changes if change.code == "warm")
    assert change.saved_seconds > 0 > change.saved_usd
    assert "warm-up 120 s before the first call" in change.sentence


def test_only_what_is_offered_keeps_a_cache_warm() -> None:
    early = Warming(prewarm_at=-30.0, groups={name: {"contract": name} for name in "ab"})
    advice = advised(value_of_second_usd=5.0, warmings=(Warming(), early))
    assert advice.plan.warming == early
    assert "warm-up 30 s before the first call" in next(
        c.sentence for c in advice.changes if c.code == "warm"
    )
    assert advised(value_of_second_usd=5.0, warmings=()).plan.warming == Warming()


def test_pinned_blocks_stay_where_they_are() -> None:
    advice = advised(pinned=("question", "stamp"))
    names = [b.name for b in advice.plan.prompt.blocks]
    assert (names[0], names[-1]) == ("stamp", "question")


def test_a_prompt_that_the_rules_refuse_is_refused() -> None:
    odd = Prompt((replace(RULEBOOK, breakpoint="2h"),))
    with pytest.raises(PromptError, match="2h"):
        advised(odd)


def test_a_long_day_is_searched_in_part_and_told_in_whole() -> None:
    advice = advise(AS_FOUND, office(900, 5.0), model=MODEL, value_of_second_usd=0.01)
    assert len(advice.plan.day.calls) == 900
    assert advice.plan.day.hit_rate > 0.9


def test_no_calls_no_advice() -> None:
    assert advise(AS_FOUND, [], model=MODEL, value_of_second_usd=1.0).changes == ()


@given(st.permutations(range(6)), st.sets(st.integers(0, 5)))
def test_moving_all_that_moves_gives_the_best_order(best: list[int], some: set[int]) -> None:
    found, wanted = tuple("abcdef"), tuple("abcdef"[i] for i in best)
    stay = kept_in_place(found, wanted)
    moved = [name for name in wanted if name not in stay]
    assert order_between(found, wanted, moved) == wanted
    assert order_between(found, wanted, ()) == found
    part = [name for i, name in enumerate(moved) if i in some]
    assert sorted(order_between(found, wanted, part)) == sorted(found)


# Against trying everything

TOKENS = st.sampled_from([30, 600, 5_000, 40_000])
GAPS = st.sampled_from([0.0, 5.0, 120.0, 299.0, 1_000.0])


@st.composite
def days(
    draw: st.DrawFn, *, blocks: int, calls: int, tokens: st.SearchStrategy[int] = TOKENS
) -> tuple[Prompt, list[TrafficCall]]:
    """Blocks that change in all sorts of ways: no label tells how."""
    names = "abcdefg"[:blocks]
    ways = {name: draw(st.sampled_from([1, 1, 2, 3, calls])) for name in names}
    at, traffic = 0.0, []
    for number in range(calls):
        at += draw(GAPS)
        texts = {
            name: f"{name}{draw(st.integers(0, many - 1)) if many < calls else number}"
            for name, many in ways.items()
        }
        traffic.append(TrafficCall(at_seconds=at, texts=texts, output_tokens=100))
    order = draw(st.permutations(names))
    return Prompt(tuple(block(name, draw(tokens), Stability.CALL) for name in order)), traffic


def burden(blocks: tuple[Block, ...], traffic: list[TrafficCall], price: Price, value: float) -> float:
    """Of a day; endless where the rules refuse the breakpoints."""
    try:
        day = replay(Prompt(blocks), traffic, price.rules, TIERS[price.tier], price)
    except PromptError:
        return float("inf")
    return day.cost_usd + value * sum(call.ttft_seconds for call in day.calls)


def least(prompt: Prompt, traffic: list[TrafficCall], price: Price, value: float) -> float:
    """Every order, every set of breakpoints, every lifetime that the rules allow, nothing warmed."""
    return min(
        burden(tuple(replace(b, breakpoint=marks.get(i)) for i, b in enumerate(order)), traffic, price, value)
        for order in permutations(prompt.blocks)
        for marks in _all_marks(len(order), price.rules)
    )


def _all_marks(blocks: int, rules: CacheRules) -> list[dict[int, str]]:
    if rules.automatic:
        return [{}]
    return [
        dict(zip(places, chosen, strict=True))
        for count in range(rules.max_breakpoints + 1)
        for places in combinations(range(blocks), count)
        for chosen in product(rules.ttls, repeat=count)
    ]


Steps = tuple[tuple[Block, ...], ...]
"""The blocks up to the first breakpoint, those from there to the second, and so on; not those behind the
last, in whose order nothing is cached."""


def least_nested(prompt: Prompt, traffic: list[TrafficCall], price: Price, value: float) -> float:
    """The same by nested sets of blocks that end at a breakpoint: inside them the order changes nothing, and
    of those with as many tokens whose texts recur in the same calls, one stands for all."""
    unlike = {_looks(steps, traffic): steps for steps in _nested(prompt.blocks, price.rules.max_breakpoints)}
    found = float("inf")
    for steps in unlike.values():
        inside = set(chain(*steps))
        rest = [each for each in prompt.blocks if each not in inside]
        for ttls in product(price.rules.ttls, repeat=len(steps)):
            marked = [
                (*step[:-1], replace(step[-1], breakpoint=ttl)) for step, ttl in zip(steps, ttls, strict=True)
            ]
            found = min(found, burden((*chain(*marked), *rest), traffic, price, value))
    return found


def _nested(blocks: tuple[Block, ...], most: int) -> Iterator[Steps]:
    yield ()
    for count in range(1, len(blocks) + 1) if most else ():
        for step in combinations(blocks, count):
            rest = tuple(each for each in blocks if each not in step)
            yield from ((step, *more) for more in _nested(rest, most - 1))


def _looks(steps: Steps, traffic: list[TrafficCall]) -> tuple[object, ...]:
    """For each prefix its tokens, and for each call the first one with the same texts."""
    looks: list[object] = []
    for prefix in accumulate(steps):
        texts = [tuple(call.texts[each.name] for each in prefix) for call in traffic]
        looks.append((sum(each.tokens for each in prefix), tuple(map(texts.index, texts))))
    return tuple(looks)


class Cold(Bench):
    """Figures of designs without warming, to compare like with like."""

    def rank(self, design: Design, *, sample: bool = False) -> tuple[float, int]:
        burden, changes = super().rank(design, sample=sample)
        return (float("inf"), changes) if design.warming else (burden, changes)


def best_cold(prompt: Prompt, traffic: list[TrafficCall], price: Price, value: float) -> float:
    from coach.engine.prompt_advice import best_design

    bench = Cold(prompt, traffic, price, value, warming=Warming())
    figures = bench.figures(best_design(bench, bench.as_found, frozenset()))
    assert figures is not None
    return figures.burden_usd


@given(st.data(), st.sampled_from([0.0, 0.01, 1.0]))
@settings(max_examples=25, deadline=None)
def test_small_prompts_get_the_best_layout_of_all(data: st.DataObject, value: float) -> None:
    prompt, traffic = data.draw(days(blocks=data.draw(st.integers(1, 4)), calls=6))
    price = PRICES[MODEL]
    best = least(prompt, traffic, price, value)
    assert best_cold(prompt, traffic, price, value) <= best + 1e-9
    assert least_nested(prompt, traffic, price, value) == pytest.approx(best)


@given(st.data(), st.sampled_from([0.0, 0.01, 1.0]), st.sampled_from([MODEL, "claude-haiku-5-5"]))
@settings(max_examples=3, deadline=None, derandomize=True)
def test_seven_blocks_get_the_best_layout_of_all(data: st.DataObject, value: float, model: str) -> None:
    """Four breakpoints, two lifetimes: all that the rules allow."""
    prompt, traffic = data.draw(days(blocks=7, calls=4, tokens=st.sampled_from([600, 40_000])))
    price = PRICES[model]
    found = best_cold(prompt, traffic, price, value)
    assert found <= least_nested(prompt, traffic, price, value) + 1e-9


@given(st.data(), st.sampled_from([0.0, 0.01, 1.0]))
@settings(max_examples=6, deadline=None)
def test_seven_blocks_of_an_automatic_cache_get_the_best_order_of_all(
    data: st.DataObject, value: float
) -> None:
    prompt, traffic = data.draw(days(blocks=7, calls=5))
    price = PRICES[AUTOMATIC]
    assert best_cold(prompt, traffic, price, value) <= least(prompt, traffic, price, value) + 1e-9


@given(st.data())
@settings(max_examples=25, deadline=None)
def test_advice_is_never_worse_than_what_was_found(data: st.DataObject) -> None:
    prompt, traffic = data.draw(days(blocks=data.draw(st.integers(1, 6)), calls=6))
    model = data.draw(st.sampled_from([MODEL, AUTOMATIC, "gpt-4o", "claude-3-5-sonnet"]))
    advice = advise(prompt, traffic, model=model, value_of_second_usd=0.01)
    assert advice.after.burden_usd <= advice.before.burden_usd + 1e-9
    assert sorted(b.name for b in advice.plan.prompt.blocks) == sorted(b.name for b in prompt.blocks)
    total = sum(change.worth_usd for change in advice.changes)
    assert total == pytest.approx(advice.before.burden_usd - advice.after.burden_usd)
