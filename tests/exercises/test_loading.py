from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from exercises.models import Exercise, ExerciseRevision, Hint, Misconception
from lessons.models import Course
from tests.exercises.factories import make_learner, make_submission

pytestmark = pytest.mark.django_db

COURSE = """\
slug: adding
title: Adding
lessons: [sums]
"""
LESSON = """\
---
title: Sums
summary: What adds up.
minutes: 10
claims: []
---

## Adding {#adding}

One and one.
"""
EXERCISE = """\
slug: reach-ten
lesson: sums
kind: toy
title: Reach ten
summary: Numbers that add up.
brief: |
  Make them come to **ten**: “1 + 9”.
misconceptions:
  - finding_code: total-low
    statement: More is always too much.
    explanation: It is not.
    passage: sums#adding
hints:
  - finding_code: total-low
    rungs: [Look there., "", Think of sums.]
"""
SPEC = """\
spec:
  target: 10
wrong_answers:
  - {name: nothing, answer: {numbers: [0]}, findings: [total-low]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "course"
    (root / "lessons").mkdir(parents=True)
    (root / "exercises").mkdir()
    (root / "course.yaml").write_text(COURSE)
    (root / "lessons" / "sums.md").write_text(LESSON)
    (root / "exercises" / "reach-ten.yaml").write_text(EXERCISE)
    (root / "exercises" / "reach-ten.spec.yaml").write_text(SPEC)
    return root


def load(folder: Path) -> None:
    call_command("load_course", str(folder), verbosity=0)


def change(folder: Path, old: str, new: str, name: str = "reach-ten.yaml") -> None:
    path = folder / "exercises" / name
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def files_in(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*.*")}


def rows() -> list[Any]:
    return [*Exercise.objects.values(), *Hint.objects.values(), *Misconception.objects.values()]


def test_load_makes_a_published_exercise_with_its_hints(folder: Path):
    load(folder)
    exercise = Exercise.objects.get()
    assert exercise.published is not None
    assert exercise.published.spec == {"target": 10, "start": [1], "limit": 100, "fragile": False}
    assert list(Hint.objects.values_list("rung", "text")) == [(1, "Look there."), (3, "Think of sums.")]
    assert Misconception.objects.get().passage == "sums#adding"


def test_load_again_changes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]):
    load(folder)
    before = (
        list(Exercise.objects.values()) + list(Hint.objects.values()) + list(Misconception.objects.values())
    )
    call_command("load_course", str(folder))
    after = (
        list(Exercise.objects.values()) + list(Hint.objects.values()) + list(Misconception.objects.values())
    )
    assert before == after
    assert ExerciseRevision.objects.count() == 1
    assert "nothing to do" in capsys.readouterr().out


def test_load_of_a_changed_file_publishes_the_next_revision(folder: Path):
    load(folder)
    submission = make_submission(make_learner(), Exercise.objects.get(), 10)
    change(folder, "**ten**", "**ten** exactly")
    change(folder, "target: 10", "target: 11", "reach-ten.spec.yaml")
    load(folder)
    published = Exercise.objects.get().published
    assert published is not None
    assert published.number == 2
    assert "exactly" in published.brief_html
    submission.refresh_from_db()
    assert submission.revision.number == 1


@pytest.mark.parametrize("what", ["brief", "hint", "misconception"])
def test_load_never_overwrites_what_people_edited(folder: Path, what: str):
    load(folder)
    if what == "brief":
        Exercise.objects.update(brief="Mine now.")
    elif what == "hint":
        Hint.objects.filter(rung=1).update(text="Mine now.")
    else:
        Misconception.objects.update(statement="Mine now.")
    change(folder, "Numbers that add up.", "Other numbers.")
    load(folder)
    assert Exercise.objects.get().summary == "Numbers that add up."
    texts = [
        Exercise.objects.get().brief,
        Hint.objects.earliest("rung").text,
        Misconception.objects.get().statement,
    ]
    assert "Mine now." in texts


def test_export_round_trips_byte_for_byte(folder: Path, tmp_path: Path):
    load(folder)
    first, second = tmp_path / "first", tmp_path / "second"
    call_command("export_course", "adding", str(first))
    Exercise.objects.update(published=None)
    Exercise.objects.all().delete()
    Course.objects.get().lessons.all().delete()
    Course.objects.all().delete()
    load(first)
    call_command("export_course", "adding", str(second))
    assert files_in(first) == files_in(second)
    assert {"exercises/reach-ten.yaml", "exercises/reach-ten.spec.yaml", "course.yaml"} <= set(
        files_in(first)
    )


def test_export_is_loaded_as_nothing_new(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    load(folder)
    call_command("export_course", "adding", str(tmp_path / "out"))
    capsys.readouterr()
    call_command("load_course", str(tmp_path / "out"))
    assert "nothing to do" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("kind: toy", "kind: unheard-of", "no such kind"),
        ("lesson: sums", "lesson: nowhere", "no lesson"),
        ("title: Reach ten", "titel: Reach ten", "title"),
        ("slug: reach-ten", "slug: 'not a slug'", "slug"),
        ("passage: sums#adding", "passage: sums", "lesson-slug#anchor"),
        ("summary:", "summary: [", "reach-ten.yaml"),
        ("finding_code: total-low", "finding_code: Total Low", "lower-case"),
    ],
)
def test_load_of_a_broken_file_names_it_and_stores_nothing(folder: Path, old: str, new: str, said: str):
    change(folder, old, new)
    with pytest.raises(CommandError, match=said) as caught:
        load(folder)
    assert str(caught.value).startswith("reach-ten")
    assert not Course.objects.exists()


def test_load_of_a_scenario_without_a_passing_reference_is_refused(folder: Path):
    change(folder, "target: 10", "target: 10\n  limit: 5", "reach-ten.spec.yaml")
    with pytest.raises(CommandError, match="Reference answer 1"):
        load(folder)
    assert not Exercise.objects.exists()


def test_export_of_unknown_course_is_a_sentence(tmp_path: Path):
    with pytest.raises(CommandError, match="no course"):
        call_command("export_course", "nothing", str(tmp_path))
