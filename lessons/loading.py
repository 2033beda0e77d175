"""A course as a folder: course.yaml, lessons, glossary and answers. Loading twice changes nothing.

Export gives the folder back. Loading never overwrites what people edited: a row remembers the
fingerprint it was loaded with, and a row that no longer has it belongs to its editor.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from lessons.actions import publish_lesson
from lessons.models import AuthoredAnswer, Course, GlossaryTerm, Lesson
from lessons.queries import passage_exists

COURSE_FIELDS = {"slug", "title", "summary", "outcomes", "lessons"}
GLOSSARY_FIELDS = {"term", "definition", "passage"}
ANSWER_FIELDS = ("question", "also", "answer", "passage", "then", "against")
LESSON_FIELDS = {"title", "summary", "minutes", "claims", "coach_opening", "questions"}

_Row = Course | Lesson | GlossaryTerm | AuthoredAnswer


class CourseFolderError(Exception):
    """What is wrong with a course folder: the message begins with the file's name and line."""


@dataclass(slots=True)
class LoadReport:
    """What loading did, by name: one line each in the command's output."""

    made: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)  # edited by people since they were loaded
    same: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class LessonFile:
    slug: str
    position: int
    title: str
    summary: str
    minutes: int
    claims: tuple[str, ...]
    coach_opening: str
    coach_questions: str
    source: str


@transaction.atomic
def load_course(folder: Path) -> LoadReport:
    """Load or refresh a course; all of it or, with CourseFolderError, nothing."""
    report = LoadReport()
    data = _mapping(folder / "course.yaml", _text(folder / "course.yaml"), COURSE_FIELDS)
    course = _load_course_row(folder / "course.yaml", data, report)
    for position, slug in enumerate(data.get("lessons") or [], start=1):
        path = folder / "lessons" / f"{slug}.md"
        _load_lesson(course, _lesson_file(path, slug=str(slug), position=position), path, report)
    if (folder / "glossary.yaml").exists():
        _load_glossary(course, folder / "glossary.yaml", report)
    if (folder / "answers.yaml").exists():
        _load_answers(course, folder / "answers.yaml", report)
    return report


def export_course(course: Course, folder: Path) -> None:
    """Write the course as its authors have it now; loading the folder elsewhere gives the same course."""
    (folder / "lessons").mkdir(parents=True, exist_ok=True)
    lessons = list(course.lessons.order_by("position", "pk"))
    data = {
        "slug": course.slug,
        "title": course.title,
        "summary": course.summary,
        "outcomes": course.outcomes.splitlines(),
        "lessons": [lesson.slug for lesson in lessons],
    }
    (folder / "course.yaml").write_text(dump_yaml(data), encoding="utf-8")
    for lesson in lessons:
        (folder / "lessons" / f"{lesson.slug}.md").write_text(_lesson_markdown(lesson), encoding="utf-8")
    terms = [
        {name: row[name] for name in ("term", "definition", "passage")} for row in course.glossary.values()
    ]
    if terms:
        (folder / "glossary.yaml").write_text(dump_yaml(terms), encoding="utf-8")
    answers = [_answer_as_data(row) for row in course.answers.all()]
    if answers:
        (folder / "answers.yaml").write_text(dump_yaml(answers), encoding="utf-8")


def dump_yaml(data: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> str:
    plain = dict(data) if isinstance(data, Mapping) else [dict(row) for row in data]
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=110)


def fingerprint(*parts: Any) -> str:
    """The digest by which a loaded row is known to be untouched."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=True, sort_keys=True).encode()).hexdigest()


def _lesson_markdown(lesson: Lesson) -> str:
    front = {
        "title": lesson.title,
        "summary": lesson.summary,
        "minutes": lesson.minutes,
        "claims": list(lesson.claims),
        "coach_opening": lesson.coach_opening,
        "questions": _questions_as_data(lesson.coach_questions),
    }
    return f"---\n{dump_yaml(front)}---\n\n{lesson.source}\n"


def _answer_as_data(row: AuthoredAnswer) -> dict[str, Any]:
    data = {name: getattr(row, name) for name in ANSWER_FIELDS}
    return {name: value for name, value in {**data, "also": row.also.splitlines()}.items() if value}


def _load_course_row(path: Path, data: Mapping[str, Any], report: LoadReport) -> Course:
    slug, title = _required(path, data, "slug"), _required(path, data, "title")
    summary = str(data.get("summary") or "").strip()
    outcomes = "\n".join(str(line).strip() for line in data.get("outcomes") or [])
    course = Course.objects.select_for_update().filter(slug=slug).first()
    course = course or Course(slug=slug, position=Course.objects.count() + 1)
    wanted = fingerprint(title, summary, outcomes)
    if _is_due(course, wanted=wanted, found=_course_fingerprint(course), name=slug, report=report):
        course.title, course.summary, course.outcomes = title, summary, outcomes
        course.loaded_digest = wanted
        _store(path, course)
    return course


def _course_fingerprint(course: Course) -> str:
    return fingerprint(course.title, course.summary, course.outcomes)


def _load_lesson(course: Course, file: LessonFile, path: Path, report: LoadReport) -> None:
    lesson = Lesson.objects.select_for_update().filter(slug=file.slug).first()
    lesson = lesson or Lesson(course=course, slug=file.slug)
    if lesson.course_id != course.pk:
        raise CourseFolderError(
            _("%(file)s: another course has a lesson of this name.") % {"file": path.name}
        )
    wanted = _fingerprint(file)
    if _is_due(lesson, wanted=wanted, found=_fingerprint(lesson), name=file.slug, report=report):
        _write_lesson(lesson, file, path, digest=wanted)


def _load_glossary(course: Course, path: Path, report: LoadReport) -> None:
    known = {row.term: row for row in course.glossary.all()}
    for data in _yaml(path, _text(path)) or []:
        _check_mapping(path, data, GLOSSARY_FIELDS)
        term, definition = _required(path, data, "term"), _required(path, data, "definition")
        passage = str(data.get("passage") or "")
        row = known.setdefault(term, GlossaryTerm(course=course, term=term))
        wanted = fingerprint(definition, passage)
        if _is_due(
            row, wanted=wanted, found=fingerprint(row.definition, row.passage), name=term, report=report
        ):
            row.definition, row.passage, row.loaded_digest = definition, passage, wanted
            _store(path, row)


def _load_answers(course: Course, path: Path, report: LoadReport) -> None:
    known = {row.question: row for row in course.answers.all()}
    for data in _yaml(path, _text(path)) or []:
        texts = _answer_texts(path, data)
        row = known.setdefault(texts["question"], AuthoredAnswer(course=course, question=texts["question"]))
        wanted, found = fingerprint(texts), fingerprint({name: getattr(row, name) for name in texts})
        if _is_due(row, wanted=wanted, found=found, name=row.question, report=report):
            _check_passages(path, texts)
            for name, text in texts.items():
                setattr(row, name, text)
            row.loaded_digest = wanted
            _store(path, row)


def _answer_texts(path: Path, data: Any) -> dict[str, str]:
    """The fields of one answer as they are stored: other ways of asking it are lines."""
    _check_mapping(path, data, set(ANSWER_FIELDS))
    also = data.get("also") or []
    if not isinstance(also, list):
        raise CourseFolderError(_("%(file)s: “also” is a list of questions.") % {"file": path.name})
    texts = {name: _required(path, data, name) for name in ("question", "answer", "passage", "then")}
    lines = "\n".join(str(line).strip() for line in also)
    return {**texts, "also": lines, "against": str(data.get("against") or "").strip()}


def _check_passages(path: Path, texts: Mapping[str, str]) -> None:
    for passage in filter(None, (texts["passage"], texts["against"])):
        if not passage_exists(passage):
            values = {"file": path.name, "question": texts["question"], "passage": passage}
            raise CourseFolderError(_("%(file)s: “%(question)s”: there is no section %(passage)s.") % values)


def _is_due(row: _Row, *, wanted: str, found: str, name: str, report: LoadReport) -> bool:
    """Whether a row is to be written from its file; the report says what becomes of it."""
    if row._state.adding:
        report.made.append(name)
    elif row.loaded_digest == wanted:
        report.same.append(name)
        return False
    elif row.loaded_digest != found:
        report.kept.append(name)
        return False
    else:
        report.updated.append(name)
    return True


def _write_lesson(lesson: Lesson, file: LessonFile, path: Path, *, digest: str) -> None:
    lesson.position, lesson.title, lesson.summary = file.position, file.title, file.summary
    lesson.minutes, lesson.claims, lesson.source = file.minutes, list(file.claims), file.source
    lesson.coach_opening, lesson.coach_questions = file.coach_opening, file.coach_questions
    lesson.loaded_digest = digest
    _store(path, lesson)
    try:
        publish_lesson(lesson=lesson)
    except ValidationError as error:
        # Lines count from the text on, as they do in the admin.
        raise CourseFolderError("\n".join(f"{path.name}, text: {line}" for line in error.messages)) from error


def _store(path: Path, row: _Row) -> None:
    try:
        row.full_clean(validate_unique=False)
    except ValidationError as error:
        raise CourseFolderError(f"{path.name}: {'; '.join(error.messages)}") from error
    row.save()


def _fingerprint(row: LessonFile | Lesson) -> str:
    parts = [row.position, row.title, row.summary, row.minutes, list(row.claims), row.source]
    return fingerprint(*parts, row.coach_opening, row.coach_questions)


def _lesson_file(path: Path, *, slug: str, position: int) -> LessonFile:
    front, source = _split_front_matter(path, _text(path))
    data = _mapping(path, front, LESSON_FIELDS)
    minutes = data.get("minutes")
    if not isinstance(minutes, int) or isinstance(minutes, bool):
        raise CourseFolderError(_("%(file)s: minutes is a whole number.") % {"file": path.name})
    return LessonFile(
        slug=slug,
        position=position,
        title=_required(path, data, "title"),
        summary=str(data.get("summary") or "").strip(),
        minutes=minutes,
        claims=tuple(str(claim) for claim in data.get("claims") or []),
        coach_opening=str(data.get("coach_opening") or "").strip(),
        coach_questions=_questions_as_lines(path, data.get("questions") or []),
        source=source,
    )


def _questions_as_lines(path: Path, questions: Any) -> str:
    try:
        return "\n".join(
            f"{question['question'].strip()} {{#{question['anchor']}}}" for question in questions
        )
    except (TypeError, KeyError, AttributeError) as error:
        message = _("%(file)s: each of the questions has “question” and “anchor”.")
        raise CourseFolderError(message % {"file": path.name}) from error


def _questions_as_data(lines: str) -> list[dict[str, str]]:
    matches = (re.fullmatch(r"(.*?)\s*\{#([^}]*)\}\s*", line) for line in lines.splitlines())
    return [{"question": match[1], "anchor": match[2]} for match in matches if match]


def _split_front_matter(path: Path, text: str) -> tuple[str, str]:
    parts = text.split("---\n", 2)
    if len(parts) != 3 or parts[0].strip():
        raise CourseFolderError(
            _("%(file)s begins with “---”, title and minutes, and “---”.") % {"file": path.name}
        )
    return parts[1], parts[2].strip()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CourseFolderError(_("%(file)s cannot be read.") % {"file": path}) from error


def _mapping(path: Path, text: str, known: set[str]) -> Mapping[str, Any]:
    return _check_mapping(path, _yaml(path, text), known)


def _yaml(path: Path, text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise CourseFolderError(f"{path.name}: {error}") from error


def _check_mapping(path: Path, data: Any, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(data, dict) or set(data) - known:
        names = ", ".join(sorted(known))
        raise CourseFolderError(_("%(file)s may have: %(names)s.") % {"file": path.name, "names": names})
    return data


def _required(path: Path, data: Mapping[str, Any], name: str) -> str:
    value = data.get(name)
    if not isinstance(value, str) or not value.strip():
        raise CourseFolderError(_("%(file)s: %(name)s is missing.") % {"file": path.name, "name": name})
    return value.strip()
