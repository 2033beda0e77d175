"""A rewrite to findings, each with what it costs by the engine's models. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from exercises.kinds.base import Grade, Measure, PredictionOutcome, Unit, numbered
from exercises.kinds.prompt_rewrite.answer import RewriteAnswer, check_answer
from exercises.kinds.prompt_rewrite.estimate import Draftsheet, as_found, reference, work_out
from exercises.kinds.prompt_rewrite.findings import text_findings
from exercises.kinds.prompt_rewrite.settings import setting_findings
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
    findings = numbered([*text_findings(spec, sheets.theirs), *setting_findings(spec, sheets.theirs, seed)])
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
    labels = {
        "shown_seconds": _("Time until the first useful words are seen"),
        "ttft_seconds": _("Time to first token"),
        "total_seconds": _("Time of the whole call"),
    }
    times = [_measure(sheets, key, label, "s") for key, label in labels.items()]
    cost = _measure(sheets, "thousand_calls_usd", _("Cost of a thousand calls"), "usd")
    found, theirs, best = (float(len(s.reading.kept)) for s in (sheets.found, sheets.theirs, sheets.best))
    kept = Measure(
        key="rules_kept",
        label=_("Rules kept"),
        as_found=found,
        theirs=theirs,
        best=best,
        unit="count",
        better="higher",
    )
    return (*times, cost, kept)


def _measure(sheets: Sheets, key: str, label: str, unit: Unit) -> Measure:
    """One number of the three estimates."""
    found, theirs, best = (getattr(s.estimate, key) for s in (sheets.found, sheets.theirs, sheets.best))
    return Measure(key=key, label=label, as_found=found, theirs=theirs, best=best, unit=unit)


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
