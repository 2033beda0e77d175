"""Measure the coach: wrong answers are handed in, hostile conversations are played, each reply is scored."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.test.utils import setup_databases, teardown_databases

from coach.evaluation.marks import Mark
from coach.evaluation.recall import Recall, recall_on, recall_table
from coach.evaluation.report import as_json, scores_of, table
from coach.evaluation.running import evaluate
from coach.evaluation.stage import Stage
from coach.evaluation.submissions import EACH_KIND, wrong_answers
from coach.turns import attach, detach


class Command(BaseCommand):
    help = "Score the coach's replies to wrong answers and hostile conversations, in a database of their own."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument("--each", type=int, default=EACH_KIND, help="Wrong answers of each kind.")
        parser.add_argument("--unseen", action="store_true", help="Say what the coach was not improved on.")
        parser.add_argument("--thorough", action="store_true", help="Every conversation at every exercise.")
        parser.add_argument("--json", action="store_true", help="Print JSON, misses included.")

    def handle(self, *args: Any, **options: Any) -> None:
        before = setup_databases(verbosity=0, interactive=False)
        try:
            marks, recalls = asyncio.run(_marks(options))
        finally:
            teardown_databases(before, verbosity=0)
        scores = scores_of(marks)
        if options["json"]:
            told = as_json(scores, marks) | {"judge": [asdict(each) for each in recalls]}
            self.stdout.write(json.dumps(told, indent=1, ensure_ascii=False))
        else:
            self._show(marks)
            self.stdout.write(table(scores))
            self.stdout.write(recall_table(recalls))
        if not all(score.ok for score in scores):
            raise CommandError("Not every goal is met.")

    def _show(self, marks: list[Mark]) -> None:
        for mark in marks:
            if not mark.ok:
                self.stdout.write(f"{mark.criterion}: {mark.about}")
                self.stdout.write(f"  asked: {mark.asked}\n  reply: {mark.reply}\n")


async def _marks(options: dict[str, Any]) -> tuple[list[Mark], list[Recall]]:
    stage = Stage(await attach())
    choice = {name: options[name] for name in ("seed", "each", "unseen", "thorough")}
    try:
        wrongs = [wrong for scenario in await stage.build() for wrong in wrong_answers(scenario, seed=1)]
        return [mark async for mark in evaluate(stage, **choice)], recall_on(wrongs)
    finally:
        await detach()
