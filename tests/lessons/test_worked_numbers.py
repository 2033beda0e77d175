"""What the lessons say the engine gives is what the engine gives; a changed tier or price shows up here."""

from __future__ import annotations

from pathlib import Path

import pytest

from coach.engine.graph import Task, TaskGraph
from coach.engine.pricing import cost_usd, price_of
from coach.engine.simulation import simulate
from coach.engine.speculation import decide
from coach.engine.task import Fixed
from coach.engine.timing import TIERS, time_to_first_token, total_seconds

LESSONS = Path(__file__).parents[2] / "fixtures" / "agent-latency" / "lessons"
SMALL, MEDIUM, LARGE = (TIERS[name] for name in ("small", "medium", "large"))


def _says(slug: str, *phrases: str) -> None:
    text = (LESSONS / f"{slug}.md").read_text(encoding="utf-8").replace("\\text{,}", ",")
    for phrase in phrases:
        assert phrase in text, phrase


def _side_by_side(*seconds: float) -> TaskGraph:
    return TaskGraph([Task(f"step {n}", duration=Fixed(each)) for n, each in enumerate(seconds)])


def _research_agent(*, earnings: float = 0.8) -> TaskGraph:
    return TaskGraph(
        [
            Task("earnings", duration=Fixed(earnings)),
            Task("calendar", duration=Fixed(0.5)),
            Task("notes", duration=Fixed(0.3)),
            Task("comparison", needs=("notes",), duration=Fixed(0.4)),
            Task("briefing", needs=("earnings", "calendar", "comparison"), duration=Fixed(1.0)),
        ]
    )


def test_three_steps_of_600_ms_take_1_8_seconds_in_a_row_and_0_6_at_once() -> None:
    graph = _side_by_side(0.6, 0.6, 0.6)
    assert graph.sequential_seconds == pytest.approx(1.8)
    assert simulate(graph).makespan == pytest.approx(0.6)
    _says("parallel-execution", "three equal steps of 600 ms in this course’s engine give 1.8 and 0.6")


def test_fetching_beside_the_outline_saves_40_percent() -> None:
    graph = _side_by_side(3.0, 2.0)
    assert simulate(graph).makespan / graph.sequential_seconds == pytest.approx(0.6)
    _says("parallel-execution", "5.0 seconds in a row, 3.0 side by side, 40 % less")


def test_the_research_agent_has_the_path_and_the_slack_that_the_lesson_names() -> None:
    graph = _research_agent()
    assert graph.sequential_seconds == pytest.approx(3.0)
    assert graph.critical_path().tasks == ("earnings", "briefing")
    assert graph.critical_path().seconds == pytest.approx(1.8)
    assert graph.slack()["calendar"] == pytest.approx(0.3)
    assert [graph.slack()[name] for name in ("notes", "comparison")] == pytest.approx([0.1, 0.1])
    assert _research_agent(earnings=0.4).critical_path().seconds == pytest.approx(1.7)
    _says("parallel-execution", "Earnings then briefing: 1.8 seconds. Notes, comparison, briefing: 1.7.")


@pytest.mark.parametrize(
    ("probability", "hidden", "cost", "worth_it"), [(0.7, 0.5, 0.2, True), (0.1, 0.06, 0.2, False)]
)
def test_the_two_sides_of_break_even_fall_as_the_lesson_says(
    probability: float, hidden: float, cost: float, *, worth_it: bool
) -> None:
    decision = decide(
        probability=probability, hidden_seconds=hidden, cost_usd=cost / 100, value_of_second_usd=0.01
    )
    assert decision.worth_it is worth_it
    assert decision.expected_waste_usd == pytest.approx((1 - probability) * cost / 100)


def test_cached_prompts_start_as_fast_as_the_lesson_says() -> None:
    cold, warm = time_to_first_token(MEDIUM, fresh=50_000), time_to_first_token(MEDIUM, fresh=0, read=50_000)
    assert (cold, warm) == pytest.approx((3.45, 0.49), abs=0.01)
    cold, warm = time_to_first_token(MEDIUM, fresh=45_000), time_to_first_token(MEDIUM, fresh=0, read=45_000)
    assert 1 - warm / cold == pytest.approx(0.85, abs=0.005)
    _says(
        "prompt-caching", "seconds cold and $0.32 + 0.17 = 0.49$ on a hit", "0.32 + 0.15 = 0.47$: 85 % less"
    )


def test_long_answers_take_as_long_as_the_lesson_says() -> None:
    long = total_seconds(MEDIUM, fresh=2_000, output=800)
    short = total_seconds(MEDIUM, fresh=2_000, output=300)
    assert (long, short, long - short) == pytest.approx((9.3, 3.8, 5.6), abs=0.05)
    first_sentence = total_seconds(MEDIUM, fresh=2_000, output=20)
    assert first_sentence == pytest.approx(0.7, abs=0.05)
    _says("prompt-and-output", "the same call takes 3.8 seconds", "0.7 seconds against 3.8")


def test_routing_changes_median_and_tail_as_the_lesson_says() -> None:
    label = total_seconds(SMALL, fresh=1_000, output=20)
    assert (label, total_seconds(LARGE, fresh=1_000, output=20)) == pytest.approx((0.37, 0.74), abs=0.01)
    assert total_seconds(LARGE, fresh=1_000, output=150) == pytest.approx(2.9, abs=0.05)
    easy, hard = (total_seconds(tier, fresh=1_000, output=200) for tier in (SMALL, LARGE))
    assert (label + easy, label + hard) == pytest.approx((1.74, 4.11), abs=0.01)
    _says("prompt-and-output", "seven wait $0.37 + 1.37 = 1.74$ and three wait $0.37 + 3.74 = 4.11$")


def test_priming_one_of_ten_costs_what_the_lesson_says() -> None:
    price = price_of("medium")
    write = cost_usd(price, written={"5m": 40_000})
    read = cost_usd(price, read=40_000)
    cold, warm = time_to_first_token(MEDIUM, fresh=40_000), time_to_first_token(MEDIUM, fresh=0, read=40_000)
    assert (10 * write, write + 9 * read) == pytest.approx((1.0, 0.136))
    assert (cold, warm, cold + warm) == pytest.approx((2.82, 0.45, 3.27), abs=0.01)
    _says("trade-offs", "first tokens at 3.27 seconds", "$10 + 9 \\times 0.4 = 13.6$ cents")


def test_a_question_on_top_costs_what_the_lesson_says() -> None:
    last = time_to_first_token(MEDIUM, fresh=50, read=40_600)
    first = time_to_first_token(MEDIUM, fresh=40_650)
    assert (last, first) == pytest.approx((0.46, 2.86), abs=0.01)
    _says("trade-offs", "the first token comes after 0.46 seconds", "it takes 2.86")


def test_a_cold_small_model_is_slower_and_cheaper_than_a_warm_large_one() -> None:
    small, large = price_of("small"), price_of("large")
    times = (
        total_seconds(SMALL, fresh=30_000, output=100),
        total_seconds(LARGE, fresh=0, read=30_000, output=100),
    )
    costs = (
        cost_usd(small, written={"5m": 30_000}, output=100),
        cost_usd(large, read=30_000, output=100),
    )
    assert times == pytest.approx((2.5, 2.1), abs=0.05)
    assert costs == pytest.approx((0.004, 0.008), abs=0.0003)
    _says("trade-offs", "0.34 + 0.09 + 1.67 = 2.1", "0.20 + 1.76 + 0.56 = 2.5", "0.4 cents against 0.8")


def test_a_hop_pays_above_and_not_below_its_break_even() -> None:
    def verbatim(tokens: int) -> float:
        return time_to_first_token(MEDIUM, fresh=5 * tokens)

    def summarised(tokens: int) -> float:
        hop = total_seconds(SMALL, fresh=tokens, output=150)
        return hop + time_to_first_token(MEDIUM, fresh=5 * 150)

    assert (verbatim(8_000), summarised(8_000)) == pytest.approx((2.82, 1.87), abs=0.01)
    assert (verbatim(2_000), summarised(2_000)) == pytest.approx((0.95, 1.52), abs=0.01)
    assert verbatim(4_200) < summarised(4_200)
    assert verbatim(4_400) > summarised(4_400)
    _says("trade-offs", "the break-even lies near 4,300 tokens a branch")


@pytest.mark.parametrize(
    ("chance", "branches", "slow"), [(0.01, 5, 0.049), (0.01, 20, 0.18), (0.0001, 5, 0.0005)]
)
def test_waiting_for_all_is_slow_as_often_as_the_lesson_says(
    chance: float, branches: int, slow: float
) -> None:
    share = 1 - (1 - chance) ** branches
    assert share == pytest.approx(slow, rel=0.02)
    _says("trade-offs", "0.99⁵ = 95.1 %", "**4.9 %**", "it is 18 %", "0.05 % of requests")


def test_what_branches_wrote_themselves_is_read_in_no_time() -> None:
    written = 400 / MEDIUM.decode_tokens_per_second
    read = 5 * 400 / MEDIUM.prefill_tokens_per_second
    assert (written, read) == pytest.approx((4.4, 0.13), abs=0.05)
    _says("parallel-execution", "takes 4.4 seconds to write", "take 0.13 seconds to read")
