from __future__ import annotations

from pathlib import Path

import pytest

from lessons.loading import CourseFolderError, export_course, load_course
from lessons.models import AuthoredAnswer, Course, GlossaryTerm, Lesson, LessonRevision
from tests.lessons.factories import SOURCE, revision_of

pytestmark = pytest.mark.django_db

SHIPPED = Path(__file__).parents[2] / "fixtures" / "agent-latency"
COURSE = """slug: short
title: Short
summary: Two lessons.
outcomes: [do one thing, do another]
lessons: [one, two]
"""
FRONT = """---
title: One
summary: The first.
minutes: 20
claims: [S1, S2]
coach_opening: What waits?
questions:
  - {question: "Why?", anchor: first}
---

"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lessons").mkdir()
    (tmp_path / "course.yaml").write_text(COURSE)
    (tmp_path / "lessons" / "one.md").write_text(FRONT + SOURCE)
    (tmp_path / "lessons" / "two.md").write_text(FRONT.replace("One", "Two") + SOURCE)
    return tmp_path


def test_load_course_publishes_its_lessons(folder: Path):
    report = load_course(folder)
    assert report.made == ["short", "one", "two"]
    course = Course.objects.get(slug="short")
    assert [lesson.slug for lesson in course.lessons.all()] == ["one", "two"]
    revision = revision_of("one")
    assert revision.minutes == 20
    assert revision.coach_questions == [{"question": "Why?", "anchor": "first"}]


def test_load_course_again_changes_nothing(folder: Path):
    load_course(folder)
    before = (
        list(Lesson.objects.values()),
        list(Course.objects.values()),
        list(LessonRevision.objects.values()),
    )
    report = load_course(folder)
    assert (report.made, report.updated, report.kept) == ([], [], [])
    after = (
        list(Lesson.objects.values()),
        list(Course.objects.values()),
        list(LessonRevision.objects.values()),
    )
    assert before == after


def test_load_course_brings_a_changed_file_in(folder: Path):
    load_course(folder)
    path = folder / "lessons" / "one.md"
    path.write_text(path.read_text().replace("800 ms", "900 ms"))
    assert load_course(folder).updated == ["one"]
    assert revision_of("one").number == 2


def test_load_course_leaves_what_people_edited(folder: Path):
    load_course(folder)
    Lesson.objects.filter(slug="one").update(title="Mine")
    Course.objects.update(summary="Mine too")
    (folder / "course.yaml").write_text(COURSE.replace("Two lessons", "Both lessons"))
    path = folder / "lessons" / "one.md"
    path.write_text(path.read_text().replace("800 ms", "900 ms"))
    assert load_course(folder).kept == ["short", "one"]
    assert Lesson.objects.get(slug="one").title == "Mine"
    assert Course.objects.get().summary == "Mine too"


def test_export_course_round_trips(folder: Path, tmp_path_factory: pytest.TempPathFactory):
    load_course(folder)
    first, second = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")
    export_course(Course.objects.get(), first)
    before = {row.slug: revision_of(row).sections for row in Lesson.objects.all()}
    Lesson.objects.all().delete()
    Course.objects.all().delete()
    load_course(first)
    export_course(Course.objects.get(), second)
    assert {row.slug: revision_of(row).sections for row in Lesson.objects.all()} == before
    for path in ("course.yaml", "lessons/one.md", "lessons/two.md"):
        assert (first / path).read_text() == (second / path).read_text()


@pytest.mark.parametrize(
    ("file", "text", "words"),
    [
        ("course.yaml", "slug: [", "course.yaml"),
        ("course.yaml", "slug: short\ntitle: T\nnonsense: 1", "may have"),
        ("course.yaml", "title: T", "slug is missing"),
        ("course.yaml", "slug: Not A Slug\ntitle: T", "course.yaml"),
        ("lessons/one.md", "no front matter", "begins with"),
        ("lessons/one.md", "---\ntitle: One\nminutes: many\n---\n\n" + SOURCE, "minutes is a whole number"),
        ("lessons/one.md", "---\ntitle: One\nminutes: 0\n---\n\n" + SOURCE, "one.md"),
        ("lessons/one.md", "---\ntitle: One\nminutes: 5\n---\n\n## No anchor\n", "one.md, text: Line 1"),
        ("lessons/one.md", "---\ntitle: One\nminutes: 5\nquestions: [x]\n---\n\n" + SOURCE, "question"),
    ],
)
def test_load_course_that_is_wrong_says_where_and_loads_nothing(
    folder: Path, file: str, text: str, words: str
):
    (folder / file).write_text(text)
    with pytest.raises(CourseFolderError, match=words):
        load_course(folder)
    assert not Course.objects.exists()


def test_load_course_missing_file_is_named(folder: Path):
    (folder / "lessons" / "two.md").unlink()
    with pytest.raises(CourseFolderError, match=r"two\.md cannot be read"):
        load_course(folder)


def test_load_course_brings_its_glossary_and_leaves_edited_terms(folder: Path, tmp_path_factory):
    path = folder / "glossary.yaml"
    path.write_text(
        "- {term: slack, definition: Time to spare., passage: one#first}\n- {term: hit, definition: Found.}\n"
    )
    assert load_course(folder).made[-2:] == ["slack", "hit"]
    assert load_course(folder).made == []
    GlossaryTerm.objects.filter(term="slack").update(definition="Mine.")
    path.write_text(path.read_text().replace("Found.", "Read again.").replace("to spare", "left over"))
    report = load_course(folder)
    assert (report.kept, report.updated) == (["slack"], ["hit"])
    written = tmp_path_factory.mktemp("written")
    export_course(Course.objects.get(), written)
    assert "definition: Mine." in (written / "glossary.yaml").read_text()


def test_load_course_glossary_that_is_wrong_is_named(folder: Path):
    (folder / "glossary.yaml").write_text("- {term: slack}\n")
    with pytest.raises(CourseFolderError, match=r"glossary\.yaml: definition is missing"):
        load_course(folder)


ANSWER = """- question: How long do three calls take?
  also: [three calls how long, "is it 2.4 s?"]
  answer: In a row 2.4 s, at once 0.8 s.
  passage: one#first
  then: Which of yours could overlap?
  against: two#third
"""


def test_load_course_brings_its_answers_and_leaves_edited_ones(folder: Path, tmp_path_factory):
    path = folder / "answers.yaml"
    path.write_text(ANSWER + ANSWER.replace("three calls take", "ten calls take"))
    load_course(folder)
    first = AuthoredAnswer.objects.get(question="How long do three calls take?")
    assert (first.also, first.against) == ("three calls how long\nis it 2.4 s?", "two#third")
    assert load_course(folder).made == []
    AuthoredAnswer.objects.filter(pk=first.pk).update(answer="Mine.")
    path.write_text(path.read_text().replace("at once 0.8 s", "side by side 0.8 s"))
    report = load_course(folder)
    assert (report.kept, report.updated) == ([first.question], ["How long do ten calls take?"])
    written = tmp_path_factory.mktemp("written")
    export_course(Course.objects.get(), written)
    assert load_course(written).made == []
    assert "answer: Mine." in (written / "answers.yaml").read_text()


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("passage: one#first", "passage: one#nowhere", "no section one#nowhere"),
        ("against: two#third", "against: ten#third", "no section ten#third"),
        ("  then: Which of yours could overlap?\n", "", "then is missing"),
        ("also: [three calls how long,", "also: three", "answers.yaml"),
        ('also: [three calls how long, "is it 2.4 s?"]', "also: three", "also” is a list"),
    ],
)
def test_load_course_answer_that_is_wrong_is_named(folder: Path, before: str, after: str, words: str):
    (folder / "answers.yaml").write_text(ANSWER.replace(before, after))
    with pytest.raises(CourseFolderError, match=words):
        load_course(folder)
    assert not AuthoredAnswer.objects.exists()


def test_shipped_course_loads_round_trips_and_loads_again(tmp_path: Path):
    assert load_course(SHIPPED).made[0] == "agent-latency"
    assert load_course(SHIPPED).made == []
    export_course(Course.objects.get(), tmp_path)
    report = load_course(tmp_path)
    assert (report.made, report.updated, report.kept) == ([], [], [])
