"""A rewrite to findings, each with what it costs by the engine's models. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from exercises.kinds.base import Grade, Measure, PredictionOutcome, numbered
from exercises.kinds.prompt_rewrite.answer import RewriteAnswer, check_answer
from exercises.kinds.prompt_rewrite.estimate import Draftsheet, as_found, reference, work_out
from exercises.kinds.prompt_rewrite.findings import setting_findings, text_findings
from exercises.kinds.prompt_rewrite.spec import RewriteSpec

GRADER_VERSION = "prompt-rewrite-1"
PASS_AT = 0.8
PENALTIES: Mapping[str, float] = {
    "rule-lost": 0.25,
    "accuracy-lost": 0.3,
    "reasoning-not-worth-it": 0.25,
    "tier-too-large": 0.25,
    "task-not-first": 0.15,
    "background-before-task": 0.15,
    "no-schema": 0.15,
    "no-length-bound": 0.1,
    "not-streamed": 0.1,
}
"""What one mistake costs of a whole mark; a lost rule costs it again for each rule, up to twice."""


@dataclass(frozen=True, slots=True)
class Sheets:
    """The prompt as found, the learner's rewrite and the author's, each worked out."""

    found: Draftsheet
    theirs: Draftsheet
    best: Draftsheet


def all_sheets(spec: RewriteSpec, answer: RewriteAnswer, seed: int) -> Sheets:
    """The three. The best is the author's, or theirs where that is faster and has all rules."""
    theirs, authors = work_out(spec, answer, seed), work_out(spec, reference(spec), seed)
    faster = theirs.estimate.total_seconds < authors.estimate.total_seconds and not theirs.reading.lost
    return Sheets(work_out(spec, as_found(spec), seed), theirs, theirs if faster else authors)


def grade_rewrite(
    spec: RewriteSpec, answer: RewriteAnswer, *, prediction: Mapping[str, Any] | None, seed: int
) -> Grade:
    """Judge a rewrite. Raises AnswerInvalid for a text that cannot be judged."""
    check_answer(spec, answer)
    sheets = all_sheets(spec, answer, seed)
    findings = numbered(
        [*text_findings(spec, sheets.theirs, seed), *setting_findings(spec, sheets.theirs, seed)]
    )
    counts = Counter(finding.code for finding in findings)
    lost = sum(
        PENALTIES[code] * (min(count, 2) if code == "rule-lost" else 1) for code, count in counts.items()
    )
    score = max(0.0, round(1.0 - lost, 4))
    return Grade(
        score=score,
        passed=score >= PASS_AT and not {"rule-lost", "accuracy-lost"} & set(counts),
        findings=findings,
        measures=_measures(sheets),
        grader_version=GRADER_VERSION,
        prediction=_outcome(prediction, sheets) if prediction else None,
    )


def _measures(sheets: Sheets) -> tuple[Measure, ...]:
    found, theirs, best = sheets.found.estimate, sheets.theirs.estimate, sheets.best.estimate
    return (
        Measure(
            key="shown_seconds",
            label=_("Time until the first useful words are seen"),
            as_found=found.shown_seconds,
            theirs=theirs.shown_seconds,
            best=best.shown_seconds,
            unit="s",
        ),
        Measure(
            key="ttft_seconds",
            label=_("Time to first token"),
            as_found=found.ttft_seconds,
            theirs=theirs.ttft_seconds,
            best=best.ttft_seconds,
            unit="s",
        ),
        Measure(
            key="total_seconds",
            label=_("Time of the whole call"),
            as_found=found.total_seconds,
            theirs=theirs.total_seconds,
            best=best.total_seconds,
            unit="s",
        ),
        Measure(
            key="thousand_calls_usd",
            label=_("Cost of a thousand calls"),
            as_found=found.thousand_calls_usd,
            theirs=theirs.thousand_calls_usd,
            best=best.thousand_calls_usd,
            unit="usd",
        ),
        Measure(
            key="rules_kept",
            label=_("Rules kept"),
            as_found=float(len(sheets.found.reading.kept)),
            theirs=float(len(sheets.theirs.reading.kept)),
            best=float(len(sheets.best.reading.kept)),
            unit="count",
            better="higher",
        ),
    )


def _outcome(prediction: Mapping[str, Any], sheets: Sheets) -> PredictionOutcome | None:
    """The guess beside what came out; close within 30 %."""
    guess = prediction.get("total_seconds")
    if guess is None:
        return None
    before, after = sheets.found.estimate.total_seconds, sheets.theirs.estimate.total_seconds
    words = _("%(seconds)s s, %(times)s times as fast")
    return PredictionOutcome(
        asked=_("The prompt as found takes %(seconds)s s. How long will a call take after your rewrite?")
        % {"seconds": f"{before:.1f}"},
        given=words % {"seconds": f"{float(guess):.2f}", "times": _times(before, float(guess))},
        actual=words % {"seconds": f"{after:.2f}", "times": _times(before, after)},
        close=abs(float(guess) - after) <= 0.3 * after,
    )


def _times(before: float, after: float) -> str:
    return f"{before / after:.1f}" if after > 0 else "∞"
