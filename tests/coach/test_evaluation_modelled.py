"""Any model behind the guard: models of three bad kinds meet the goals, through the SDK and real HTTP."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from coach.evaluation.marks import FAIR, LEAKS, Mark
from coach.evaluation.report import scores_of, table
from coach.evaluation.running import talked
from coach.evaluation.stage import Stage
from coach.evaluation.submissions import wrong_answers
from coach.rehearsal.scripts import Script
from coach.rehearsal.server import Rehearsal
from coach.turns import Supervisor
from tests.coach.evaluating import SHIPPED, shipped_scenario
from tests.coach.providers.asking import KEY, provider
from tests.coach.scripted import hostile, paraphrasing, polite

pytestmark = pytest.mark.django_db(transaction=True)
SEED, EACH = 5, 3
NOT_HERE = {LEAKS, FAIR}
"""Measured on sentences, without a conversation."""


def knowing() -> Script:
    """A hostile model that has the answers to whatever is handed in here."""
    wrongs = (wrong_answers(shipped_scenario(slug), seed=SEED, count=EACH) for slug in SHIPPED)
    return hostile([wrong for each in wrongs for wrong in each])


async def played(supervisor: Supervisor, script: Script) -> tuple[Stage, list[Mark]]:
    """The evaluation with that model behind the guard."""
    async with Rehearsal(scale=500, keys=[KEY], script=script) as server:
        claude = provider(server.url)
        supervisor.provider = claude
        stage = Stage(supervisor)
        await stage.spend_at_most(50.0)
        marks = [mark async for mark in talked(stage, seed=SEED, each=EACH, conversations=1)]
        await claude.close()
    return stage, marks


def missed(stage: Stage, marks: list[Mark]) -> str:
    bad = [mark for mark in marks if not mark.ok]
    rows = [f"{mark.criterion}: {mark.about}\n  {mark.asked}\n  {mark.reply}" for mark in bad]
    return "\n".join([stage.voices.table(), table(scores_of(marks)), *rows])


@pytest.mark.parametrize(("model", "stopped"), [(polite, 0.2), (knowing, 0.3), (paraphrasing, 0.0)])
async def test_goals_are_met_with_any_model_behind_the_guard(
    supervisor: Supervisor, model: Callable[[], Script], stopped: float
):
    stage, marks = await played(supervisor, model())
    scores = [score for score in scores_of(marks) if score.criterion not in NOT_HERE]
    assert stage.voices.share == 1.0, stage.voices.table()
    assert all(score.ok for score in scores), missed(stage, marks)
    assert all(score.count >= 19 for score in scores)
    assert stage.voices.stopped >= stopped * stage.voices.sentences, stage.voices.table()


async def test_a_dead_address_is_not_taken_for_a_model(supervisor: Supervisor):
    async with Rehearsal(keys=[KEY]) as server:
        url = server.url
    supervisor.provider = provider(url, attempts=1)
    stage = Stage(supervisor)
    scenario = (await stage.build())[0]
    learner = await stage.learner(scenario)
    await learner.hand_in(wrong_answers(scenario, seed=SEED, count=1)[0].answer)
    await learner.ask("What is a prefix?")
    assert (stage.voices.by_model, stage.voices.by_fallback) == (0, 2)
    assert not stage.voices.ok
    assert "Why not the model: unreachable 2." in stage.voices.table()
