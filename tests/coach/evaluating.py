"""The shipped exercises as the evaluation sees them, without a database."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import yaml

from coach.evaluation.leaking import Desk, desk_at
from coach.evaluation.submissions import Scenario, scenario_of
from coach.queries import Authored
from coach.replies.plainness import course_of
from coach.replies.situation import Words
from exercises.kinds import kind_named

EXERCISES = Path(__file__).resolve().parents[2] / "fixtures" / "agent-latency" / "exercises"
SHIPPED = ("travel-agent", "legal-review", "slow-prompt")


@lru_cache(maxsize=8)
def shipped_desk(slug: str) -> Desk:
    """With the authors' words, and what the exercise's page and its lesson say."""
    authored = yaml.safe_load((EXERCISES / f"{slug}.yaml").read_text())
    hints = {row["finding_code"]: dict(enumerate(row["rungs"], start=1)) for row in authored["hints"]}
    beliefs = {row["finding_code"]: (row,) for row in authored["misconceptions"]}
    lesson = (EXERCISES.parent / "lessons" / f"{authored['lesson']}.md").read_text()
    scenario = shipped_scenario(slug)
    texts = (lesson, authored["brief"], kind_named(scenario.kind).scenario(scenario.spec))
    words = Words(authored=Authored(hints=hints, misconceptions=beliefs))
    return desk_at(scenario, course=course_of(texts), words=words)


@lru_cache(maxsize=8)
def shipped_scenario(slug: str) -> Scenario:
    kind = yaml.safe_load((EXERCISES / f"{slug}.yaml").read_text())["kind"]
    spec = yaml.safe_load((EXERCISES / f"{slug}.spec.yaml").read_text())["spec"]
    return scenario_of(slug, kind, spec)
