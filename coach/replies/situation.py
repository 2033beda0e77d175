"""What a reply knows: the attempt, what changed since the one before, the ladder, the authored words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from coach.ladder import Rung, Step, step_for_attempt
from coach.material import Changes
from coach.queries import Attempt, Attempts, Authored
from coach.replies.telling import findings_in
from exercises.kinds.base import Finding

FINDINGS_MAX = 3


def changes_in(attempts: Attempts) -> Changes:
    if attempts.latest is None:
        return Changes()
    now = {finding.key: finding for finding in findings_in(attempts.latest)}
    if attempts.before is None:
        return Changes(fresh=tuple(now.values()))
    before = {finding.key: finding for finding in findings_in(attempts.before)}
    return Changes(
        before_number=attempts.before.number,
        mended=tuple(finding for key, finding in before.items() if key not in now),
        fresh=tuple(finding for key, finding in now.items() if key not in before),
        staying=tuple(finding for key, finding in now.items() if key in before),
        better=tuple(_better_measures(attempts.before, attempts.latest)),
    )


def _better_measures(before: Attempt, now: Attempt) -> Iterator[tuple[str, float, float, str]]:
    earlier = {measure["key"]: measure for measure in before.measures}
    for measure in now.measures:
        old = earlier.get(measure["key"])
        if old is None:
            continue
        gain = old["theirs"] - measure["theirs"]
        gain = gain if measure.get("better", "lower") == "lower" else -gain
        if gain > abs(old["theirs"]) * 0.02:
            yield (measure["label"], old["theirs"], measure["theirs"], measure["unit"])


def steps_now(attempts: Attempts, steps: Mapping[str, Step], changes: Changes) -> dict[str, Step]:
    """The ladder after this attempt, for the findings that the reply speaks about."""
    staying = {finding.key for finding in changes.staying}
    shown = findings_in(attempts.latest)[:1]
    return {
        finding.key: step_for_attempt(
            steps.get(finding.key, Step(finding_key=finding.key)), seen_before=finding.key in staying
        )
        for finding in shown
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """Authored words about findings, with the learner's own place put in."""

    authored: Authored = field(default_factory=lambda: Authored(hints={}, misconceptions={}))
    looked_up: Mapping[str, str] = field(default_factory=dict)

    def hint(self, finding: Finding, rung: Rung) -> str:
        text = self.authored.hints.get(finding.code, {}).get(int(rung), "")
        return text.replace("{place}", finding.place_label)

    def belief(self, finding: Finding) -> str:
        return next((str(row["statement"]) for row in self._beliefs(finding)), "")

    def explanation(self, finding: Finding) -> str:
        return next((str(row["explanation"]) for row in self._beliefs(finding)), "")

    def passage(self, finding: Finding) -> str:
        """The lesson passage that explains it: the finding's own, else the misconception's."""
        return (
            self.looked_up.get(finding.key)
            or finding.passage
            or next((str(row["passage"]) for row in self._beliefs(finding)), "")
        )

    def _beliefs(self, finding: Finding) -> tuple[Mapping[str, Any], ...]:
        return self.authored.misconceptions.get(finding.code, ())

    def instead(self, finding: Finding, rung: Rung) -> list[str]:
        """What may stand in for a sentence that the guard stopped: hints of this rung, then of lower ones."""
        rungs = [each for each in reversed(Rung) if each <= min(rung, Rung.EXAMPLE)]
        return [text for text in (self.hint(finding, each) for each in rungs) if text]
