"""JSON and graphs that break parsers and searches: a typed refusal or an answer, never a 500 (T17, T18)."""

from __future__ import annotations

import json
import re
from uuid import uuid4

import pytest
from django.urls import reverse

from coach.engine.errors import CycleError
from coach.engine.graph import Fixed, Task, TaskGraph
from coach.engine.simulation import simulate
from coach.frames import QUESTION_MAX_CHARACTERS, Ask, FrameRefused, parse_command
from tests.threats.texts import DOCUMENTS
from tests.threats.world import World

POSTS = [
    "coach:ask",
    "exercises:submit",
    "exercises:draft",
    "lessons:answer",
    "lessons:log_in",
    "lessons:sign_up",
]


@pytest.mark.parametrize("document", DOCUMENTS, ids=range(len(DOCUMENTS)))
def test_frame_of_any_document_is_refused_by_name(document: str):
    with pytest.raises(FrameRefused):
        parse_command(document)


@pytest.mark.parametrize("document", DOCUMENTS, ids=range(len(DOCUMENTS)))
def test_frame_with_any_document_as_its_question_is_text_or_refused(document: str):
    question = json.dumps(document, ensure_ascii=True)
    frame = f'{{"do":"ask","subject":"lesson:a","key":"{uuid4()}","question":{question}}}'
    storable = not re.search("[\x00\ud800-\udfff]", document)
    if storable and 0 < len(document.strip()) <= QUESTION_MAX_CHARACTERS:
        command = parse_command(frame)
        assert isinstance(command, Ask)
        assert command.question == document.strip()
        return
    with pytest.raises(FrameRefused) as refusal:
        parse_command(frame)
    assert refusal.value.code in {"question", "too-large"}


def test_body_of_any_document_is_refused(world: World):
    browser = world.browser("owner")
    for name in POSTS:
        path = reverse(name, kwargs=world.arguments(name))
        for document in DOCUMENTS[::3]:
            body = document.encode("utf-8", "surrogatepass")
            status = browser.post(path, body, content_type="application/json").status_code
            assert status < 500, (name, document[:40])


def test_form_of_a_plan_with_impossible_arrows_is_refused_or_graded(world: World):
    browser = world.browser("owner")
    path = reverse("exercises:submit", args=["travel-agent"])
    page = browser.get(reverse("exercises:exercise", args=["travel-agent"]))
    tasks = (
        [str(name) for name in page.context["workbench"].spec.names] if "workbench" in page.context else []
    )
    for sources in (["compose"], ["nowhere"], ["flights"] * 900, tasks, ["\x00"], ["'"], ["x" * 90_000]):
        for name in ("waits-flights", "waits-compose", "waits-nowhere", "waits-"):
            assert browser.post(path, {name: sources}).status_code in {302, 400, 422}, (name, sources[:2])


def test_graph_of_a_long_chain_needs_no_stack():
    chain = [Task(str(n), (str(n - 1),) if n else (), duration=Fixed(0.001)) for n in range(5000)]
    graph = TaskGraph(chain)
    assert len(graph.critical_path().tasks) == 5000
    assert simulate(graph).makespan == pytest.approx(5.0)


@pytest.mark.parametrize("layers", [20, 60])
def test_graph_of_diamonds_is_not_walked_path_by_path(layers: int):
    """2 ** layers paths from end to end: who enumerates them does not come back."""
    tasks = [Task("0a", duration=Fixed(1.0)), Task("0b", duration=Fixed(1.0))]
    for n in range(1, layers):
        tasks += [Task(f"{n}{x}", (f"{n - 1}a", f"{n - 1}b"), duration=Fixed(1.0)) for x in "ab"]
    graph = TaskGraph(tasks)
    assert graph.critical_path().seconds == layers
    assert set(graph.slack().values()) == {0.0}
    assert len(graph.ancestors(f"{layers - 1}a")) == 2 * (layers - 1)


def test_graph_that_is_a_ring_of_thousands_is_named_not_walked_for_ever():
    ring = [Task(str(n), (str((n - 1) % 5000),)) for n in range(5000)]
    with pytest.raises(CycleError):
        TaskGraph(ring)
