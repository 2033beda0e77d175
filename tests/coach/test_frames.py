from __future__ import annotations

import json
import uuid

import pytest

from coach.frames import Ask, FrameRefused, Stop, parse_command

KEY = str(uuid.uuid4())
ASK = {"do": "ask", "subject": "lesson:parallel", "key": KEY, "question": "Why?"}


def code_of(text: str) -> str:
    with pytest.raises(FrameRefused) as refused:
        parse_command(text)
    return refused.value.code


def test_frame_question_is_read_with_its_subject():
    command = parse_command(json.dumps(ASK | {"HEADERS": {"HX-Request": "true"}}))
    assert isinstance(command, Ask)
    assert (command.subject.kind, command.subject.slug, command.question) == ("lesson", "parallel", "Why?")


def test_frame_stop_is_read():
    assert isinstance(parse_command(json.dumps({"do": "stop", "turn": KEY})), Stop)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "1",
        '"x"',
        "[]",
        "{",
        "{}",
        '{"do":"ask"}',
        '{"do":"drop tables"}',
        '{"do":null}',
        "NaN",
        '{"do":NaN}',
        '{"do":"ack","shown":-1}',
        '{"do":"ack","shown":1e400}',
        '{"do":"ack","shown":' + "9" * 5000 + "}",
        "[" * 100_00 + "]" * 100_00,
        '{"a":' * 1000 + "1" + "}" * 1000,
        '{"do":"ack","shown":1,"extra":1}',
        '{"do":"subscribe","subject":"lesson:x","cursors":{"not-a-uuid":1}}',
        '{"do":"ack","do":"stop"}',
        "\ud800",
    ],
)
def test_frame_hostile_text_is_refused_by_name(text: str):
    assert code_of(text) in {"malformed", "unknown", "too-large", "subject"}


@pytest.mark.parametrize("question", ["", " ", "a\x00b", "\ud800", "x" * 2001, 5, None, ["a"], {"a": "b"}])
def test_frame_unstorable_question_is_named(question: object):
    assert code_of(json.dumps(ASK | {"question": question})) == "question"


@pytest.mark.parametrize(
    "subject",
    ["", "lesson:", "lesson", "x:y", "lesson:../../etc", "lesson:" + "a" * 200, 3, None, "lesson:a b"],
)
def test_frame_subject_that_cannot_be_is_named(subject: object):
    assert code_of(json.dumps(ASK | {"subject": subject})) == "subject"


def test_frame_over_the_limit_is_refused_before_it_is_parsed(settings):
    settings.FRAME_MAX_BYTES = 1000
    assert code_of(json.dumps(ASK | {"question": "é" * 600})) == "too-large"


def test_frame_brackets_inside_a_question_are_text():
    question = "[{" * 40
    command = parse_command(json.dumps(ASK | {"question": question}))
    assert isinstance(command, Ask)
    assert command.question == question
