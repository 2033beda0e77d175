"""The panel that works on a prompt sentence by sentence, on the shipped scenario."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from django.template.loader import render_to_string
from hypothesis import given
from hypothesis import strategies as st

from exercises.kinds.prompt_rewrite import KIND
from exercises.kinds.prompt_rewrite.panel import MAX_SHOWN, take_apart
from exercises.kinds.prompt_rewrite.reading import sentences
from exercises.kinds.prompt_rewrite.spec import RewriteSpec

SHIPPED = yaml.safe_load(Path("fixtures/agent-latency/exercises/slow-prompt.spec.yaml").read_text())
SPEC = RewriteSpec.model_validate(SHIPPED["spec"])
SHORT = "One is here. Two follows.\n\nThree stands alone:\n{expense}\n"
TEXTS = st.text(st.sampled_from("ab .!?\n\t-{}…\u2028"), max_size=60)


def form_with(text: str) -> dict[str, list[str]]:
    return KIND.to_form(SPEC, KIND.starting_answer(SPEC)) | {"text": [text]}


def after(text: str, *commands: str) -> str:
    form = form_with(text)
    for command in commands:
        form = KIND.commanded(SPEC, form, command)
    return form["text"][0]


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("up:1", "Two follows. One is here.\n\nThree stands alone:\n{expense}\n"),
        ("down:0", "Two follows. One is here.\n\nThree stands alone:\n{expense}\n"),
        ("top:2", "Three stands alone:\nOne is here. Two follows.\n\n{expense}\n"),
        ("cut:0", "Two follows.\n\nThree stands alone:\n{expense}\n"),
        ("cut:1", "One is here.\n\nThree stands alone:\n{expense}\n"),
        ("add:4", "One is here. Two follows.\n\nThree stands alone:\n{expense}\nThink step by step.\n"),
    ],
)
def test_commands_change_the_text(command, text):
    assert after(SHORT, command) == text


def test_sentence_without_a_full_stop_does_not_melt_into_the_next():
    text = after("First of all. Then this. Heading\nlast {expense}", "up:2")
    assert text == "First of all. Heading\nThen this.\nlast {expense}"


@pytest.mark.parametrize(
    "command",
    [
        "",
        "up:0",
        "down:3",
        "top:0",
        "cut:3",
        "cut:9",
        "add:99",
        "add:-1",
        "cut:",
        "cut:x",
        "cut:1\x00",
        "cut:²",
    ],
)
def test_commands_that_make_no_sense_change_nothing(command):
    assert KIND.commanded(SPEC, form_with(SHORT), command) == form_with(SHORT)


def test_line_is_added_once():
    assert after(SHORT, "add:0", "add:0") == after(SHORT, "add:0")


@given(text=TEXTS)
def test_text_taken_apart_comes_together_again(text):
    assert take_apart(text).text == text


@given(text=TEXTS, verb=st.sampled_from(["up", "down", "top"]), at=st.integers(0, 6))
def test_moves_lose_and_make_no_sentence(text, verb, at):
    moved = after(text, f"{verb}:{at}")
    assert sorted(take_apart(moved).sentences) == sorted(take_apart(text).sentences)


@given(text=TEXTS, at=st.integers(0, 6))
def test_removing_takes_one_sentence_and_leaves_the_rest(text, at):
    before, left = take_apart(text).sentences, take_apart(after(text, f"cut:{at}")).sentences
    assert left == before or left == (*before[:at], *before[at + 1 :])


def test_panel_lists_every_sentence_with_an_id_of_its_own():
    context = KIND.workbench_context(SPEC, form_with(f"{SPEC.text}\nWelcome!"), {})
    ids = [sentence["id"] for sentence in context["sentences"]]
    assert len(set(ids)) == len(ids) == sum(1 for _part in sentences(SPEC.text)) + 1
    assert not context["panel_is_open"]


def test_panel_lists_a_bounded_number_and_says_so():
    context = KIND.workbench_context(SPEC, form_with("Word.\n" * 500 + "{expense}"), {})
    assert len(context["sentences"]) == MAX_SHOWN
    assert context["unseen"] == 501 - MAX_SHOWN
    assert f"{context['unseen']} more stand in the text" in render_to_string(KIND.workbench_template, context)


def test_status_line_says_what_was_done():
    form = KIND.commanded(SPEC, form_with(SHORT), "top:1")
    context = KIND.workbench_context(SPEC, form, {})
    assert context["panel_is_open"]
    assert context["announcement"] == "“Two follows.” is now sentence 1 of 4."
    removed = KIND.commanded(SPEC, form_with(SHORT), "cut:0")
    assert "3 are left" in KIND.workbench_context(SPEC, removed, {})["announcement"]


def test_lines_on_offer_solve_and_mislead():
    text = SPEC.reference.text.replace("Reply in JSON with the keys category (one of the categories), ", "")
    graded = {
        line: {
            finding.code
            for finding in KIND.grade(
                SPEC,
                KIND.reference_answers(SPEC)[0].model_copy(update={"text": f"{text}{line}\n"}),
                prediction=None,
            ).findings
        }
        for line in SPEC.offered
    }
    assert any(not found for found in graded.values())
    assert any("reasoning-not-worth-it" in found for found in graded.values())
