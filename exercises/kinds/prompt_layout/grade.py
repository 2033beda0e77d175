"""A design to findings, each with the evidence of the day it was run through. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.translation import gettext as _

from exercises.kinds.base import Grade, Measure, PredictionOutcome, Unit, numbered
from exercises.kinds.prompt_layout.answer import LayoutAnswer, check_answer
from exercises.kinds.prompt_layout.design import Bench, Run, found_and_best
from exercises.kinds.prompt_layout.economy import economy_findings
from exercises.kinds.prompt_layout.marks import mark_findings
from exercises.kinds.prompt_layout.order import label_findings, order_findings
from exercises.kinds.prompt_layout.spec import LayoutSpec

GRADER_VERSION = "prompt-layout-1"
PASS_AT = 0.8
PENALTIES: Mapping[str, float] = {
    "volatile-before-stable": 0.3,
    "no-breakpoint": 0.3,
    "user-in-shared-prefix": 0.25,
    "instructions-after-document": 0.25,
    "breakpoint-on-changing-block": 0.25,
    "ttl-against-gaps": 0.25,
    "warmup-misses": 0.15,
    "keepalive-costs-more": 0.15,
    "stability-mislabelled": 0.15,
    "below-minimum": 0.1,
}
"""What one mistake costs of a whole mark, however often it occurs."""


@dataclass(frozen=True, slots=True)
class Runs:
    """One spec's day three times: as found, under the learner's design, under the best."""

    found: Run
    theirs: Run
    best: Run


def run_all(spec: LayoutSpec, answer: LayoutAnswer, seed: int) -> tuple[Bench, Runs]:
    """The three runs. The best is never worse than theirs."""
    bench = Bench(spec, seed)
    theirs = bench.run(answer)
    found, best = found_and_best(spec, seed)
    return bench, Runs(found, theirs, min(best, theirs, key=lambda run: run.worth_usd))


def grade_layout(
    spec: LayoutSpec, answer: LayoutAnswer, *, prediction: Mapping[str, Any] | None, seed: int
) -> Grade:
    """Judge a design. Raises AnswerInvalid for one that the provider would refuse."""
    check_answer(spec, answer)
    bench, runs = run_all(spec, answer, seed)
    findings = numbered(
        [
            *order_findings(spec, runs.theirs),
            *mark_findings(spec, bench, runs.theirs, runs.best),
            *economy_findings(spec, bench, runs.theirs),
            *label_findings(spec, bench, answer),
        ]
    )
    score = max(0.0, round(1.0 - sum(PENALTIES[code] for code in {f.code for f in findings}), 4))
    return Grade(
        score=score,
        passed=score >= PASS_AT,
        findings=findings,
        measures=_measures(runs),
        grader_version=GRADER_VERSION,
        prediction=_outcome(prediction, runs.theirs) if prediction else None,
    )


def _measures(runs: Runs) -> tuple[Measure, ...]:
    return (
        _measure(runs, "hit_rate", _("Tokens read from the cache"), "ratio", better="higher"),
        _measure(runs, "ttft_p50", _("Time to first token, median"), "s"),
        _measure(runs, "ttft_p95", _("Time to first token, 95th percentile"), "s"),
        _measure(runs, "cost_usd", _("Cost of the day"), "usd"),
    )


def _measure(
    runs: Runs, key: str, label: str, unit: Unit, *, better: Literal["lower", "higher"] = "lower"
) -> Measure:
    """One number of the three days."""
    found, theirs, best = (getattr(run.day, key) for run in (runs.found, runs.theirs, runs.best))
    return Measure(key=key, label=label, as_found=found, theirs=theirs, best=best, unit=unit, better=better)


def _outcome(prediction: Mapping[str, Any], run: Run) -> PredictionOutcome | None:
    """The guess beside what came out; close within ten points of hit rate and a quarter of the cost."""
    rate, cost = prediction.get("hit_rate"), prediction.get("cost_usd")
    if rate is None or cost is None:
        return None
    actual = 100 * run.day.hit_rate
    close = abs(float(rate) - actual) <= 10 and abs(float(cost) - run.day.cost_usd) <= 0.25 * run.day.cost_usd
    words = _("%(rate)s %% from the cache, $%(cost)s for the day")
    return PredictionOutcome(
        asked=_("What share of the day's tokens will come from the cache, and what will the day cost?"),
        given=words % {"rate": f"{float(rate):.0f}", "cost": f"{float(cost):.2f}"},
        actual=words % {"rate": f"{actual:.0f}", "cost": f"{run.day.cost_usd:.2f}"},
        close=close,
    )
