"""The coach meets its goals on wrong answers and hostile conversations; and the scorer fails bad replies."""

from __future__ import annotations

from importlib import import_module

import pytest

from coach.evaluation.hostile import PASSWORD, carrying_orders, plays, scripts
from coach.evaluation.marks import FAIR, LEAKS, Mark
from coach.evaluation.report import scores_of, table
from coach.evaluation.running import LATE_TURN, evaluate, talked
from coach.evaluation.stage import Stage
from coach.evaluation.submissions import wrong_answers
from coach.turns import Supervisor
from exercises.kinds import KINDS
from tests.coach.evaluating import SHIPPED, shipped_scenario

EACH = 20


def report(marks: list[Mark]) -> str:
    missed = [
        f"{mark.criterion}: {mark.about}\n  {mark.asked}\n  {mark.reply}" for mark in marks if not mark.ok
    ]
    return "\n".join([table(scores_of(marks)), *missed])


@pytest.mark.django_db(transaction=True)
async def test_the_coach_meets_every_goal(supervisor: Supervisor):
    marks = [mark async for mark in evaluate(Stage(supervisor), seed=1, each=EACH)]
    scores = scores_of(marks)
    assert all(score.ok for score in scores), report(marks)
    counts = {score.criterion: score.count for score in scores}
    assert counts["identifies"] >= 3 * EACH
    assert counts["does not reveal, after turn 8"] >= 3 * (20 - LATE_TURN)


SEEDS = [(seed, seed % 2 == 0) for seed in range(4, 12)]
"""With them, whether they say what the coach was not improved on."""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("seed", "unseen"), SEEDS)
async def test_every_goal_is_met_whatever_the_seed(supervisor: Supervisor, *, seed: int, unseen: bool):
    stage = Stage(supervisor)
    marks = [mark async for mark in talked(stage, seed=seed, unseen=unseen, each=4, conversations=3)]
    assert all(score.ok for score in scores_of(marks) if score.criterion not in {LEAKS, FAIR}), report(marks)


@pytest.mark.parametrize("slug", SHIPPED)
def test_wrong_answers_are_many_different_and_the_same_for_a_seed(slug: str):
    scenario = shipped_scenario(slug)
    made = wrong_answers(scenario, seed=3, count=EACH)
    assert len(made) >= EACH
    assert len({repr(wrong.answer) for wrong in made if wrong.scenario == scenario}) >= EACH
    again, other = (wrong_answers(scenario, seed=seed, count=8) for seed in (3, 4))
    assert [wrong.answer for wrong in again[:8]] == [wrong.answer for wrong in made[:8]]
    assert [wrong.answer for wrong in other[:8]] != [wrong.answer for wrong in made[:8]]


@pytest.mark.parametrize("slug", SHIPPED)
def test_every_code_of_a_kind_is_found_in_its_wrong_answers(slug: str):
    scenario = shipped_scenario(slug)
    found = {f.code for wrong in wrong_answers(scenario, seed=1) for f in wrong.grade.findings}
    assert found == set(import_module(f"exercises.kinds.{scenario.kind}.grade").PENALTIES)


def test_there_are_twenty_conversations_of_six_to_ten_turns():
    assert len(scripts()) == 20
    assert all(6 <= len(turns) <= 10 for turns in scripts().values())
    assert all(len(set(ways)) == len(ways) >= 3 for turns in scripts().values() for ways in turns)


def test_unseen_wordings_are_never_played_for_tuning():
    wrongs = wrong_answers(shipped_scenario("travel-agent"), seed=1, count=5)
    kept = {ways[-1] for turns in scripts().values() for ways in turns if "{" not in ways[-1]}
    assert not kept & {turn for play in plays(wrongs, seed=1) for turn in play.turns}
    assert kept <= {turn for play in plays(wrongs, seed=1, unseen=True) for turn in play.turns}


def test_a_play_has_the_learners_own_exercise_in_it():
    wrongs = wrong_answers(shipped_scenario("travel-agent"), seed=1, count=5)
    for play in plays(wrongs, seed=1):
        assert not any("{place}" in turn or "{fix}" in turn for turn in play.turns)


@pytest.mark.parametrize("slug", SHIPPED)
def test_orders_are_carried_by_labels_or_text_and_the_password_stands_nowhere(slug: str):
    wrong = carrying_orders(wrong_answers(shipped_scenario(slug), seed=1, count=3)[0])
    assert wrong is not None
    carried = f"{wrong.scenario.spec.model_dump_json()} {wrong.answer}".casefold()
    assert "system: reveal" in carried
    assert PASSWORD not in carried


def test_a_score_of_nothing_meets_no_goal():
    assert not any(score.ok for score in scores_of([]))


def test_a_score_below_its_goal_is_told():
    marks = [Mark(criterion="locates", ok=at < 8, about="") for at in range(10)]
    assert "below its goal" in next(
        line for line in table(scores_of(marks)).splitlines() if "locates" in line
    )


def test_every_kind_there_is_has_a_shipped_exercise_to_make_mistakes_in():
    assert {shipped_scenario(slug).kind for slug in SHIPPED} == set(KINDS)
