"""The shipped course holds together: its claims, lengths, questions and every passage that is pointed to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

COURSE = Path(__file__).parents[2] / "fixtures" / "agent-latency"
LESSONS = ("parallel-execution", "prompt-caching", "prompt-and-output", "trade-offs")
EXERCISES = ("travel-agent", "legal-review", "slow-prompt")
FIGURES = {
    "parallel-execution": ["parallel"],
    "prompt-caching": ["cache-first-token"],
    "prompt-and-output": ["output-tokens"],
    "trade-offs": [],
}
FINDING_CODES = {
    "dispatch_plan": {
        "missing-dependency",
        "needless-dependency",
        "cycle",
        "speculation-not-worth-it",
        "speculation-missed",
        "fan-in-outweighs",
        "fan-in-waits",
        "blocking-on-loop",
        "tier-too-large",
    },
    "prompt_layout": {
        "volatile-before-stable",
        "instructions-after-document",
        "user-in-shared-prefix",
        "breakpoint-on-changing-block",
        "no-breakpoint",
        "below-minimum",
        "ttl-against-gaps",
        "warmup-misses",
        "keepalive-costs-more",
        "stability-mislabelled",
    },
    "prompt_rewrite": {
        "task-not-first",
        "background-before-task",
        "no-schema",
        "no-length-bound",
        "reasoning-not-worth-it",
        "tier-too-large",
        "accuracy-lost",
        "not-streamed",
        "rule-lost",
    },
}
RUNGS = 5
ANSWER_RUNG = 4
WORDS = range(900, 1601)
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^## (?P<title>.+) \{#(?P<anchor>[a-z][a-z0-9-]*)\}$", re.MULTILINE)


@cache
def _lesson(slug: str) -> tuple[dict[str, Any], str]:
    _, front, body = (COURSE / "lessons" / f"{slug}.md").read_text(encoding="utf-8").split("---\n", 2)
    return yaml.safe_load(front), body


def _sections(slug: str) -> dict[str, str]:
    body = _lesson(slug)[1]
    headings = list(_HEADING.finditer(body))
    ends = [heading.start() for heading in headings[1:]] + [len(body)]
    return {heading["anchor"]: body[heading.end() : end] for heading, end in zip(headings, ends, strict=True)}


def _directives(text: str, name: str) -> list[dict[str, Any]]:
    return [yaml.safe_load(content) for kind, content in _FENCE.findall(text) if kind == name]


@cache
def _exercise(slug: str) -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load((COURSE / "exercises" / f"{slug}.yaml").read_text(encoding="utf-8"))
    return data


@cache
def _glossary() -> list[dict[str, str]]:
    data: list[dict[str, str]] = yaml.safe_load((COURSE / "glossary.yaml").read_text(encoding="utf-8"))
    return data


def _questions() -> Iterator[dict[str, Any]]:
    for slug in LESSONS:
        yield from _directives(_lesson(slug)[1], "question")


def _passages() -> set[str]:
    return {f"{slug}#{anchor}" for slug in LESSONS for anchor in _sections(slug)}


def test_the_course_names_its_lessons_in_order() -> None:
    course = yaml.safe_load((COURSE / "course.yaml").read_text(encoding="utf-8"))
    assert tuple(course["lessons"]) == LESSONS
    assert {path.stem for path in (COURSE / "lessons").iterdir()} == set(LESSONS)


def test_every_claim_is_taught_by_some_lesson() -> None:
    taught = {claim for slug in LESSONS for claim in _lesson(slug)[0]["claims"]}
    assert taught == {f"S{number}" for number in range(1, 26)}


@pytest.mark.parametrize("slug", LESSONS)
def test_a_lesson_has_the_length_of_one_sitting(slug: str) -> None:
    assert len(_FENCE.sub("", _lesson(slug)[1]).split()) in WORDS


@pytest.mark.parametrize("slug", LESSONS)
def test_a_lesson_is_all_sections_and_each_has_an_anchor_of_its_own(slug: str) -> None:
    body = _lesson(slug)[1]
    assert len(re.findall(r"^## ", body, re.MULTILINE)) == len(_sections(slug))
    assert 5 <= len(_sections(slug)) <= 7
    assert body.lstrip().startswith("## ")


@pytest.mark.parametrize("slug", LESSONS)
def test_each_section_asks_one_question_with_one_right_choice(slug: str) -> None:
    for anchor, text in _sections(slug).items():
        (question,) = _directives(text, "question")
        choices = question["choices"]
        assert 2 <= len(choices) <= 4, anchor
        assert [choice["correct"] for choice in choices].count(True) == 1, anchor
        assert all(choice["because"].strip() for choice in choices), anchor
        assert len({choice["text"] for choice in choices}) == len(choices), anchor


def test_questions_have_names_of_their_own() -> None:
    names = [question["id"] for question in _questions()]
    assert len(set(names)) == len(names)


def test_the_right_choice_has_no_favourite_place() -> None:
    places = [[choice["correct"] for choice in question["choices"]].index(True) for question in _questions()]
    assert all(4 <= places.count(place) <= 10 for place in range(4))


@pytest.mark.parametrize("slug", LESSONS)
def test_figures_and_exercises_stand_in_their_lessons(slug: str) -> None:
    body = _lesson(slug)[1]
    assert [figure["name"] for figure in _directives(body, "figure")] == FIGURES[slug]
    linked = [link["slug"] for link in _directives(body, "exercise")]
    assert linked == [name for name in EXERCISES if _exercise(name)["lesson"] == slug]


@pytest.mark.parametrize("slug", LESSONS)
def test_a_lesson_opens_with_a_question_and_knows_where_others_are_answered(slug: str) -> None:
    front = _lesson(slug)[0]
    assert front["coach_opening"].strip().endswith("?")
    assert 4 <= len(front["questions"]) <= 7
    assert {question["anchor"] for question in front["questions"]} <= set(_sections(slug))


def test_every_passage_that_is_pointed_to_exists() -> None:
    pointed = {entry["passage"] for entry in _glossary()}
    pointed |= {m["passage"] for slug in EXERCISES for m in _exercise(slug)["misconceptions"]}
    assert pointed <= _passages()


@pytest.mark.parametrize("slug", EXERCISES)
def test_each_finding_has_a_misconception_and_a_ladder(slug: str) -> None:
    exercise = _exercise(slug)
    codes = FINDING_CODES[exercise["kind"]]
    for part in ("misconceptions", "hints"):
        assert sorted(entry["finding_code"] for entry in exercise[part]) == sorted(codes), part
    for hint in exercise["hints"]:
        assert len(hint["rungs"]) == RUNGS
        assert "{place}" in hint["rungs"][ANSWER_RUNG]
        assert hint["rungs"][1].endswith("?")


@pytest.mark.parametrize("slug", EXERCISES)
def test_the_brief_is_short_enough_to_be_read(slug: str) -> None:
    assert 150 <= len(_exercise(slug)["brief"].split()) <= 310


def test_nothing_belittles_the_learner() -> None:
    for slug in EXERCISES:
        exercise = _exercise(slug)
        rungs = [text for hint in exercise["hints"] for text in hint["rungs"]]
        texts = rungs + [m["explanation"] for m in exercise["misconceptions"]]
        found = [text for text in texts if re.search(r"\b(simply|obviously|just (?!before))", text)]
        assert not found


def test_glossary_terms_are_unique_and_defined_in_one_sentence() -> None:
    terms = [entry["term"] for entry in _glossary()]
    assert len(set(terms)) == len(terms) >= 30
    for entry in _glossary():
        assert entry["definition"].endswith(".")
        assert len(re.findall(r"[.!?](?=\s|$)", entry["definition"])) == 1, entry["term"]


@cache
def _answers() -> list[dict[str, Any]]:
    data: list[dict[str, Any]] = yaml.safe_load((COURSE / "answers.yaml").read_text(encoding="utf-8"))
    return data


def test_every_section_has_answers_and_those_of_conflicts_more() -> None:
    places = [entry["passage"] for entry in _answers()]
    assert {
        entry.get("against", place) for entry, place in zip(_answers(), places, strict=True)
    } <= _passages()
    for place in _passages():
        assert places.count(place) >= (4 if place.startswith("trade-offs#") else 2), place


def test_every_suggested_question_has_an_answer_written_for_it() -> None:
    asked = {entry["question"] for entry in _answers()}
    suggested = {row["question"] for slug in LESSONS for row in _lesson(slug)[0]["questions"]}
    assert suggested <= asked


def test_answers_are_short_ask_back_and_belittle_nobody() -> None:
    for entry in _answers():
        text = entry["answer"]
        assert len(text.split()) <= 70, entry["question"]
        assert entry["then"].endswith("?"), entry["question"]
        assert entry["then"].count("?") == 1, entry["question"]
        assert 2 <= len(entry["also"]) <= 20, entry["question"]
        assert not re.search(r"\b(simply|obviously|just|of course|great question)\b", text), entry["question"]


def test_each_way_of_asking_leads_to_one_answer() -> None:
    ways = [way.lower() for entry in _answers() for way in (entry["question"], *entry["also"])]
    assert sorted({way for way in ways if ways.count(way) > 1}) == []


def test_a_conflict_leads_on_to_another_one() -> None:
    for entry in _answers():
        if entry["passage"].startswith("trade-offs#"):
            assert entry["against"] not in {"", entry["passage"]}, entry["question"]


def test_answers_tell_nothing_about_the_things_of_the_exercises() -> None:
    theirs = re.compile(
        r"\b(flights?|hotels?|visa|lounge|loyalty|baggage|seats?|lawyers?|contracts?|expenses?)\b", re.I
    )
    assert [entry["question"] for entry in _answers() if theirs.search(entry["answer"])] == []
