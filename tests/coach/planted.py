"""Coaches with one fault each, on a stage without a database: what the evaluation has to find."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, cast

from coach.evaluation.stage import Learner, Reply, Stage
from coach.evaluation.submissions import Scenario, graded
from coach.ladder import Rung
from coach.queries import Authored
from coach.turns import Supervisor
from exercises.kinds.base import Finding
from lessons.models import User
from tests.coach.evaluating import SHIPPED, shipped_desk, shipped_scenario


@dataclass(frozen=True, slots=True)
class Moment:
    """What a planted coach knows when it speaks. `turn`: 0 for a critique, then the questions are counted."""

    scenario: Scenario
    findings: tuple[Finding, ...]
    mastered: bool
    turn: int

    @property
    def first(self) -> Finding:
        return self.findings[0]

    def hint(self, rung: Rung) -> str:
        return shipped_desk(self.scenario.slug).words.hint(self.first, rung)


Planted = Callable[[Moment], str]


class PlantedStage(Stage):
    """The shipped exercises, with that coach at each."""

    def __init__(self, coach: Planted) -> None:
        # No turn runs here.
        super().__init__(cast(Supervisor, None))
        self.coach = coach

    async def build(self) -> list[Scenario]:
        return [shipped_scenario(slug) for slug in SHIPPED]

    async def words_of(self, scenario: Scenario) -> Authored:
        return shipped_desk(scenario.slug).words.authored

    async def lesson_texts(self) -> tuple[str, ...]:
        return ()

    async def learner(self, scenario: Scenario) -> Learner:
        return PlantedLearner(self, scenario)


class PlantedLearner(Learner):
    """Whose answers are graded, and who is told what the planted coach says."""

    def __init__(self, stage: PlantedStage, scenario: Scenario) -> None:
        super().__init__(stage, scenario, User())
        self._coach = stage.coach
        self._mastered = False
        self._turns = 0

    async def hand_in(self, answer: Mapping[str, Any]) -> Reply:
        wrong = graded(self.scenario, dict(answer), ())
        self._mastered = self._mastered or wrong is None
        self.findings = wrong.grade.findings if wrong else ()
        return self._told("") if wrong else Reply("", ())

    async def ask(self, question: str) -> Reply:
        self._turns += 1
        return self._told(question)

    async def opened(self) -> frozenset[str]:
        return frozenset()

    def _told(self, asked: str) -> Reply:
        moment = Moment(self.scenario, self.findings, self._mastered, self._turns)
        return Reply(asked, ({"text": self._coach(moment)},))


def good(moment: Moment) -> str:
    """What the goals ask for, from the authors' words alone."""
    if moment.mastered:
        return f"You have shown that you can do it. {moment.first.fix}"
    look, ask = moment.hint(Rung.POINT), moment.hint(Rung.ASK)
    place = f"This is about “{moment.first.place_label}”."
    action = "Decide on one change there, predict what it does, and run it again."
    return " ".join([moment.first.message, place, look, ask, action])
