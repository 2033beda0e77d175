"""Courses, lessons and people for the tests."""

from __future__ import annotations

from itertools import count
from typing import Any

from lessons.actions import publish_lesson
from lessons.models import Course, Lesson, LessonRevision, User

PASSWORD = "a long and quiet river"
numbers = count(1)

SOURCE = """\
## First things {#first}

Three calls of **800 ms** take $3 \\times 0.8$ seconds.

```question
id: first-question
prompt: "How long?"
choices:
  - text: "2.4 s"
    correct: true
    because: "The sum."
  - text: "0.8 s"
    correct: false
    because: "That is the maximum."
```

## Second things {#second}

Nothing is asked here.

## Third things {#third}

```question
id: third-question
prompt: "Which two?"
choices:
  - text: "this"
    correct: true
    because: "Yes, this."
  - text: "that"
    correct: true
    because: "Yes, that."
  - text: "neither"
    correct: false
    because: "No."
```
"""


def make_course(**fields: Any) -> Course:
    number = next(numbers)
    return Course.objects.create(**{"slug": f"course-{number}", "title": f"Course {number}", **fields})


def make_lesson(**fields: Any) -> Lesson:
    number = next(numbers)
    course = fields.pop("course", None) or make_course()
    given = {
        "slug": f"lesson-{number}",
        "title": f"Lesson {number}",
        "source": SOURCE,
        "position": number,
        **fields,
    }
    return Lesson.objects.create(course=course, **given)


def make_published_lesson(**fields: Any) -> Lesson:
    lesson = make_lesson(**fields)
    publish_lesson(lesson=lesson)
    return lesson


def make_member(**fields: Any) -> User:
    given = {"email": f"person-{next(numbers)}@example.org", "password": PASSWORD, **fields}
    return User.objects.create_user(**given)


def make_instructor() -> User:
    return make_member(is_staff=True, is_superuser=True)


def revision_of(lesson: Lesson | str) -> LessonRevision:
    """What learners see of a lesson now."""
    slug = lesson if isinstance(lesson, str) else lesson.slug
    revision = Lesson.objects.get(slug=slug).published
    assert revision is not None
    return revision
