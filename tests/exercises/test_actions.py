from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from exercises.actions import hand_in, publish_exercise, save_draft, submit
from exercises.models import Draft, ExerciseRevision, Submission
from exercises.publishing import NotPublishable, trials_of
from exercises.queries import attempts_for, results_for
from exercises.signals import exercise_published, submission_graded
from lessons.models import User
from lessons.signals import export_requested, guest_claimed
from tests.exercises.factories import make_exercise, make_learner, make_submission
from tests.exercises.toy import TOY

pytestmark = pytest.mark.django_db


class Ear:
    """Hears a signal and remembers what it said."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []

    def __call__(self, sender: Any, **said: Any) -> None:
        self.heard.append(said)


def test_hand_in_stores_grade_with_version_and_tells_once(django_capture_on_commit_callbacks):
    learner, exercise = make_learner(), make_exercise()
    ear = Ear()
    submission_graded.connect(ear)
    with django_capture_on_commit_callbacks(execute=True):
        submission = make_submission(learner, exercise, 8)
    submission_graded.disconnect(ear)
    submission.refresh_from_db()
    assert (submission.state, submission.grader_version, submission.passed) == ("graded", "toy-1", False)
    assert submission.grade is not None
    assert submission.grade.findings[0].code == "total-low"
    assert submission.grade == TOY.grade(
        TOY.Spec(target=10, start=(1, 2)), TOY.Answer(numbers=(8,)), prediction={"total": 10}
    )
    assert [said["submission"].pk for said in ear.heard] == [submission.pk]


def test_hand_in_with_broken_grader_is_graded_again_by_command(
    capsys: pytest.CaptureFixture[str], django_capture_on_commit_callbacks
):
    learner, exercise = make_learner(), make_exercise()
    TOY.broken = True
    submission = make_submission(learner, exercise, 10)
    assert submission.grade is None
    call_command("grade_again")
    assert "0 graded, 1 still waiting" in capsys.readouterr().out
    TOY.broken = False
    ear = Ear()
    submission_graded.connect(ear)
    with django_capture_on_commit_callbacks(execute=True):
        call_command("grade_again")
    submission_graded.disconnect(ear)
    submission.refresh_from_db()
    assert submission.passed
    assert len(ear.heard) == 1


def test_submit_whose_twin_was_first_is_the_twin():
    learner, exercise = make_learner(), make_exercise()
    assert exercise.published is not None
    handed_in: dict[str, Any] = {
        "learner": learner,
        "revision": exercise.published,
        "answer": {"numbers": [4], "note": ""},
        "client_key": uuid4(),
    }
    twins: list[Submission] = []

    def twin_first(execute: Any, sql: str, *rest: Any) -> Any:
        """Between the look for the key and the transaction that stores it, the other tab gets through."""
        if sql.startswith("SAVEPOINT") and not twins:
            twins.append(Submission(exercise=exercise, number=1, **handed_in))
            twins[0].save()
        return execute(sql, *rest)

    with connection.execute_wrapper(twin_first):
        submission = submit(prediction={}, **handed_in)
    assert [submission.pk] == [twin.pk for twin in twins]
    assert Submission.objects.count() == 1


def test_publish_unchanged_draft_makes_no_revision():
    exercise = make_exercise()
    assert publish_exercise(exercise=exercise).number == 1
    exercise.brief = "Another brief."
    ear = Ear()
    exercise_published.connect(ear)
    assert publish_exercise(exercise=exercise).number == 2
    exercise_published.disconnect(ear)
    exercise.refresh_from_db()
    assert exercise.published is not None
    assert exercise.published.brief_html == "<p>Another brief.</p>\n"


def test_publish_waits_for_the_reference_answer():
    exercise = make_exercise()
    exercise.spec = {"target": 10, "limit": 5}
    with pytest.raises(NotPublishable, match=r"Reference answer 1: 50 of 100 marks"):
        publish_exercise(exercise=exercise)
    exercise.refresh_from_db()
    assert exercise.published is not None
    assert exercise.published.number == 1


@pytest.mark.parametrize("spec", [{}, {"target": "ten"}, {"target": 10, "more": 1}])
def test_publish_of_invalid_specification_is_refused(spec: dict[str, Any]):
    exercise = make_exercise(published=False)
    exercise.spec = spec
    with pytest.raises(NotPublishable, match="Specification"):
        publish_exercise(exercise=exercise)


def test_trials_name_wrong_answers_that_raise_nothing():
    exercise = make_exercise(published=False)
    exercise.wrong_answers = [
        {"name": "low", "answer": {"numbers": [1]}, "findings": ["total-low"]},
        {"name": "mislabelled", "form": {"numbers": ["1"]}, "findings": ["total-high"]},
        {"name": "no answer", "form": {"numbers": ["x"]}, "findings": []},
    ]
    assert [(trial.ok, trial.required) for trial in trials_of(exercise)] == [
        (True, True),
        (True, False),
        (False, False),
        (False, False),
    ]


def test_trials_survive_a_broken_grader():
    exercise = make_exercise(published=False)
    TOY.broken = True
    (trial,) = trials_of(exercise)
    assert not trial.ok
    assert "The grader stopped" in trial.detail


def test_revision_never_changes():
    revision = make_exercise().published
    assert isinstance(revision, ExerciseRevision)
    revision.title = "Other"
    with pytest.raises(ValidationError):
        revision.save()


def test_claim_moves_attempts_and_keeps_the_newer_draft():
    exercise, guest, learner = make_exercise(), User.objects.create_guest(), make_learner()
    make_submission(learner, exercise, 8)
    make_submission(guest, exercise, 9)
    make_submission(guest, exercise, 10)
    for person, note in ((learner, "mine"), (guest, "guest's")):
        save_draft(learner=person, exercise=exercise, form={"note": [note]}, revision_number="1")
    guest_claimed.send(User, guest=guest, learner=learner)
    assert [(a.number, a.answer["numbers"]) for a in attempts_for(learner, exercise)] == [
        (3, [10]),
        (2, [9]),
        (1, [8]),
    ]
    assert Draft.objects.get(learner=learner).form == {"note": ["guest's"]}


def test_claim_never_overwrites_a_newer_draft():
    exercise, guest, learner = make_exercise(), User.objects.create_guest(), make_learner()
    for person, note in ((learner, "mine"), (guest, "guest's")):
        save_draft(learner=person, exercise=exercise, form={"note": [note]}, revision_number="1")
    Draft.objects.filter(learner=guest).update(updated_at=timezone.now() - timedelta(days=1))
    guest_claimed.send(User, guest=guest, learner=learner)
    assert Draft.objects.get(learner=learner).form == {"note": ["mine"]}


def test_results_show_the_best_score_in_one_query(django_assert_num_queries):
    learner, exercise = make_learner(), make_exercise()
    make_exercise("another")
    for total in (8, 10, 9):
        make_submission(learner, exercise, total)
    make_submission(make_learner("bob@example.org"), exercise, 4)
    with django_assert_num_queries(1):
        results = results_for(learner)
    assert [(r.slug, r.attempts, r.best_score, r.passed) for r in results] == [
        ("reach-ten", 3, 1.0, True),
        ("another", 0, None, False),
    ]
    assert [result.attempts for result in results_for(None)] == [0, 0]


def test_export_gives_a_learner_their_rows():
    learner, exercise = make_learner(), make_exercise()
    make_submission(learner, exercise, 8)
    answers: list[Any] = [rows for _to, rows in export_requested.send(User, learner=learner) if rows]
    (rows,) = [rows for rows in answers if "exercise attempts" in rows]
    assert rows["exercise attempts"][0]["answer"] == {"numbers": [8], "note": ""}


def test_hand_in_refuses_nothing_that_was_published_before():
    learner, exercise = make_learner(), make_exercise()
    old = exercise.published
    assert old is not None
    exercise.spec = {"target": 12}
    publish_exercise(exercise=exercise)
    graded = hand_in(
        learner=learner, revision=old, answer={"numbers": [10]}, prediction={}, client_key=uuid4()
    )
    assert graded.passed
