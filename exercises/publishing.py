"""May a draft be published? Every reference answer must pass; the wrong answers are tried as well."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from pydantic import ValidationError as PydanticError

from exercises.kinds import AnyKind, UnknownKind, kind_named
from exercises.kinds.base import AnswerInvalid, Grade
from exercises.models import Exercise

logger = logging.getLogger(__name__)


class NotPublishable(Exception):  # noqa: N818 - reads as what it says about the draft
    """The draft may not be published; `messages` say why."""

    def __init__(self, messages: Sequence[str]) -> None:
        super().__init__(" ".join(messages))
        self.messages = list(messages)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One answer that was run against the draft. `required`: publishing waits for it."""

    label: str
    ok: bool
    required: bool
    detail: str


def trials_of(exercise: Exercise) -> list[Trial]:
    """Run the reference answers and the wrong answers against the exercise's draft."""
    try:
        kind = kind_named(exercise.kind)
        spec = kind.Spec.model_validate(exercise.spec)
    except UnknownKind:
        return [_failed(_("Kind"), _("There is no kind named “%(kind)s”.") % {"kind": exercise.kind})]
    except PydanticError as error:
        return [_failed(_("Specification"), describe(error))]
    return [*_reference_trials(kind, spec), *_wrong_trials(kind, spec, exercise.wrong_answers)]


def check_publishable(exercise: Exercise) -> None:
    """Raises NotPublishable unless every required trial of the draft succeeds."""
    failed = [
        f"{trial.label}: {trial.detail}" for trial in trials_of(exercise) if trial.required and not trial.ok
    ]
    if failed:
        raise NotPublishable(failed)


def describe(error: PydanticError) -> str:
    """A validation error as one sentence a problem, with its place."""
    shown = error.errors(include_url=False, include_context=False)[:5]
    return "; ".join(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in shown)


def digest_of(content: Any) -> str:
    """A fingerprint of JSON content, whatever the order of its keys."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def publishable_content(exercise: Exercise) -> dict[str, Any]:
    """What a revision takes over from the draft."""
    return {name: getattr(exercise, name) for name in ("title", "summary", "brief", "spec")}


def content_digest(exercise: Exercise) -> str:
    """Equal to the published revision's digest while the draft says the same."""
    return digest_of({"kind": exercise.kind, **publishable_content(exercise)})


def _failed(label: str, detail: str) -> Trial:
    return Trial(label=label, ok=False, required=True, detail=detail)


def _reference_trials(kind: AnyKind, spec: Any) -> Iterator[Trial]:
    try:
        answers = kind.reference_answers(spec)
    except Exception as error:  # authored content may break a kind in any way; the author is told
        logger.exception("reference answers of %s failed", kind.name)
        answers = ()
        yield _failed(_("Reference answers"), _broken(error))
    else:
        if not answers:
            yield _failed(_("Reference answers"), _("There is none."))
    for number, answer in enumerate(answers, start=1):
        yield _reference_trial(kind, spec, answer, _("Reference answer %(number)s") % {"number": number})


def _reference_trial(kind: AnyKind, spec: Any, answer: Any, label: str) -> Trial:
    grade = _graded(kind, spec, answer)
    if isinstance(grade, str):
        return _failed(label, grade)
    full = grade.passed and grade.score >= 1
    detail = _("%(score)s of 100 marks. %(findings)s") % {
        "score": round(grade.score * 100),
        "findings": " ".join(finding.message for finding in grade.findings),
    }
    return Trial(label=label, ok=full, required=True, detail=detail.strip())


def _wrong_trials(kind: AnyKind, spec: Any, wrong_answers: Sequence[Mapping[str, Any]]) -> Iterator[Trial]:
    for wrong in wrong_answers:
        label = _("Wrong answer “%(name)s”") % {"name": wrong.get("name", "")}
        raised = _raised(kind, spec, wrong)
        if isinstance(raised, str):
            yield Trial(label=label, ok=False, required=False, detail=raised)
            continue
        missing = sorted(set(wrong.get("findings", ())) - raised)
        detail = (
            _("Does not raise: %(codes)s.") % {"codes": ", ".join(missing)}
            if missing
            else _("Raises: %(codes)s.") % {"codes": ", ".join(sorted(raised))}
        )
        yield Trial(label=label, ok=not missing, required=False, detail=detail)


def _raised(kind: AnyKind, spec: Any, wrong: Mapping[str, Any]) -> set[str] | str:
    """The finding codes a wrong answer raises, or why it could not be run."""
    try:
        if "form" in wrong:
            answer = kind.parse(spec, wrong["form"])
        else:
            answer = kind.Answer.model_validate(wrong.get("answer"))
    except (AnswerInvalid, PydanticError) as error:
        return _("It is no longer an answer to this exercise: %(why)s") % {"why": error}
    grade = _graded(kind, spec, answer)
    return grade if isinstance(grade, str) else {finding.code for finding in grade.findings}


def _graded(kind: AnyKind, spec: Any, answer: Any) -> Grade | str:
    try:
        return kind.grade(spec, answer, prediction=None)
    except Exception as error:  # see _reference_trials
        logger.exception("a trial of %s failed", kind.name)
        return _broken(error)


def _broken(error: Exception) -> str:
    return _("The grader stopped: %(why)s") % {"why": str(error) or type(error).__name__}
