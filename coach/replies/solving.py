"""Does a text hand the exercise in? What it spells out is put into the learner's answer and graded. Pure.

JSON, Python and YAML data, lists of arrows, and whole prompts are read. The exercise's own grader is the
judge: a closed finding that is gone from the grade was given away, however it was said.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any

import yaml
from pydantic import ValidationError

from exercises.kinds import kind_named
from exercises.kinds.base import AnswerInvalid, Grade

TEXT_MAX_CHARACTERS = 20_000
TRIED_MAX = 12
"""Gradings of one text at most."""
_ARROW = re.compile(r"([\w “”\"'-]{2,62}?)\s*(?:->|→|=>|⇒|⟶|>)\s*(?=([\w “”\"'-]{2,62}))")
_FENCE = re.compile(r"```\w*\n?(.*?)```", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What a learner handed in: the kind's name, its spec, the answer as JSON, the keys that are closed."""

    kind: str
    spec: Any
    answer: Mapping[str, Any]
    closed: frozenset[str]


def solved_by(handed: Handed, text: str) -> frozenset[str]:
    """Keys of the closed findings that an answer spelled out in the text would no longer have."""
    if not handed.closed or not text.strip() or len(text) > TEXT_MAX_CHARACTERS:
        return frozenset()
    gone: frozenset[str] = frozenset()
    for answer, whole in islice(_answers_in(handed, text), TRIED_MAX):
        gone |= _mended(handed, answer, whole=whole)
    return gone


def _mended(handed: Handed, answer: Mapping[str, Any], *, whole: bool) -> frozenset[str]:
    """Closed findings that this answer has not. `whole`: it counts only if it passes, since a text that says
    little has few faults."""
    kind = kind_named(handed.kind)
    try:
        model = kind.Answer.model_validate(answer)
        if model == kind.Answer.model_validate(handed.answer):
            return frozenset()
        grade = graded(handed.kind, handed.spec.model_dump_json(), model.model_dump_json())
    except (AnswerInvalid, ValidationError, ValueError, TypeError, KeyError):
        return frozenset()
    left = {_where(finding.key) for finding in grade.findings}
    if whole and not grade.passed:
        return frozenset()
    return frozenset(key for key in handed.closed if _where(key) not in left)


@lru_cache(maxsize=512)
def graded(kind_name: str, spec: str, answer: str) -> Grade:
    """The grade of an answer, both as JSON; the same is graded once. Raises AnswerInvalid, ValueError."""
    kind = kind_named(kind_name)
    model = kind.Answer.model_validate_json(answer)
    return kind.grade(kind.Spec.model_validate_json(spec), model, prediction=None)


def _where(key: str) -> str:
    """Stretches of a text have other numbers in another text: those findings are told by their code."""
    code, _at, place = key.partition("@")
    return code if place.startswith("text:") else key


def _answers_in(handed: Handed, text: str) -> Iterator[tuple[Mapping[str, Any], bool]]:
    fields = kind_named(handed.kind).Answer.model_fields
    for data in _data_in(text):
        known = {str(name): value for name, value in data.items() if name in fields}
        if known:
            yield {**handed.answer, **known}, False
    if "waits" in fields:
        yield from ((answer, False) for answer in _with_arrows(handed, text))
    if "text" in fields:
        for prompt in (*_FENCE.findall(text), text):
            yield {**handed.answer, "text": _with_input(handed.spec, prompt)}, True


def _data_in(text: str) -> Iterator[Mapping[str, Any]]:
    """Every mapping that stands in it as data."""
    decoder = json.JSONDecoder()
    for found in list(re.finditer(r"\{", text))[:TRIED_MAX]:
        try:
            data, _end = decoder.raw_decode(text, found.start())
        except ValueError:
            data = _python_in(text[found.start() :])
        if isinstance(data, dict):
            yield data
    for part in (*_FENCE.findall(text), text):
        data = _yaml_in(part)
        if isinstance(data, dict):
            yield data


def _python_in(text: str) -> Any:
    try:
        return ast.literal_eval(text[: text.rindex("}") + 1])
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _yaml_in(text: str) -> Any:
    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def _with_arrows(handed: Handed, text: str) -> Iterator[Mapping[str, Any]]:
    """The arrows that are listed, in place of the learner's own, and beside them."""
    names = {label.casefold(): name for name, label in handed.spec.labels.items()}
    names |= {name.casefold(): name for name in handed.spec.names}
    listed: dict[str, list[str]] = {}
    for before, after in _ARROW.findall(text):
        ends = [_named(end, names) for end in (before, after)]
        if all(ends):
            listed.setdefault(str(ends[1]), []).append(str(ends[0]))
    if not listed:
        return
    own = {name: list(waits) for name, waits in handed.answer.get("waits", {}).items()}
    yield {**handed.answer, "waits": listed}
    both = {name: [*own.get(name, []), *listed.get(name, [])] for name in {*own, *listed}}
    yield {**handed.answer, "waits": {name: list(dict.fromkeys(waits)) for name, waits in both.items()}}


def _named(words: str, names: Mapping[str, str]) -> str | None:
    """The task whose name or label a stretch of text begins or ends with."""
    bare = " ".join(words.strip(" “”\"'-").casefold().split())
    fits = [
        name for name in names if bare == name or bare.endswith(f" {name}") or bare.startswith(f"{name} ")
    ]
    return names[max(fits, key=len)] if fits else None


def _with_input(spec: Any, prompt: str) -> str:
    return prompt if spec.placeholder in prompt else f"{prompt}\n{spec.placeholder}"
