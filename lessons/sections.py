"""A lesson's Markdown, read into sections of blocks; what is wrong with it is told with its line.

Sections begin at `## Title {#anchor}`. Fenced blocks named figure, question and exercise hold YAML and become
blocks of their kind; everything between them is one block of HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml
from django.utils.text import slugify
from django.utils.translation import gettext as _
from markdown_it.token import Token

from lessons.figures import FIGURES
from lessons.markdown import (
    inline_text,
    parser,
    plain_text,
    readable,
    render_fragment,
    render_line,
    render_tokens,
)

DIRECTIVES = ("figure", "question", "exercise")
INTRODUCTION = "introduction"
CHOICES_AT_LEAST, CHOICES_AT_MOST = 2, 8
_ANCHOR = re.compile(r"\s*\{#([^}]*)\}\s*$")
_NAME = re.compile(r"[a-z][a-z0-9-]{0,79}")


@dataclass(frozen=True, slots=True)
class Problem:
    line: int
    message: str

    def __str__(self) -> str:
        return _("Line %(line)s: %(message)s") % {"line": self.line, "message": self.message}


@dataclass(slots=True)
class LessonText:
    """`sections` are JSON-safe, in the form that `LessonRevision` describes."""

    sections: list[dict[str, Any]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


class _DirectiveError(Exception):
    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line = line


def read_lesson(source: str) -> LessonText:
    """The sections of a lesson, and every problem that keeps it from being published."""
    return _Reader().read(readable(source))


def read_questions(lines: str, text: LessonText) -> list[dict[str, str]]:
    """The suggested questions of a lesson, one a line; what is wrong with them joins the text's problems."""
    anchors = {section["anchor"] for section in text.sections}
    found = []
    for number, line in enumerate(lines.splitlines(), start=1):
        match = _ANCHOR.search(line)
        if line.strip() and (match is None or match[1] not in anchors):
            message = _("a suggested question ends with a section of this lesson: {#anchor}")
            text.problems.append(Problem(number, message))
        elif match is not None:
            found.append({"question": line[: match.start()].strip(), "anchor": match[1]})
    return found


class _Reader:
    def __init__(self) -> None:
        self.text = LessonText()
        self.env: dict[str, Any] = {}
        self.pending: list[Token] = []
        self.names: dict[str, set[str]] = {"anchor": set(), "question": set()}

    def read(self, source: str) -> LessonText:
        tokens = parser().parse(source, self.env)
        for index, token in enumerate(tokens):
            self._take(token, tokens[index + 1] if index + 1 < len(tokens) else token)
        self._flush()
        for section in self.text.sections:
            section["text"] = " ".join(
                plain_text(b["html"]) for b in section["blocks"] if b["kind"] == "html"
            )
        if not self.text.sections:
            self._problem(1, _("The lesson has no text yet."))
        return self.text

    def _take(self, token: Token, following: Token) -> None:
        if token.type == "heading_open" and token.level == 0 and token.tag in {"h1", "h2"}:
            self._flush()
            self._begin_section(following, token)
        elif token.type == "fence" and token.level == 0 and token.info.strip() in DIRECTIVES:
            self._flush()
            self._directive(token)
        else:
            self.pending.append(token)

    def _begin_section(self, heading: Token, opening: Token) -> None:
        line = _line(opening)
        if opening.tag == "h1":
            self._problem(line, _("The lesson's title is its own field; sections begin with ##."))
        title = inline_text(heading.children)
        match = _ANCHOR.search(title)
        title = title[: match.start()] if match else title
        anchor = match[1] if match else ""
        self._check_name("anchor", anchor, line, suggestion=f"{{#{slugify(title) or 'section'}}}")
        self.text.sections.append({"anchor": anchor, "title": title, "text": "", "blocks": []})

    def _blocks(self) -> list[dict[str, Any]]:
        if not self.text.sections:
            self.names["anchor"].add(INTRODUCTION)
            introduction = {"anchor": INTRODUCTION, "title": _("Introduction"), "text": "", "blocks": []}
            self.text.sections.append(introduction)
        blocks: list[dict[str, Any]] = self.text.sections[-1]["blocks"]
        return blocks

    def _flush(self) -> None:
        tokens, self.pending = _without_section_heading(self.pending), []
        fragment = render_tokens(tokens, self.env).strip() if tokens else ""
        if fragment:
            self._blocks().append({"kind": "html", "html": fragment})

    def _directive(self, token: Token) -> None:
        kind = token.info.strip()
        try:
            block = _READERS[kind](_yaml_mapping(token.content))
        except _DirectiveError as error:
            self._problem(_line(token) + error.line, f"{kind}: {error}")
            return
        if kind == "question":
            self._check_question(block["id"], _line(token))
        self._blocks().append({"kind": kind, **block})

    def _check_question(self, name: str, line: int) -> None:
        self._check_name("question", name, line)
        if any(block["kind"] == "question" for block in self._blocks()):
            self._problem(line, _("A section asks one question; begin another section for the next."))

    def _check_name(self, kind: str, name: str, line: int, *, suggestion: str = "") -> None:
        taken = self.names[kind]
        if not name and suggestion:
            self._problem(line, _("The section needs an anchor, such as %(it)s.") % {"it": suggestion})
        elif not _NAME.fullmatch(name):
            self._problem(line, _("“%(name)s”: use small letters, digits and hyphens.") % {"name": name[:80]})
        elif name in taken:
            self._problem(line, _("“%(name)s” is used twice in this lesson.") % {"name": name})
        taken.add(name)

    def _problem(self, line: int, message: str) -> None:
        self.text.problems.append(Problem(line, message))


def _line(token: Token) -> int:
    return (token.map[0] if token.map else 0) + 1


def _without_section_heading(tokens: list[Token]) -> list[Token]:
    """The tokens after a section's heading: its text and its end were queued behind its beginning."""
    starts_in_heading = len(tokens) > 1 and tokens[0].type == "inline" and tokens[1].type == "heading_close"
    return tokens[2:] if starts_in_heading else tokens


def _yaml_mapping(text: str) -> Mapping[str, Any]:
    try:
        value = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise _DirectiveError(str(error.problem or error.context), (mark.line if mark else 0) + 1) from error
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise _DirectiveError(_("this is not YAML")) from error
    if not isinstance(value, dict):
        raise _DirectiveError(_("write it as “name: value” lines"))
    return value


def _only(value: Mapping[str, Any], known: set[str]) -> None:
    unknown = ", ".join(sorted(str(key) for key in value if key not in known))
    if unknown:
        raise _DirectiveError(_("unknown: %(names)s") % {"names": unknown[:200]})


def _words(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    if isinstance(found, bool) or not isinstance(found, str | int | float) or not str(found).strip():
        raise _DirectiveError(_("“%(name)s” is missing or is not text") % {"name": name})
    return str(found).strip()


def _read_figure(value: Mapping[str, Any]) -> dict[str, Any]:
    _only(value, {"name"})
    name = _words(value, "name")
    if name not in FIGURES:
        known = ", ".join(sorted(FIGURES))
        raise _DirectiveError(
            _("no figure is called “%(name)s”; there are: %(known)s") % {"name": name, "known": known}
        )
    return {"name": name}


def _read_exercise(value: Mapping[str, Any]) -> dict[str, Any]:
    _only(value, {"slug"})
    slug = _words(value, "slug")
    if not _NAME.fullmatch(slug):
        raise _DirectiveError(_("“%(name)s”: use small letters, digits and hyphens.") % {"name": slug[:80]})
    return {"slug": slug}


def _read_question(value: Mapping[str, Any]) -> dict[str, Any]:
    _only(value, {"id", "prompt", "choices"})
    choices = list(_read_choices(value.get("choices")))
    right = sum(choice["correct"] for choice in choices)
    if not right:
        raise _DirectiveError(_("no choice is marked “correct: true”"))
    return {
        "id": _words(value, "id"),
        "prompt_html": render_fragment(_words(value, "prompt")),
        "several": right > 1,
        "choices": choices,
    }


def _read_choices(value: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(value, list) or not CHOICES_AT_LEAST <= len(value) <= CHOICES_AT_MOST:
        limits = {"least": CHOICES_AT_LEAST, "most": CHOICES_AT_MOST}
        raise _DirectiveError(_("“choices” is a list of %(least)s to %(most)s choices") % limits)
    for choice in value:
        if not isinstance(choice, dict):
            raise _DirectiveError(_("each choice has “text”, “correct” and “because”"))
        _only(choice, {"text", "correct", "because"})
        yield {
            "html": render_line(_words(choice, "text")),
            "correct": choice.get("correct") is True,
            "because_html": render_line(_words(choice, "because")),
        }


_READERS = {"figure": _read_figure, "question": _read_question, "exercise": _read_exercise}
