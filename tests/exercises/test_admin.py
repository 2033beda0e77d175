from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from exercises.models import Exercise, ExerciseRevision, Hint, Misconception, Submission
from lessons.models import User
from tests.exercises.factories import form_of, make_exercise, make_learner, make_lesson, make_submission
from tests.exercises.toy import TOY

pytestmark = pytest.mark.django_db


@pytest.fixture
def instructor(client: Client) -> User:
    user = User.objects.create_superuser("teach@example.org", "a long enough password")
    client.force_login(user)
    return user


def change_url(exercise: Exercise) -> str:
    return reverse("admin:exercises_exercise_change", args=[exercise.pk])


def inline(prefix: str, *rows: dict[str, str], saved: int = 0) -> dict[str, str]:
    data = {f"{prefix}-TOTAL_FORMS": str(len(rows)), f"{prefix}-INITIAL_FORMS": str(saved)}
    for index, row in enumerate(rows):
        data |= {f"{prefix}-{index}-{name}": value for name, value in row.items()}
    return data


def authored(
    exercise: Exercise, *, target: str = "12", start: tuple[str, ...] = ("1", "2"), **more: str
) -> dict[str, str]:
    return {
        "lesson": str(exercise.lesson_id),
        "title": exercise.title,
        "slug": exercise.slug,
        "position": "0",
        "summary": exercise.summary,
        "brief": exercise.brief,
        "spec-target-target": target,
        **inline("spec-start", *({"number": number} for number in start), saved=len(start)),
        **inline("misconceptions"),
        **inline("hints"),
        **more,
    }


def test_add_chooses_the_kind_and_leads_to_its_forms(client: Client, instructor: User):
    url = reverse("admin:exercises_exercise_add")
    assert "Toy" in client.get(url).content.decode()
    form = {
        "kind": "toy",
        "lesson": make_lesson().pk,
        "slug": "new",
        "title": "New",
        "brief": "Add.",
        "position": 0,
    }
    response = client.post(url, {**form, "position": 0})
    exercise = Exercise.objects.get()
    assert response["Location"] == change_url(exercise)
    page = client.get(change_url(exercise)).content.decode()
    assert "Starting numbers" in page
    assert 'name="spec-target-target"' in page
    assert "{&quot;target" not in page
    assert 'textarea name="spec"' not in page


def test_change_form_labels_every_field_of_the_kind(client: Client, instructor: User):
    page = client.get(change_url(make_exercise())).content.decode()
    assert '<label for="id_spec-target-target"' in page
    assert '<label for="id_spec-start-0-number"' in page
    assert 'id="spec-start-empty"' in page
    assert 'data-inline-type="stacked"' in page


def test_publish_shows_on_the_learners_page_at_once(client: Client, instructor: User):
    exercise = make_exercise()
    learner = make_learner()
    submission = make_submission(learner, exercise, 10)
    learners_own = Client()
    learners_own.force_login(learner)
    form = authored(exercise, target="12", title="Reach twelve", brief="Make them come to **twelve**.")
    response = client.post(change_url(exercise), {**form, "_publish": "1"}, follow=True)
    assert "Learners see Reach twelve, revision 2" in response.content.decode()
    page = learners_own.get(exercise.get_absolute_url()).content.decode()
    assert "<strong>twelve</strong>" in page
    assert "earlier version of the exercise" in page
    learners_own.post(reverse("exercises:submit", args=[exercise.slug]), form_of(exercise, 12))
    assert Submission.objects.latest("number").passed
    submission.refresh_from_db()
    assert submission.revision.spec["target"] == 10


def test_save_alone_changes_nothing_for_learners(client: Client, instructor: User):
    exercise = make_exercise()
    client.post(change_url(exercise), authored(exercise, title="Reach twelve"))
    exercise.refresh_from_db()
    assert exercise.spec["target"] == 12
    assert exercise.published is not None
    assert exercise.published.title == "Reach ten"
    assert "changed since" in client.get(reverse("admin:exercises_exercise_changelist")).content.decode()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"target": "many"}, "Enter a whole number."),
        ({"target": "0"}, "greater than or equal to 1"),
        ({"target": "666"}, "Not this one."),
        ({"start": ("1", "x")}, "Enter a whole number."),
        ({"start": ()}, "At least one starting number is needed."),
        ({"title": "\x00"}, "Null characters are not allowed."),
    ],
)
def test_invalid_specification_is_told_and_kept(client: Client, instructor: User, wrong: Any, said: str):
    exercise = make_exercise()
    response = client.post(change_url(exercise), authored(exercise, **wrong))
    assert response.status_code == 200
    assert said in response.content.decode()
    exercise.refresh_from_db()
    assert exercise.spec == {"target": 10, "start": [1, 2]}


def test_tampered_formset_is_an_error_and_no_crash(client: Client, instructor: User):
    exercise = make_exercise()
    form = authored(exercise) | {"spec-start-TOTAL_FORMS": "many"}
    assert client.post(change_url(exercise), form).status_code == 200


def test_publish_without_a_passing_reference_is_refused_and_shown(client: Client, instructor: User):
    exercise = make_exercise()
    response = client.post(
        change_url(exercise), authored(exercise, target="200") | {"_publish": "1"}, follow=True
    )
    page = response.content.decode()
    assert "Saved, but not published." in page
    assert "must be put right" in page
    assert ExerciseRevision.objects.count() == 1


def test_hints_and_misconceptions_are_authored_with_the_exercise(client: Client, instructor: User):
    exercise = make_exercise()
    hint = {"finding_code": "total-low", "rung": "1", "text": "Look there."}
    belief = {
        "finding_code": "total-low",
        "statement": "More is too much.",
        "explanation": "No.",
        "passage": "a#b",
    }
    client.post(
        change_url(exercise), authored(exercise) | inline("hints", hint) | inline("misconceptions", belief)
    )
    assert Hint.objects.get().text == "Look there."
    assert Misconception.objects.get().statement == "More is too much."
    twice = authored(exercise) | inline("hints", {**hint, "rung": "2"}, {**hint, "rung": "2"})
    assert client.post(change_url(exercise), twice).status_code == 200
    assert Hint.objects.count() == 1


def test_preview_shows_and_grades_the_draft_and_stores_nothing(client: Client, instructor: User):
    exercise = make_exercise(published=False, target=12)
    url = reverse("admin:exercises_exercise_preview", args=[exercise.pk])
    page = client.get(url).content.decode()
    assert "Preview of the draft" in page
    assert "hx-post" not in page
    tried = client.post(url, {"numbers": ["5", "6"], "predict-total": "11"}).content.decode()
    assert "They come to 11" in tried
    assert 'value="6"' in tried
    assert "Whole numbers only." in client.post(url, {"numbers": "x", "predict-total": "1"}).content.decode()
    assert not Submission.objects.exists()


def test_preview_of_an_empty_specification_asks_for_it(client: Client, instructor: User):
    exercise = make_exercise(published=False)
    Exercise.objects.update(spec={})
    url = reverse("admin:exercises_exercise_preview", args=[exercise.pk])
    assert client.get(url)["Location"] == change_url(exercise)


@pytest.mark.parametrize("who", ["learner", "visitor", "staff without rights"])
def test_preview_is_for_instructors_only(client: Client, who: str):
    exercise = make_exercise()
    if who != "visitor":
        user = make_learner()
        user.is_staff = who == "staff without rights"
        user.save()
        client.force_login(user)
    url = reverse("admin:exercises_exercise_preview", args=[exercise.pk])
    assert client.get(url).status_code in {302, 403, 404}


def test_revisions_and_submissions_are_read_only(client: Client, instructor: User):
    exercise = make_exercise()
    submission = make_submission(make_learner("<script>@example.org"), exercise, 8)
    assert exercise.published is not None
    for name, row in (("exerciserevision", exercise.published), ("submission", submission)):
        url = reverse(f"admin:exercises_{name}_change", args=[row.pk])
        page = client.get(url).content.decode()
        assert "<script>@" not in page
        assert 'name="_save"' not in page
        assert client.post(url, {}).status_code == 403
        assert client.get(reverse(f"admin:exercises_{name}_add")).status_code == 403
        assert client.get(reverse(f"admin:exercises_{name}_changelist")).status_code == 200


def test_viewer_sees_no_means_to_change(client: Client):
    user = make_learner()
    user.is_staff = True
    user.save()
    user.user_permissions.add(Permission.objects.get(codename="view_exercise"))
    client.force_login(user)
    exercise = make_exercise()
    page = client.get(change_url(exercise)).content.decode()
    assert 'name="_publish"' not in page
    assert 'name="spec-target-target"' not in page
    assert client.post(change_url(exercise), authored(exercise) | {"_publish": "1"}).status_code == 403


def test_ungraded_submissions_can_be_graded_again(client: Client, instructor: User):
    exercise = make_exercise()
    TOY.broken = True
    submission = make_submission(make_learner(), exercise, 10)
    TOY.broken = False
    url = reverse("admin:exercises_submission_changelist")
    client.post(url, {"action": "grade_again", "_selected_action": [submission.pk]})
    submission.refresh_from_db()
    assert submission.passed


def test_fields_of_a_hint_say_their_names(client: Client, instructor: User):
    exercise = make_exercise()
    Hint.objects.create(exercise=exercise, finding_code="toy", rung=1, text="Look there.")
    page = client.get(change_url(exercise)).content.decode()
    for field in ("hints-0-finding_code", "hints-0-rung", "hints-0-text", "hints-0-DELETE"):
        assert re.search(rf'name="{field}"[^>]* aria-label="[^"]+ 1"', page)
