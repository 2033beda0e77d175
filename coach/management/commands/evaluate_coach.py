"""Measure the coach: wrong answers are handed in, hostile conversations are played, each reply is scored."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.test.utils import setup_databases, teardown_databases

from coach.evaluation.marks import Mark
from coach.evaluation.recall import Recall, recall_on, recall_table
from coach.evaluation.report import Score, as_json, scores_of, table
from coach.evaluation.running import evaluate
from coach.evaluation.stage import Stage
from coach.evaluation.submissions import EACH_KIND, wrong_answers
from coach.evaluation.voices import Voices
from coach.turns import attach, detach


class Command(BaseCommand):
    help = (
        "Score the coach's replies to wrong answers and hostile conversations, in a database of their own. "
        "Where a model is set up it is the model that is scored, and it has to have written nine in ten."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--each", type=int, default=EACH_KIND, help="Wrong answers of each kind.")
        parser.add_argument("--unseen", action="store_true", help="Say what the coach was not improved on.")
        parser.add_argument("--thorough", action="store_true", help="Every conversation at every exercise.")
        parser.add_argument("--usd", type=float, default=10.0, help="What models may cost in all.")
        parser.add_argument("--json", action="store_true", help="Print JSON, misses included.")

    def handle(self, *args: Any, **options: Any) -> None:
        before = setup_databases(verbosity=0, interactive=False)
        try:
            told = asyncio.run(_measured(options))
        finally:
            teardown_databases(before, verbosity=0)
        self.stdout.write(told.as_text() if not options["json"] else told.as_json())
        if told.voices is not None and not told.voices.ok:
            raise CommandError("Too few replies are the model's: this measures the built-in coach.")
        if not all(score.ok for score in told.scores):
            raise CommandError("Not every goal is met.")


@dataclass(frozen=True, slots=True)
class _Measured:
    """All that was found. `voices`: None without a model."""

    marks: list[Mark]
    recalls: list[Recall]
    voices: Voices | None

    @property
    def scores(self) -> list[Score]:
        return scores_of(self.marks)

    def as_text(self) -> str:
        missed = [
            f"{mark.criterion}: {mark.about}\n  asked: {mark.asked}\n  reply: {mark.reply}"
            for mark in self.marks
            if not mark.ok
        ]
        tables = [table(self.scores), recall_table(self.recalls)]
        return "\n".join([*missed, *tables, *([self.voices.table()] if self.voices else [])])

    def as_json(self) -> str:
        told = as_json(self.scores, self.marks) | {"judge": [asdict(each) for each in self.recalls]}
        voices = {"voices": self.voices.to_dict()} if self.voices else {}
        return json.dumps(told | voices, indent=1, ensure_ascii=False)


async def _measured(options: dict[str, Any]) -> _Measured:
    stage = Stage(await attach())
    choice = {name: options[name] for name in ("seed", "each", "unseen", "thorough")}
    try:
        await stage.spend_at_most(options["usd"])
        wrongs = [wrong for scenario in await stage.build() for wrong in wrong_answers(scenario, seed=1)]
        marks = [mark async for mark in evaluate(stage, **choice)]
        voices = stage.voices if stage.supervisor.provider is not None else None
        return _Measured(marks, recall_on(wrongs), voices)
    finally:
        await detach()
