from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coach.engine.cache import RULES, PrefixCache
from coach.engine.call_simulation import simulate_calls
from coach.engine.calls import ModelCall
from coach.engine.errors import PromptError
from coach.engine.graph import Condition, Fixed, Task, TaskGraph
from coach.engine.prefixes import shared_prefixes
from coach.engine.priming import (
    AT_ONCE,
    IN_A_ROW,
    PRIMED,
    in_a_row,
    prime,
    primed_by,
)
from coach.engine.prompt import Block, Prompt, Stability
from coach.engine.rates import Rate
from coach.engine.runner import Inputs, run
from coach.engine.traffic import TrafficCall, replay
from tests.coach.engine.virtual_time import run_virtually

MODEL = "claude-sonnet-5-5"
RULE = RULES["anthropic-2026-10-claude-sonnet-5-5"]


def prompt(question: str, *documents: tuple[str, int], marked: bool = True) -> Prompt:
    shared = (
        Block(
            name=name,
            tokens=tokens,
            stability=Stability.SHARED,
            fingerprint=name,
            breakpoint="5m" if marked else None,
        )
        for name, tokens in documents
    )
    return Prompt(
        (*shared, Block(name="question", tokens=200, stability=Stability.CALL, fingerprint=question))
    )


def agent(name: str, output: int = 300, *, tokens: int = 40_000, **more: Any) -> Task:
    call = ModelCall(prompt(name, ("contract", tokens)), "medium", output)
    return Task(name, model_call=call, **more)


def crew(count: int, *, spread: int = 0, tokens: int = 40_000) -> TaskGraph:
    names = [f"agent {i}" for i in range(count)]
    agents = [agent(name, 300 + spread * i, tokens=tokens) for i, name in enumerate(names)]
    return TaskGraph([*agents, Task("join", tuple(names), duration=Fixed(0.5))])


def test_calls_at_once_all_pay_the_write_and_none_reads() -> None:
    trace = simulate_calls(crew(6))
    assert [trace[f"agent {i}"].tokens_written for i in range(6)] == [40_000] * 6
    assert sum(span.tokens_read for span in trace.spans) == 0


def test_designs_are_weighed_by_what_they_take_of_a_limit_of_tokens() -> None:
    """Under the limit only the first can be sent cold: the others wait until it answers, in any design."""
    free, limited = crew(6), TaskGraph(crew(6), {"input tokens": Rate(60_000)})
    paid = prime(free, value_of_second_usd=5.0).choices[0].estimates
    held = prime(limited, value_of_second_usd=5.0).choices[0].estimates
    assert held[AT_ONCE] == held[PRIMED] == paid[PRIMED]
    assert held[AT_ONCE].cost_usd < paid[AT_ONCE].cost_usd / 4


def test_released_calls_read_what_the_first_one_wrote() -> None:
    graph = crew(6)
    trace = simulate_calls(primed_by(graph, shared_prefixes(graph)[0], "agent 0"))
    assert [trace[f"agent {i}"].tokens_written for i in range(6)] == [40_000, 0, 0, 0, 0, 0]
    assert [trace[f"agent {i}"].tokens_read for i in range(1, 6)] == [40_000] * 5
    assert trace["agent 1"].start == trace["agent 0"].first_output


def test_simulated_calls_take_what_the_same_calls_take_on_a_day() -> None:
    names = [f"agent {i}" for i in range(4)]
    chained = TaskGraph(
        [agent(name, 100, needs=(names[i - 1],) if i else ()) for i, name in enumerate(names)]
    )
    trace = simulate_calls(chained)
    call = chained.tasks["agent 0"].model_call
    assert call is not None
    traffic = [
        TrafficCall(at_seconds=trace[name].start, texts={"question": name}, output_tokens=100)
        for name in names
    ]
    day = replay(call.prompt, traffic, call.price.rules, call.tier, call.price)
    assert [result.cost_usd for result in day.calls] == pytest.approx([trace[n].cost_usd for n in names])
    firsts = [trace[n].first_output for n in names]
    assert [result.at_seconds + result.ttft_seconds for result in day.calls] == pytest.approx(firsts)


def test_cheap_seconds_prime_and_dear_ones_do_not() -> None:
    designs = {v: prime(crew(6), value_of_second_usd=v).choices[0].chosen for v in (0.0, 0.05, 0.5, 5.0)}
    assert designs == {0.0: PRIMED, 0.05: PRIMED, 0.5: PRIMED, 5.0: AT_ONCE}


def test_dear_seconds_still_prime_where_waiting_delays_nobody() -> None:
    choice = prime(crew(6, spread=50), value_of_second_usd=50.0).choices[0]
    assert (choice.chosen, choice.leader) == (PRIMED, "agent 5")
    assert choice.estimates[PRIMED].seconds == choice.estimates[AT_ONCE].seconds


def test_reason_stands_in_the_trace() -> None:
    planned = prime(crew(6), value_of_second_usd=0.05)
    note = simulate_calls(planned.graph)["agent 3"].note
    assert note == planned.choices[0].reason
    assert "6 calls share 40,000 cold tokens and are released by the first output of “agent 0”" in note
    assert "a second being worth $0.05" in note


def test_a_single_call_changes_nothing() -> None:
    assert prime(crew(1), value_of_second_usd=0.01).graph.tasks == crew(1).tasks
    assert not prime(crew(1), value_of_second_usd=0.01).choices


def test_a_short_prefix_changes_nothing() -> None:
    graph = crew(6, tokens=511)
    assert prime(graph, value_of_second_usd=0.01).graph is graph


def test_a_prefix_without_a_breakpoint_changes_nothing() -> None:
    tasks = [
        Task(f"a{i}", model_call=ModelCall(prompt(f"{i}", ("contract", 40_000), marked=False), MODEL))
        for i in range(3)
    ]
    graph = TaskGraph(tasks)
    assert prime(graph, value_of_second_usd=0.01).graph is graph


def test_a_warm_prefix_changes_nothing_until_it_is_cold_again() -> None:
    cache = PrefixCache(RULE)
    cache.call(prompt("before", ("contract", 40_000)), 0.0, MODEL, 3.0)
    graph = crew(6)
    warm = prime(graph, value_of_second_usd=0.01, caches=[cache], at_seconds=60.0)
    assert warm.graph is graph
    cold = prime(graph, value_of_second_usd=0.01, caches=[cache], at_seconds=400.0)
    assert cold.choices[0].chosen == PRIMED
    assert cache.call(prompt("after", ("contract", 40_000)), 60.0, MODEL, 61.0).read == 40_000


def test_models_do_not_share() -> None:
    other = replace(agent("other"), model_call=ModelCall(prompt("other", ("contract", 40_000)), "small", 300))
    assert not shared_prefixes(TaskGraph([agent("one"), other]))


def test_calls_that_wait_for_each_other_anyway_are_left_alone() -> None:
    graph = TaskGraph([agent("one"), agent("two", needs=("one",))])
    assert prime(graph, value_of_second_usd=0.01).graph is graph


def test_a_call_that_may_be_dropped_does_not_go_first() -> None:
    decider = Task("decider", duration=Fixed(0.01))
    maybe = agent("maybe", 2_000, condition=Condition("decider", 0.9), speculative=True, effects="pure")
    graph = TaskGraph([decider, maybe, agent("one"), agent("two")])
    assert prime(graph, value_of_second_usd=0.01).choices[0].leader in ("one", "two")


def test_a_call_behind_one_that_may_be_dropped_is_released_too() -> None:
    maybe = agent("maybe", condition=Condition("decider", 0.1))
    graph = TaskGraph([Task("decider"), maybe, agent("behind", needs=("maybe",)), agent("one")])
    planned = prime(graph, value_of_second_usd=0.0)
    assert planned.choices[0].prefix.tasks == ("maybe", "behind", "one")
    assert planned.graph.tasks["behind"].after_output == ("one",)


def test_a_call_that_starts_ahead_is_released_by_its_decider() -> None:
    ahead = agent("ahead", condition=Condition("one", 0.9), speculative=True, effects="pure")
    graph = TaskGraph([agent("one"), ahead])
    assert prime(graph, value_of_second_usd=0.02).graph.tasks["ahead"].after_output == ("one",)
    waiting = TaskGraph([agent("one"), replace(ahead, speculative=False)])
    assert not prime(waiting, value_of_second_usd=0.0).choices


def test_what_a_call_is_expected_to_cost_decides_who_goes_first() -> None:
    def leader(probability: float) -> str | None:
        likely = agent("likely", 2_000, condition=Condition("decider", probability))
        graph = TaskGraph(
            [Task("decider"), likely, agent("one", needs=("late",)), Task("late"), agent("two")]
        )
        return prime(graph, value_of_second_usd=0.05).choices[0].leader

    assert leader(1.0) == "likely"
    assert leader(0.1) in ("one", "two")


def test_where_only_first_words_count_waiting_for_them_costs_nothing() -> None:
    designs = {
        share: prime(crew(6), value_of_second_usd=5.0, first_output_share=share).choices[0].chosen
        for share in (0.0, 1.0)
    }
    assert designs == {0.0: AT_ONCE, 1.0: PRIMED}


def reading(name: str, *documents: str) -> Task:
    sizes = tuple((document, 40_000 if document == "law" else 20_000) for document in documents)
    return Task(name, model_call=ModelCall(prompt(name, *sizes), MODEL, 300))


def test_who_shares_most_goes_first() -> None:
    tasks = [reading(f"plain {i}", "law") for i in range(3)]
    tasks += [reading(f"annexed {i}", "law", "annex") for i in range(3)]
    planned = prime(TaskGraph(tasks), value_of_second_usd=0.01)
    assert planned.choices[0].leader == "annexed 0"
    assert sum(span.tokens_written for span in simulate_calls(planned.graph).spans) == 60_000


def test_a_longer_prefix_that_only_some_share_is_primed_among_them() -> None:
    tasks = [reading(f"one {i}", "law", "annex one") for i in range(3)]
    tasks += [reading(f"two {i}", "law", "annex two") for i in range(3)]
    planned = prime(TaskGraph(tasks), value_of_second_usd=0.01)
    assert [(len(choice.prefix.tasks), choice.chosen) for choice in planned.choices] == [
        (6, PRIMED),
        (3, PRIMED),
    ]
    assert sum(span.tokens_written for span in simulate_calls(planned.graph).spans) == 80_000


def test_runner_releases_the_others_with_the_first_output() -> None:
    async def speak(inputs: Inputs) -> str:
        await asyncio.sleep(2.0)
        inputs.emit("first")
        await asyncio.sleep(1.0)
        return inputs.task.name

    graph = TaskGraph([replace(task, call=speak) if task.model_call else task for task in crew(4)])
    planned = prime(graph, value_of_second_usd=0.05)
    trace = run_virtually(run(planned.graph)).trace
    assert [trace[f"agent {i}"].start for i in range(4)] == [0.0, 2.0, 2.0, 2.0]
    assert trace["agent 2"].note == planned.choices[0].reason
    assert trace.makespan == pytest.approx(5.5)


def test_call_that_makes_no_sense_is_refused() -> None:
    with pytest.raises(PromptError, match="No price"):
        ModelCall(prompt("x"), "nobody")
    with pytest.raises(PromptError, match="write -1"):
        ModelCall(prompt("x"), MODEL, -1)


@st.composite
def crews(draw: st.DrawFn, *, most: int = 6) -> TaskGraph:
    count = draw(st.integers(2, most))
    tokens = draw(st.sampled_from([600, 5_000, 40_000]))
    tasks = [Task("early", duration=Fixed(draw(st.floats(0.0, 3.0))))]
    for i in range(count):
        needs = ("early",) if draw(st.booleans()) else ()
        tasks.append(agent(f"a{i}", draw(st.integers(10, 900)), tokens=tokens, needs=needs))
        if draw(st.booleans()):
            tasks.append(Task(f"then {i}", (f"a{i}",), duration=Fixed(draw(st.floats(0.0, 5.0)))))
    limits = {"lines": draw(st.integers(1, 4))} if draw(st.booleans()) else {}
    return TaskGraph([replace(task, uses=("lines",)) for task in tasks] if limits else tasks, limits)


def burden(graph: TaskGraph, value: float) -> float:
    trace = simulate_calls(graph)
    return trace.makespan * value + trace.cost_usd


VALUES = st.sampled_from([0.0, 0.01, 0.1, 0.5, 2.0, 20.0])


@given(crews(), VALUES)
@settings(max_examples=60, deadline=None)
def test_choice_is_never_worse_than_any_of_the_designs(graph: TaskGraph, value: float) -> None:
    planned = prime(graph, value_of_second_usd=value)
    chosen = burden(planned.graph, value)
    prefix = shared_prefixes(graph)[0]
    others = [graph, in_a_row(graph, prefix), *(primed_by(graph, prefix, name) for name in prefix.tasks)]
    assert chosen <= min(burden(other, value) for other in others) + 1e-9
    best = planned.choices[0].estimates[planned.choices[0].chosen]
    assert best.burden_usd == pytest.approx(chosen)


@given(crews(most=4), VALUES)
@settings(max_examples=100, deadline=None, derandomize=True)
def test_choice_is_within_three_percent_of_every_leader_with_every_set_of_followers(
    graph: TaskGraph, value: float
) -> None:
    chosen = burden(prime(graph, value_of_second_usd=value).graph, value)
    prefix = shared_prefixes(graph)[0]
    for leader in prefix.tasks:
        others = [name for name in prefix.tasks if name != leader]
        for count in range(1, len(others) + 1):
            for followers in combinations(others, count):
                some = replace(prefix, tasks=(leader, *followers))
                assert chosen <= burden(primed_by(graph, some, leader), value) * 1.03 + 1e-9


@given(crews(), VALUES)
@settings(max_examples=40, deadline=None)
def test_priming_takes_nothing_away(graph: TaskGraph, value: float) -> None:
    planned = prime(graph, value_of_second_usd=value).graph
    assert list(planned.tasks) == list(graph.tasks)
    for task in graph:
        after = planned.tasks[task.name]
        assert replace(after, after_output=(), uses=task.uses, note="") == task
        assert set(task.uses) <= set(after.uses)


def test_designs_have_names() -> None:
    assert set(prime(crew(3), value_of_second_usd=0.1).choices[0].estimates) == {AT_ONCE, IN_A_ROW, PRIMED}
