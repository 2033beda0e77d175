"""A plan to findings, each with the evidence of running it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from exercises.kinds.base import Finding, Grade, Measure, PredictionOutcome, numbered
from exercises.kinds.dispatch_plan.answer import PlanAnswer, check_answer
from exercises.kinds.dispatch_plan.choices import fan_in_findings, speculation_findings
from exercises.kinds.dispatch_plan.design import Run, best_plan, run_plan, run_sequential
from exercises.kinds.dispatch_plan.edges import (
    loop_findings,
    missing_findings,
    needless_findings,
    ring_findings,
    ring_in,
)
from exercises.kinds.dispatch_plan.spec import PlanSpec, varied
from lessons.figures.text import seconds_text

GRADER_VERSION = "dispatch-plan-2"
PASS_AT = 0.9
PENALTIES: Mapping[str, float] = {
    "cycle": 1.0,
    "missing-dependency": 0.4,
    "needless-dependency": 0.2,
    "blocking-on-loop": 0.15,
    "fan-in-outweighs": 0.15,
    "fan-in-waits": 0.12,
    "speculation-missed": 0.1,
    "speculation-not-worth-it": 0.1,
    "tier-too-large": 0.08,
}
"""What one kind of mistake costs of a whole mark; each further one of the same kind costs `AGAIN`.

Right arrows alone are worth 0.4, so that a first good step shows in the marks before any decision is made.
"""
AGAIN = 0.05


@dataclass(frozen=True, slots=True)
class Runs:
    """One scenario three times: one thing after the other, the learner's plan (None: it cannot run), the
    best."""

    sequential: Run
    theirs: Run | None
    best: Run


def run_all(spec: PlanSpec, answer: PlanAnswer, seed: int = 0) -> Runs:
    """The three runs of a spec that has been varied already."""
    theirs = None if ring_in(spec, answer) else run_plan(spec, answer, seed=seed)
    return Runs(run_sequential(spec, seed=seed), theirs, run_plan(spec, best_plan(spec), seed=seed))


def grade_plan(
    spec: PlanSpec, answer: PlanAnswer, *, prediction: Mapping[str, Any] | None, seed: int
) -> Grade:
    """Judge a plan. Raises AnswerInvalid for one that does not belong to the spec."""
    check_answer(spec, answer)
    spec = varied(spec, seed)
    runs = run_all(spec, answer, seed)
    findings = numbered(_findings(spec, answer, runs.theirs))
    score = _score(findings)
    return Grade(
        score=score,
        passed=score >= PASS_AT and not any(finding.severity == "wrong" for finding in findings),
        findings=findings,
        measures=_measures(runs),
        grader_version=GRADER_VERSION,
        prediction=_outcome(spec, prediction, runs.theirs) if prediction else None,
    )


def _findings(spec: PlanSpec, answer: PlanAnswer, run: Run | None) -> list[Finding]:
    return [
        *ring_findings(spec, answer),
        *missing_findings(spec, answer, run),
        *needless_findings(spec, answer, run),
        *loop_findings(spec, answer, run),
        *speculation_findings(spec, answer),
        *fan_in_findings(spec, answer),
    ]


def _score(findings: tuple[Finding, ...]) -> float:
    codes = [finding.code for finding in findings]
    lost = sum(PENALTIES[code] for code in set(codes)) + AGAIN * (len(codes) - len(set(codes)))
    return max(0.0, round(1.0 - lost, 4))


def _measures(runs: Runs) -> tuple[Measure, ...]:
    """None for a plan that cannot run: there is nothing to measure."""
    if runs.theirs is None:
        return ()
    found, theirs, best = runs.sequential.spread, runs.theirs.spread, runs.best.spread
    return (
        Measure(
            key="p50",
            label=_("Whole answer, median"),
            as_found=found.p50,
            theirs=theirs.p50,
            best=best.p50,
            unit="s",
        ),
        Measure(
            key="p95",
            label=_("Whole answer, 95th percentile"),
            as_found=found.p95,
            theirs=theirs.p95,
            best=best.p95,
            unit="s",
        ),
        Measure(
            key="first_output",
            label=_("First meaningful words, median"),
            as_found=found.first_output_p50,
            theirs=theirs.first_output_p50,
            best=best.first_output_p50,
            unit="s",
        ),
        Measure(
            key="cost_usd",
            label=_("Cost of an answer, mean"),
            as_found=found.mean_cost_usd,
            theirs=theirs.mean_cost_usd,
            best=best.mean_cost_usd,
            unit="usd",
        ),
        Measure(
            key="wasted_seconds",
            label=_("Work thrown away, mean"),
            as_found=found.mean_wasted_seconds,
            theirs=theirs.mean_wasted_seconds,
            best=best.mean_wasted_seconds,
            unit="s",
        ),
    )


def _outcome(spec: PlanSpec, prediction: Mapping[str, Any], run: Run | None) -> PredictionOutcome | None:
    """The guess beside what came out; close with the right chain and within 15 % of the time."""
    last, seconds = prediction.get("last"), prediction.get("seconds")
    if last is None or seconds is None:
        return None
    given = _chain_words(spec, str(last), float(seconds))
    asked = _("Which chain sets the time, and how long will your plan take?")
    if run is None:
        return PredictionOutcome(asked=asked, given=given, actual=_("It never starts."), close=False)
    actual = last_of_chain(spec, run)
    makespan = run.trace.makespan
    close = last == actual and abs(float(seconds) - makespan) <= 0.15 * makespan
    return PredictionOutcome(
        asked=asked, given=given, actual=_chain_words(spec, actual, makespan), close=close
    )


def last_of_chain(spec: PlanSpec, run: Run) -> str:
    """The task of the critical chain that stands just before the fan-in; "" where there is none."""
    chain = [name for name in run.trace.critical_tasks if name != spec.fan_in.name]
    return chain[-1] if chain else ""


def _chain_words(spec: PlanSpec, last: str, seconds: float) -> str:
    label = spec.labels.get(last, _("no other task"))
    return _("the chain through “%(task)s”, %(seconds)s") % {"task": label, "seconds": seconds_text(seconds)}
