"""The shipped exercises as the evaluation sees them, without a database."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import yaml

from coach.evaluation.submissions import Scenario, scenario_of

EXERCISES = Path(__file__).resolve().parents[2] / "fixtures" / "agent-latency" / "exercises"
SHIPPED = ("travel-agent", "legal-review", "slow-prompt")


@lru_cache(maxsize=8)
def shipped_scenario(slug: str) -> Scenario:
    kind = yaml.safe_load((EXERCISES / f"{slug}.yaml").read_text())["kind"]
    spec = yaml.safe_load((EXERCISES / f"{slug}.spec.yaml").read_text())["spec"]
    return scenario_of(slug, kind, spec)
