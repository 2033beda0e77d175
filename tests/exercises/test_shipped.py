"""The shipped exercises through the views: every authored answer, and forms that nobody would type."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django import forms
from django.test import Client
from django.urls import reverse

from exercises.forms import workbench_of
from exercises.kinds import kind_named
from exercises.loading import load_exercises
from exercises.models import Exercise, Submission
from lessons.loading import LoadReport, load_course

pytestmark = pytest.mark.django_db

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "agent-latency"
SLUGS = ("travel-agent", "legal-review", "slow-prompt")
NASTY = [
    "",
    " ",
    "\x00",
    "-1",
    "0",
    "9" * 5000,
    "NaN",
    "1e400",
    "-Infinity",
    "<script>",
    "a>b>c",
    ",,:;|",
    "x" * 99_999,
]


@pytest.fixture
def exercises() -> dict[str, Exercise]:
    report = LoadReport()
    load_course(FOLDER)
    load_exercises(FOLDER, report)
    return {
        exercise.slug: exercise for exercise in Exercise.objects.select_related("published", "lesson__course")
    }


def guess_of(form_class: type[forms.Form]) -> dict[str, str]:
    """Some valid prediction: the first choice, the least number."""
    guesses = {}
    for name, part in form_class().fields.items():
        if isinstance(part, forms.ChoiceField):
            choices = [str(value) for value, _label in part.widget.choices]
            guesses[f"predict-{name}"] = next(choice for choice in choices if choice)
        else:
            guesses[f"predict-{name}"] = str(max(1, getattr(part, "min_value", None) or 0))
    return guesses


def posted(exercise: Exercise, answer: Any) -> dict[str, Any]:
    workbench = workbench_of(exercise)
    form = workbench.kind.to_form(workbench.spec, answer)
    control = {"revision": str(workbench.revision.number), "client_key": str(uuid4())}
    return {**form, **guess_of(workbench.kind.prediction_fields(workbench.spec)), **control}


@pytest.mark.parametrize("slug", SLUGS)
def test_shipped_reference_answers_earn_full_marks_on_the_page(
    client: Client, exercises: dict[str, Exercise], slug: str
):
    workbench = workbench_of(exercises[slug])
    for answer in workbench.kind.reference_answers(workbench.spec):
        client.post(reverse("exercises:submit", args=[slug]), posted(exercises[slug], answer))
        submission = Submission.objects.latest("number")
        assert (submission.score, submission.findings) == (1.0, [])
    page = client.get(reverse("exercises:exercise", args=[slug])).content.decode()
    assert '<span class="score">100</span>' in page
    assert "<svg" in page


@pytest.mark.parametrize("slug", SLUGS)
def test_shipped_wrong_answers_raise_their_findings_on_the_page(
    client: Client, exercises: dict[str, Exercise], slug: str
):
    exercise, kind = exercises[slug], kind_named(exercises[slug].kind)
    assert len(exercise.wrong_answers) >= 6
    spec = workbench_of(exercise).spec
    for wrong in exercise.wrong_answers:
        if "form" in wrong:
            form = posted(exercise, kind.starting_answer(spec)) | wrong["form"]
        else:
            form = posted(exercise, kind.Answer.model_validate(wrong["answer"]))
        untouched = kind.parse(spec, form) == kind.starting_answer(spec)
        response = client.post(reverse("exercises:submit", args=[slug]), form)
        assert response.status_code == (422 if untouched else 302), wrong["name"]
        if untouched:
            continue
        submission = Submission.objects.latest("number")
        assert set(wrong["findings"]) <= {finding["code"] for finding in submission.findings}, wrong["name"]
        page = client.get(submission.get_absolute_url()).content.decode()
        assert f'<span class="marker" aria-hidden="true">{len(submission.findings)}</span>' in page


@pytest.mark.parametrize("slug", SLUGS)
def test_shipped_workbench_survives_any_value_in_any_field(
    client: Client, exercises: dict[str, Exercise], slug: str
):
    exercise = exercises[slug]
    kind = kind_named(exercise.kind)
    form = posted(exercise, kind.starting_answer(workbench_of(exercise).spec))
    url = reverse("exercises:submit", args=[slug])
    for index, name in enumerate([*form, "unknown"]):
        # Every field its share, so that a wide form does not take minutes.
        tries = [{**form, name: value} for value in NASTY[index % 5 :: 5]]
        tries += [{**form, name: ["1"] * 500}, {key: value for key, value in form.items() if key != name}]
        for tried in tries:
            assert client.post(url, tried).status_code in {302, 400, 422}, (name, tried.get(name))
    assert client.get(exercise.get_absolute_url()).status_code == 200


@pytest.mark.parametrize("slug", SLUGS)
def test_shipped_workbench_survives_any_command(client: Client, exercises: dict[str, Exercise], slug: str):
    exercise = exercises[slug]
    form = posted(exercise, kind_named(exercise.kind).starting_answer(workbench_of(exercise).spec))
    url = reverse("exercises:submit", args=[slug])
    for command in [*NASTY, "up", "up:", "up:nowhere", "split:1:2:3", "down:-1"]:
        for tried in (form, {"unrelated": "1"}):
            response = client.post(url, {**tried, "command": command})
            assert response.status_code in {302, 400, 422}, command
        assert client.get(exercise.get_absolute_url()).status_code == 200


@pytest.mark.parametrize("slug", SLUGS)
def test_shipped_exercise_is_graded_the_same_each_time(exercises: dict[str, Exercise], slug: str):
    workbench = workbench_of(exercises[slug])
    kind, spec = workbench.kind, workbench.spec
    for wrong in exercises[slug].wrong_answers:
        if "answer" in wrong:
            answer = kind.Answer.model_validate(wrong["answer"])
            first = kind.grade(spec, answer, prediction=None)
            assert first == kind.grade(spec, answer, prediction=None)
            assert first == type(first).from_dict(first.to_dict())
