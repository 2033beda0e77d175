"""A course's exercises as files: exercises/<slug>.yaml and, for machines to write, <slug>.spec.yaml.

Loading twice changes nothing, and never overwrites what people edited: an exercise remembers the fingerprint
it was loaded with, and one that no longer has it belongs to its editor. Export gives the files back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, Field
from pydantic import ValidationError as PydanticError

from exercises.actions import publish_exercise
from exercises.kinds import UnknownKind, kind_named
from exercises.models import Exercise, Hint, Misconception, Rung
from exercises.publishing import NotPublishable, describe, digest_of
from lessons.loading import CourseFolderError, LoadReport, dump_yaml
from lessons.models import Course, Lesson

SPEC_SUFFIX = ".spec.yaml"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class MisconceptionPart(_Part):
    finding_code: str
    statement: str
    explanation: str
    passage: str = ""


class HintsPart(_Part):
    """The texts of a finding's rungs from the first on; an empty text is a rung without a hint."""

    finding_code: str
    rungs: tuple[str, ...] = Field(max_length=len(Rung))


class ExerciseFile(_Part):
    """Both files of an exercise, merged."""

    slug: str
    lesson: str
    kind: str
    position: int = Field(default=0, ge=0)
    title: str = Field(min_length=1)
    summary: str = ""
    brief: str
    spec: dict[str, Any]
    wrong_answers: tuple[dict[str, Any], ...] = ()
    misconceptions: tuple[MisconceptionPart, ...] = ()
    hints: tuple[HintsPart, ...] = ()


@transaction.atomic
def load_exercises(folder: Path, report: LoadReport) -> None:
    """Load or refresh the exercises of a course folder; all of them or, with CourseFolderError, none."""
    for path in sorted((folder / "exercises").glob("*.yaml")):
        if not path.name.endswith(SPEC_SUFFIX):
            _load(path, _read(path), report)


def export_exercises(course: Course, folder: Path) -> None:
    """Write the exercises as their authors have them now; loading them elsewhere gives the same exercises."""
    target = folder / "exercises"
    target.mkdir(parents=True, exist_ok=True)
    for exercise in Exercise.objects.filter(lesson__course=course).select_related("lesson"):
        content = _content_of(exercise)
        machine = {name: content.pop(name) for name in ("spec", "wrong_answers")}
        (target / f"{exercise.slug}.yaml").write_text(dump_yaml(content), encoding="utf-8")
        (target / f"{exercise.slug}{SPEC_SUFFIX}").write_text(dump_yaml(machine), encoding="utf-8")


def course_named(slug: str) -> Course | None:
    return Course.objects.filter(slug=slug).first()


def _load(path: Path, file: ExerciseFile, report: LoadReport) -> None:
    exercise = Exercise.objects.select_for_update().filter(slug=file.slug).first()
    content = _content_in(file)
    wanted = digest_of(content)
    if exercise is None:
        report.made.append(file.slug)
    elif exercise.loaded_digest == wanted:
        report.same.append(file.slug)
        return
    elif digest_of(_content_of(exercise)) != exercise.loaded_digest:
        report.kept.append(file.slug)
        return
    else:
        report.updated.append(file.slug)
    exercise = exercise or Exercise(slug=file.slug)
    exercise.loaded_digest = wanted
    try:
        _write(exercise, content)
        publish_exercise(exercise=exercise)
    except (NotPublishable, ValidationError) as error:
        raise CourseFolderError("\n".join(f"{path.name}: {message}" for message in error.messages)) from error


def _write(exercise: Exercise, content: Mapping[str, Any]) -> None:
    exercise.lesson = _lesson(content["lesson"])
    for name in ("kind", "position", "title", "summary", "brief", "spec", "wrong_answers"):
        setattr(exercise, name, content[name])
    exercise.full_clean(validate_unique=False)
    exercise.save()
    exercise.misconceptions.all().delete()
    exercise.hints.all().delete()
    _store(Misconception(exercise=exercise, **part) for part in content["misconceptions"])
    _store(
        Hint(exercise=exercise, finding_code=part["finding_code"], rung=rung, text=text)
        for part in content["hints"]
        for rung, text in enumerate(part["rungs"], start=1)
        if text
    )


def _store(rows: Iterable[Misconception | Hint]) -> None:
    for row in rows:
        row.full_clean(exclude=["exercise"], validate_unique=False, validate_constraints=False)
        row.save()


def _lesson(slug: str) -> Lesson:
    lesson = Lesson.objects.filter(slug=slug).first()
    if lesson is None:
        raise ValidationError(_("There is no lesson “%(slug)s”.") % {"slug": slug})
    return lesson


def _content_in(file: ExerciseFile) -> dict[str, Any]:
    """What a file says, in the one form in which it is compared and exported."""
    content = file.model_dump(mode="json")
    content["misconceptions"].sort(key=lambda part: (part["finding_code"], part["statement"]))
    content["hints"].sort(key=lambda part: str(part["finding_code"]))
    for part in content["hints"]:
        part["rungs"] = _without_end(part["rungs"])
    return content


def _content_of(exercise: Exercise) -> dict[str, Any]:
    """The same of a row."""
    plain = ("kind", "position", "title", "summary", "brief")
    wordings: dict[str, list[str]] = {}
    for hint in exercise.hints.order_by("finding_code", "rung"):
        wordings.setdefault(hint.finding_code, [""] * len(Rung))[hint.rung - 1] = hint.text
    fields = ("finding_code", "statement", "explanation", "passage")
    return {
        "slug": exercise.slug,
        "lesson": exercise.lesson.slug,
        **{name: getattr(exercise, name) for name in plain},
        "spec": exercise.spec,
        "wrong_answers": exercise.wrong_answers,
        "misconceptions": list(exercise.misconceptions.order_by("finding_code", "statement").values(*fields)),
        "hints": [{"finding_code": code, "rungs": _without_end(texts)} for code, texts in wordings.items()],
    }


def _without_end(texts: list[str]) -> list[str]:
    """Without the empty texts at the end."""
    while texts and not texts[-1]:
        texts = texts[:-1]
    return texts


def _read(path: Path) -> ExerciseFile:
    spec = path.with_name(f"{path.stem}{SPEC_SUFFIX}")
    data = _mapping(path) | (_mapping(spec) if spec.exists() else {})
    try:
        file = ExerciseFile.model_validate(data)
        kind = kind_named(file.kind)
        normal = kind.Spec.model_validate(file.spec).model_dump(mode="json")
    except PydanticError as error:
        raise CourseFolderError(f"{path.name}: {describe(error)}") from error
    except UnknownKind as error:
        raise CourseFolderError(_("%(file)s: there is no such kind.") % {"file": path.name}) from error
    return file.model_copy(update={"spec": normal})


def _mapping(path: Path) -> dict[str, Any]:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError, ValueError, RecursionError) as error:
        raise CourseFolderError(f"{path.name}: {error}") from error
    if not isinstance(data, dict):
        raise CourseFolderError(_("%(file)s is not a mapping.") % {"file": path.name})
    return data
