"""What every kind of exercise gives: how it is set, handed in, graded, drawn and authored.

A kind is one package: `spec.py` (what the instructor sets), `answer.py` (what the learner hands in),
`grade.py` (pure: spec and answer to findings), `workbench.py` (form and pictures), `authoring.py` (the
instructor's forms).
Its `__init__.py` names one instance `KIND`; the registry in `exercises.kinds` names the package.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeVar

from pydantic import BaseModel

if TYPE_CHECKING:
    from django import forms
    from django.http import QueryDict

    from exercises.kinds.trials import Trial
    from lessons.figures.base import Picture

Severity = Literal["wrong", "slow", "costly", "risk"]
Unit = Literal["s", "usd", "ratio", "tokens", "count"]
Form = Mapping[str, Sequence[str]]
"""A submitted form as it was typed: every field with all its values. Free of NUL and lone surrogates."""

SEVERITIES: tuple[Severity, ...] = ("wrong", "slow", "costly", "risk")
"""Gravest first: the order in which findings are shown and talked about."""

S = TypeVar("S", bound=BaseModel)
A = TypeVar("A", bound=BaseModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong with an answer, and where.

    code: the finding's kind, such as `missing-dependency`. place: a stable id of the spot (`task:seats`,
    `edge:flights>seats`, `block:contract`, `text:12-40`, `choice:tier`); place_label: the same for people.
    message: what is wrong, where, on what evidence; never the remedy. fix: the remedy, shown on the ladder's
    last rung only. fix_terms: groups of synonyms; a sentence that has one term of every group gives the
    answer away. passage: `lesson-slug#anchor`. evidence: the numbers and names the message stands on, JSON
    safe. number: the marker in text and picture, from 1; 0 until `numbered` has run.
    """

    code: str
    place: str
    place_label: str
    severity: Severity
    message: str
    fix: str
    fix_terms: tuple[tuple[str, ...], ...] = ()
    passage: str = ""
    evidence: Mapping[str, float | str] = field(default_factory=dict)
    number: int = 0

    @property
    def key(self) -> str:
        """Names this finding across attempts: the same mistake at the same place."""
        return f"{self.code}@{self.place}"

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Finding:
        """The finding that `dataclasses.asdict` made `data` from, JSON in between or not."""
        terms = tuple(tuple(group) for group in data.get("fix_terms", ()))
        return cls(**{**data, "fix_terms": terms})


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One number three times: as found (or sequential), the learner's, the best possible. Finite floats."""

    key: str
    label: str
    as_found: float
    theirs: float
    best: float
    unit: Unit
    better: Literal["lower", "higher"] = "lower"


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionOutcome:
    """What was asked before the run, what the learner said, what came out; all worded for people."""

    asked: str
    given: str
    actual: str
    close: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """The whole judgement of one answer. `score` is 0..1; findings come from `numbered`."""

    score: float
    passed: bool
    findings: tuple[Finding, ...]
    measures: tuple[Measure, ...]
    grader_version: str
    prediction: PredictionOutcome | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON safe; `from_dict` gives an equal grade. Raises ValueError for a number that is not finite."""
        data = _plain(asdict(self))
        assert isinstance(data, dict)  # noqa: S101 - a dataclass is a dict
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Grade:
        """The grade that `to_dict` made `data` from."""
        outcome = data.get("prediction")
        return cls(
            score=data["score"],
            passed=data["passed"],
            findings=tuple(Finding.from_dict(finding) for finding in data["findings"]),
            measures=tuple(Measure(**measure) for measure in data["measures"]),
            grader_version=data["grader_version"],
            prediction=PredictionOutcome(**outcome) if outcome else None,
        )


class AnswerInvalid(Exception):  # noqa: N818 - reads as what it says about the answer
    """The form is no answer. `errors` maps a form field's name (or "" for the whole) to a sentence."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in errors.items()))
        self.errors = dict(errors)


class SpecInvalid(Exception):  # noqa: N818 - reads as what it says about the spec
    """The instructor's forms make no spec. The forms carry their own errors; these belong to none of them."""

    def __init__(self, *messages: str) -> None:
        super().__init__("; ".join(messages))
        self.messages = list(messages)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthoringPart:
    """One labelled form or formset of the instructor's page, shown under `title` with `help` beneath it.

    `form` has a prefix of its own, unique on the page and beginning with `spec-`. A formset shows an empty
    form for adding rows (`can_delete=True`, `extra=1`, limits set).
    """

    title: str
    form: forms.BaseForm | forms.BaseFormSet[Any]
    help: str = ""


class Kind(ABC, Generic[S, A]):
    """One kind of exercise. Stateless: one instance serves everybody. No method touches a database.

    grader_version is raised whenever `grade` could give another result for the same input; it is stored with
    every grade. workbench_template renders the fields of the answer inside the page's one form: it gets what
    `workbench_context` returns and adds no `<form>`. Field names must not begin with `predict-` (the
    prediction's), nor be client_key, revision, had_errors, command or csrfmiddlewaretoken, nor the name of a
    property of form elements (form, action, method, length ...), which they would hide from scripts.

    A button of the workbench itself (Move up, Split) is `<button type="submit" name="command" value="...">`
    with a stable id: it posts the form, `commanded` changes it, and the page comes back so, with and without
    scripts. A script that changes a field sends it a bubbling `exercise:changed` event; the draft is kept.
    """

    name: ClassVar[str]
    label: Any
    """Named for instructors; may be a lazy translation."""
    grader_version: ClassVar[str]
    workbench_template: ClassVar[str]
    scripts: ClassVar[tuple[str, ...]] = ()
    """Static paths of the workbench's own scripts, loaded with `defer`. The page works without them."""
    Spec: type[S]
    Answer: type[A]

    @abstractmethod
    def starting_answer(self, spec: S) -> A:
        """What the workbench shows a learner who has not touched it: the scenario as found."""

    @abstractmethod
    def reference_answers(self, spec: S) -> tuple[A, ...]:
        """At least one answer that earns full marks; publishing runs them all."""

    @abstractmethod
    def to_form(self, spec: S, answer: A) -> dict[str, list[str]]:
        """The form fields of an answer: `parse(spec, to_form(spec, answer)) == answer`."""

    @abstractmethod
    def parse(self, spec: S, form: Form) -> A:
        """The answer a form means. Raises AnswerInvalid: a sentence a field, with the limit it names."""

    @abstractmethod
    def prediction_fields(self, spec: S) -> type[forms.Form]:
        """The form asked before the run; JSON-safe `cleaned_data`. Used with the prefix `predict`."""

    @abstractmethod
    def grade(self, spec: S, answer: A, *, prediction: Mapping[str, Any] | None, seed: int = 0) -> Grade:
        """Judge an answer. The same arguments give the same grade, always. seed feeds every random draw."""

    @abstractmethod
    def workbench_context(self, spec: S, form: Form, errors: Mapping[str, str]) -> dict[str, Any]:
        """What `workbench_template` needs to show `form` as it was typed, however wrong, with its errors."""

    def commanded(self, spec: S, form: Form, command: str) -> dict[str, list[str]]:
        """The form after one of the workbench's own buttons; an unknown command changes nothing."""
        return {name: list(values) for name, values in form.items()}

    def scenario(self, spec: S) -> str:
        """What everybody at this exercise can read on its page, in plain words for a model that coaches.

        Never what would give the answer away: no reference, no true dependencies or labels.
        """
        return ""

    def trial(self, spec: S, answer: A) -> Trial | None:
        """What a model may be asked to show what the answer is worth; None where there is nothing to ask."""
        return None

    @abstractmethod
    def pictures(self, spec: S, answer: A, grade: Grade) -> list[Picture]:
        """Theirs beside as found (or sequential) and best possible; marks from `markers(grade.findings)`."""

    @abstractmethod
    def spec_to_forms(self, spec: S | None, data: QueryDict | None = None) -> list[AuthoringPart]:
        """The instructor's forms: bound to `data` when given, else filled from `spec`, else empty."""

    @abstractmethod
    def forms_to_spec(self, parts: Sequence[AuthoringPart]) -> S:
        """The spec of bound forms that are all valid; else raises SpecInvalid.

        Errors that belong to a field are added to that form first; SpecInvalid may then carry no message.
        """


def numbered(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """The findings in the order they are shown (gravest first, then as given), numbered from 1."""
    ordered = sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity))
    return tuple(replace(finding, number=number) for number, finding in enumerate(ordered, start=1))


def markers(findings: Iterable[Finding], *, prefix: str = "") -> dict[str, tuple[int, ...]]:
    """The finding numbers of each place that begins with `prefix`, keyed by the rest of the place."""
    chosen = [finding for finding in findings if finding.place.startswith(prefix)]
    return markers_by(chosen, lambda place: place.removeprefix(prefix))


def markers_by(findings: Iterable[Finding], spot: Callable[[str], str]) -> dict[str, tuple[int, ...]]:
    """The finding numbers at each spot of a picture; `spot` says where a finding's place is drawn."""
    found: dict[str, tuple[int, ...]] = {}
    for finding in findings:
        where = spot(finding.place)
        found[where] = (*found.get(where, ()), finding.number)
    return found


def _plain(value: Any) -> Any:
    """Lists for tuples, str for lazy strings; refuses what no JSON column takes."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"a grade holds finite numbers only, not {value!r}")
    return value if value is None or isinstance(value, bool | int | float) else str(value)
