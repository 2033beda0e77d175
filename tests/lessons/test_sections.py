from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lessons.sections import read_lesson, read_questions
from tests.lessons.factories import SOURCE

QUESTION = """```question
id: {id}
prompt: "?"
choices:
  - {{text: a, correct: true, because: b}}
  - {{text: c, because: d}}
```
"""


def said(source: str) -> list[str]:
    return [str(problem) for problem in read_lesson(source).problems]


def test_read_lesson_splits_sections_and_blocks():
    text = read_lesson(SOURCE)
    assert text.problems == []
    assert [section["anchor"] for section in text.sections] == ["first", "second", "third"]
    assert [block["kind"] for block in text.sections[0]["blocks"]] == ["html", "question"]
    assert text.sections[0]["title"] == "First things"
    assert text.sections[0]["text"].startswith("Three calls of 800 ms take")
    assert text.sections[2]["blocks"][0]["several"] is True


def test_read_lesson_title_with_markup_is_words():
    section = read_lesson("## The `asyncio` *way* {#way}\n\ntext").sections[0]
    assert (section["title"], section["anchor"]) == ("The asyncio way", "way")


def test_read_lesson_text_before_the_first_heading_is_an_introduction():
    assert read_lesson("Hello.\n\n## A {#a}\n\nb").sections[0]["anchor"] == "introduction"


def test_read_lesson_reference_links_work_across_sections():
    text = read_lesson("## A {#a}\n\n[x][y]\n\n## B {#b}\n\nc\n\n[y]: https://example.org\n")
    assert "https://example.org" in text.sections[0]["blocks"][0]["html"]


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("## No anchor\n\ntext", "Line 1: The section needs an anchor, such as {#no-anchor}."),
        ("## A {#a}\n\nx\n\n## B {#a}\n\ny", "Line 5: “a” is used twice in this lesson."),
        ("## A {#Not Good}\n\nx", "Line 1: “Not Good”: use small letters, digits and hyphens."),
        ("# Title\n\ntext", "Line 1: The lesson's title is its own field; sections begin with ##."),
        ("## A {#a}\n\n```figure\nname: nothing\n```\n", "Line 3: figure: no figure is called “nothing”"),
        ("## A {#a}\n\n```figure\nname: [\n```\n", "Line 5: figure:"),
        ("## A {#a}\n\n```figure\n- x\n```\n", "Line 3: figure: write it as “name: value” lines"),
        ("## A {#a}\n\n```exercise\nslug: Not/Good\n```\n", "Line 3: exercise: “Not/Good”"),
        ("## A {#a}\n\n```exercise\nslug: a\nmore: b\n```\n", "Line 3: exercise: unknown: more"),
        (
            "## A {#a}\n\n```question\nid: q\nprompt: x\nchoices: []\n```\n",
            "“choices” is a list of 2 to 8 choices",
        ),
        ("## A {#a}\n\n```question\nprompt: x\nchoices: [{}, {}]\n```\n", "“text” is missing or is not text"),
        (
            "## A {#a}\n\n" + QUESTION.format(id="q") + "\n" + QUESTION.format(id="r"),
            "A section asks one question",
        ),
        (
            "## A {#a}\n\n" + QUESTION.format(id="q") + "\n## B {#b}\n\n" + QUESTION.format(id="q"),
            "“q” is used twice in this lesson.",
        ),
        ("", "Line 1: The lesson has no text yet."),
    ],
)
def test_read_lesson_problem_is_told_with_its_line(source: str, words: str):
    assert any(words in message for message in said(source)), said(source)


def test_read_lesson_question_without_a_right_choice_is_refused():
    source = "## A {#a}\n\n" + QUESTION.format(id="q").replace("correct: true, ", "")
    assert "no choice is marked “correct: true”" in said(source)[0]


def test_read_questions_need_a_section_of_the_lesson():
    text = read_lesson("## A {#a}\n\nx")
    assert read_questions("Why? {#a}\n\nHow? {#b}", text) == [
        {"question": "Why?", "anchor": "a"},
    ]
    assert [problem.line for problem in text.problems] == [3]


@settings(deadline=None)
@given(st.text(alphabet="#{}`abcfigurequestion:-[]\n &*!|>", max_size=300))
def test_read_lesson_any_text_gives_sections_or_problems(source: str):
    text = read_lesson(source)
    assert text.sections or text.problems
