"""Does a text hand the exercise in? What it spells out is put into the learner's answer and graded. Pure.

JSON, Python and YAML data, lists of arrows, orders, and whole prompts are read. The exercise's own grader is
the judge: a closed finding that is gone from the grade was given away, however it was said. Nothing is graded
for a text that spells nothing out.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any, Literal

import yaml
from pydantic import ValidationError

from exercises.kinds import kind_named
from exercises.kinds.base import AnswerInvalid, Grade
from exercises.kinds.prompt_rewrite.reading import keeps, plain

TEXT_MAX_CHARACTERS = 20_000
TRIED_MAX = 12
"""Gradings of one text at most."""
Demand = Literal["", "no worse", "passes"]
"""A text that says little has few faults, and what takes the place of much has others: such answers have to
be better on the whole."""
_ARROW = re.compile(r"([\w “”\"'-]{2,62}?)\s*(?:->|→|=>|⇒|⟶|>)\s*(?=([\w “”\"'-]{2,62}))")
_BETWEEN = re.compile(r"->|→|=>|⇒|⟶|>|,|;|\n|\bthen\b|\bbefore\b")
_APART = re.compile(r"[.:!?](?=\s|$)")
_FENCE = re.compile(r"```\w*\n?(.*?)```", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """What a learner handed in: the kind's name, its spec, the answer as JSON, the keys that are closed, and
    how their places are called, which is no answer."""

    kind: str
    spec: Any
    answer: Mapping[str, Any]
    closed: frozenset[str]
    labels: frozenset[str] = frozenset()


def solved_by(handed: Handed, text: str) -> frozenset[str]:
    """Keys of the closed findings that an answer spelled out in the text would no longer have."""
    if not handed.closed or not text.strip() or len(text) > TEXT_MAX_CHARACTERS:
        return frozenset()
    for label in handed.labels:
        if "→" in label:
            text = text.replace(label, " ")
    gone: frozenset[str] = frozenset()
    for answer, demand in islice(_answers_in(handed, text), TRIED_MAX):
        gone |= _mended(handed, answer, demand)
    return gone


def _mended(handed: Handed, answer: Mapping[str, Any], demand: Demand) -> frozenset[str]:
    """Closed findings that this answer has not, if it is as good as is demanded."""
    kind = kind_named(handed.kind)
    try:
        model = kind.Answer.model_validate(answer)
        if model == kind.Answer.model_validate(handed.answer):
            return frozenset()
        grade = graded(handed.kind, handed.spec.model_dump_json(), model.model_dump_json())
    except (AnswerInvalid, ValidationError, ValueError, TypeError, KeyError):
        return frozenset()
    left = {_where(finding.key) for finding in grade.findings}
    if (demand == "passes" and not grade.passed) or (demand == "no worse" and left - _found_in(handed)):
        return frozenset()
    return frozenset(key for key in handed.closed if _where(key) not in left)


def _found_in(handed: Handed) -> set[str]:
    """What is found in the learner's own answer."""
    model = kind_named(handed.kind).Answer.model_validate(handed.answer)
    grade = graded(handed.kind, handed.spec.model_dump_json(), model.model_dump_json())
    return {_where(finding.key) for finding in grade.findings}


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


def _answers_in(handed: Handed, text: str) -> Iterator[tuple[Mapping[str, Any], Demand]]:
    fields = kind_named(handed.kind).Answer.model_fields
    if re.search(rf"(?i)\b(?:{'|'.join(fields)})\b[\"']?\s*[:=]", text):
        for data in _data_in(text):
            known = {str(name): value for name, value in data.items() if name in fields}
            if known:
                yield {**handed.answer, **known}, ""
    if "waits" in fields:
        yield from _with_arrows(handed, text)
    if "order" in fields:
        yield from _with_order(handed, text)
    if "text" in fields:
        for prompt in (*_FENCE.findall(text), text):
            if all(keeps(rule, [plain(prompt)]) for rule in handed.spec.rules):
                yield {**handed.answer, "text": _with_input(handed.spec, prompt)}, "passes"


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


def _with_arrows(handed: Handed, text: str) -> Iterator[tuple[Mapping[str, Any], Demand]]:
    """The arrows that are listed, beside the learner's own, and in place of their own into the same tasks."""
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
    both = {name: [*own.get(name, []), *listed.get(name, [])] for name in {*own, *listed}}
    yield {**handed.answer, "waits": {name: list(dict.fromkeys(waits)) for name, waits in both.items()}}, ""
    if sum(map(len, listed.values())) > 1:
        yield {**handed.answer, "waits": own | listed}, "no worse"
        yield {**handed.answer, "waits": listed}, "no worse"


def _with_order(handed: Handed, text: str) -> Iterator[tuple[Mapping[str, Any], Demand]]:
    """The learner's blocks in the order in which a row of them stands; those that it leaves out stay."""
    own = list(handed.answer.get("order", []))
    names = {str(name).casefold(): name for name in own}
    names |= {handed.spec.label_of(name).casefold(): name for name in own}
    for row in _APART.split(text):
        ends = (_named(piece, names) for piece in _BETWEEN.split(row))
        listed = list(dict.fromkeys(end for end in ends if end))
        if len(listed) > 1:
            places = iter(listed)
            order = [next(places) if name in listed else name for name in own]
            yield {**handed.answer, "order": order}, "no worse"


def _named(words: str, names: Mapping[str, str]) -> str | None:
    """The task whose name or label a stretch of text begins or ends with."""
    bare = " ".join(words.strip(" “”\"'-").casefold().split())
    fits = [
        name for name in names if bare == name or bare.endswith(f" {name}") or bare.startswith(f"{name} ")
    ]
    return names[max(fits, key=len)] if fits else None


def _with_input(spec: Any, prompt: str) -> str:
    return prompt if spec.placeholder in prompt else f"{prompt}\n{spec.placeholder}"
