"""The built-in coach: words from findings, authored hints and lesson passages. No model, no key, no network.

Every function is pure: facts in, sentences out. Numbers come from the grader or from a count of its findings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from coach.ladder import Rung
from coach.material import Changes
from coach.providers.builtin_kinds import name_of, questions_of
from coach.queries import Attempt
from exercises.kinds.base import Finding
from lessons.figures.text import listed, seconds_text, share_text, tokens_text, usd_text

NAME = "built-in"


def amount(value: float, unit: str) -> str:
    """A measure's number with its unit, as the pictures write it."""
    writers = {"s": seconds_text, "usd": usd_text, "ratio": share_text, "tokens": tokens_text}
    return writers[unit](value) if unit in writers else f"{value:g}"


def inside(label: str) -> str:
    """A label in the middle of a sentence: its capital goes, unless it is a name or an abbreviation."""
    return label[:1].lower() + label[1:] if label[1:2].islower() else label


def opening(attempt: Attempt, changes: Changes) -> str:
    """What got better or worse since the last attempt; on a first one, what the run measured."""
    if not changes.before_number:
        return _first_look(attempt)
    if changes.fresh and not (changes.staying or changes.mended):
        return _worse(changes)
    since = _since(attempt, changes)
    return f"{since} {_newly_marked(changes.fresh)}" if changes.fresh else since


def _worse(changes: Changes) -> str:
    """Nothing was marked in the attempt before."""
    return ngettext(
        "Attempt %(number)s passed every check; %(count)s thing is marked now.",
        "Attempt %(number)s passed every check; %(count)s things are marked now.",
        len(changes.fresh),
    ) % {"number": changes.before_number, "count": len(changes.fresh)}


def _newly_marked(fresh: Sequence[Finding]) -> str:
    # By their places: what kind of fault it is would tell more than the ladder's first rung.
    named = listed([finding.place_label for finding in fresh[:2]])
    if len(fresh) > 2:
        return _("Newly marked: %(count)s things, among them %(things)s.") % {
            "count": len(fresh),
            "things": named,
        }
    return _("Newly marked: %(things)s.") % {"things": named}


def _since(attempt: Attempt, changes: Changes) -> str:
    """What became of what was marked before."""
    if changes.mended:
        return _mended(changes)
    if changes.better:
        label, before, now, unit = changes.better[0]
        return _("Since attempt %(number)s, %(label)s went from %(before)s to %(now)s.") % {
            "number": changes.before_number,
            "label": inside(label),
            "before": amount(before, unit),
            "now": amount(now, unit),
        }
    if not attempt.findings:
        return _("Attempt %(number)s still passes every check.") % {"number": attempt.number}
    return _("Compared with attempt %(number)s, what was marked is still there.") % {
        "number": changes.before_number
    }


def _mended(changes: Changes) -> str:
    values = {
        "number": changes.before_number,
        "count": len(changes.mended),
        "things": listed([name_of(finding) for finding in changes.mended[:2]]),
    }
    if len(changes.mended) > 2:
        return (
            _("Better than attempt %(number)s: %(count)s things are put right, among them %(things)s.")
            % values
        )
    return (
        ngettext(
            "Better than attempt %(number)s: %(things)s is put right.",
            "Better than attempt %(number)s: %(things)s are put right.",
            len(changes.mended),
        )
        % values
    )


def _first_look(attempt: Attempt) -> str:
    measure = next((each for each in attempt.measures if each["theirs"] != each["as_found"]), None)
    if measure is None:
        return _("Your first attempt has run.")
    lower = measure.get("better", "lower") == "lower"
    gained = (measure["theirs"] < measure["as_found"]) is lower
    values = {
        "label": measure["label"],
        "theirs": amount(measure["theirs"], measure["unit"]),
        "found": amount(measure["as_found"], measure["unit"]),
    }
    if gained:
        return _("%(label)s: %(theirs)s, against %(found)s as found.") % values
    return _("%(label)s: %(theirs)s; as found it was %(found)s.") % values


def surprise(prediction: Mapping[str, Any] | None) -> str:
    """A prediction that missed, if one was made."""
    if not prediction or prediction.get("close") or not prediction.get("given"):
        return ""
    return _("You predicted %(given)s; it came out as %(actual)s.") % {
        "given": prediction["given"],
        "actual": prediction["actual"],
    }


def count_of(findings: Sequence[Finding]) -> str:
    return ngettext("%(n)s place is marked.", "%(n)s places are marked.", len(findings)) % {
        "n": len(findings)
    }


def others(findings: Sequence[Finding], total: int) -> str:
    """The findings that wait: named, not discussed."""
    named = listed(
        [
            _("%(place)s (%(number)s)") % {"place": each.place_label, "number": each.number}
            for each in findings
        ]
    )
    rest = total - len(findings) - 1
    if rest > 0:
        return ngettext(
            "Also marked: %(named)s, and %(rest)s more.", "Also marked: %(named)s, and %(rest)s more.", rest
        ) % {"named": named, "rest": rest}
    return _("Also marked: %(named)s.") % {"named": named}


def belief(statement: str) -> str:
    return _("A common reason for this: “%(thought)s”") % {"thought": statement}


def question_about(finding: Finding) -> str:
    """A guiding question that fits a kind of fault; the authored one follows on the ladder's second rung."""
    return (
        questions_of(finding)[0]
        or {
            "wrong": _("What has to exist at that moment for the result to be right?"),
            "slow": _("What is being waited for there, and who reads it?"),
            "costly": _("What is paid for there, and what does it bring back?"),
            "risk": _("In which case would that go wrong first?"),
        }[finding.severity]
    )


def second_question_about(finding: Finding) -> str:
    """Another one, for when the first has been asked."""
    return questions_of(finding)[1] or {
        "wrong": _("If you traced one value from its source to “%(place)s”, where would it be missing?"),
        "slow": _("If “%(place)s” were gone from the picture, what could begin earlier?"),
        "costly": _("Over a whole day, how often is “%(place)s” paid for, and who profits?"),
        "risk": _("Which case would you try first to see “%(place)s” go wrong?"),
    }[finding.severity] % {"place": finding.place_label.strip("“”")}


def fresh_question(finding: Finding, authored: str, *, said: Sequence[str]) -> str:
    """The authored question, if there is one, else a general one; another when it was asked before."""
    choices = [text for text in (authored, question_about(finding), second_question_about(finding)) if text]
    return next((text for text in choices if text not in said), choices[0])


def action_for(finding: Finding, rung: Rung) -> str:
    if rung is Rung.ANSWER:
        return _("Make that change, say to yourself why it works, and run it again.")
    if rung >= Rung.CONCEPT:
        return _("Read that passage, change this one place, and run it again.")
    return _("Decide on one change there, predict what it does, and run it again.")


def still_there(finding: Finding) -> str:
    return _("Still open: %(place)s.") % {"place": finding.place_label}


def answer_given() -> str:
    return _("You asked to be shown it, so this item does not count as mastered.")


def passed(attempt: Attempt) -> str:
    measure = next(iter(attempt.measures), None)
    if measure is None:
        return _("This passes every check.")
    return _("This passes every check (%(label)s: %(theirs)s; best possible: %(best)s).") % {
        "label": inside(measure["label"]),
        "theirs": amount(measure["theirs"], measure["unit"]),
        "best": amount(measure["best"], measure["unit"]),
    }


def question_after_passing(attempt: Attempt) -> str:
    measure = next(iter(attempt.measures), None)
    if measure is None:
        return _("Which of your decisions made the difference, and why?")
    return _("Which of your decisions changed “%(label)s” the most, and why?") % {
        "label": inside(measure["label"])
    }


def action_after_passing() -> str:
    return _("Say it in one sentence, then compare this attempt with your first one.")


def neutral(finding: Finding) -> str:
    """When nothing else may be said: the place, and no more."""
    return _("Look once more at what is marked %(number)s.") % {"number": finding.number}
