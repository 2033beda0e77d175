"""Whatever is asked, it is either understood or refused in the API's words."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from coach.rehearsal.checks import understood
from coach.rehearsal.ledger import BODIES, Entry, Ledger
from coach.rehearsal.measures import CHARACTERS
from coach.rehearsal.refusals import Refused
from coach.rehearsal.words import rehearsed
from tests.coach.rehearsal.calling import SONNET, marked, request

WHOLE: dict[str, Any] = request(
    system=[marked("Be brief.", "1h"), marked("Be kind.")],
    messages=[
        {"role": "user", "content": [marked("What is a critical path?")]},
        {"role": "assistant", "content": "The longest one."},
        {"role": "user", "content": "Why?"},
    ],
    tools=[{"name": "look", "input_schema": {"type": "object"}}],
    tool_choice={"type": "auto"},
    thinking={"type": "adaptive", "display": "summarized"},
    output_config={
        "effort": "low",
        "format": {
            "type": "json_schema",
            "schema": {
                "type": "object",
                "properties": {
                    "all": {"type": "array", "items": {"anyOf": [{"enum": ["a"]}, {"type": "null"}]}}
                },
                "additionalProperties": False,
            },
        },
    },
    metadata={"user_id": "turn"},
    diagnostics={"previous_message_id": None},
    stop_sequences=["END"],
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(SONNET),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every way into a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, each in inner for found in places(each, (*path, key)))]


def with_another(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    if not path:
        return other
    changed = copy.deepcopy(value)
    holder = changed
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = other
    return changed


def test_request_with_everything_is_understood() -> None:
    asked = understood(json.dumps(WHOLE).encode(), CHARACTERS)
    assert [block.breakpoint for block in asked.prompt.blocks] == [None, "1h", "5m", "5m", None, None]
    assert json.loads(rehearsed(asked).text) == {"all": ["a"]}


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(places(WHOLE)), JSON)
def test_request_with_one_thing_wrong_is_understood_or_refused(path: tuple[Any, ...], other: Any) -> None:
    body = json.dumps(with_another(WHOLE, path, other)).encode()
    try:
        said = rehearsed(understood(body, CHARACTERS)).text
    except Refused as refused:
        said, status = refused.message, refused.status
    else:
        status = 200
    assert said
    assert status in {200, 400, 404}


def test_ledger_lets_go_of_old_requests() -> None:
    ledger = Ledger()
    for number in range(BODIES + 2):
        ledger.begin(Entry(request_id=str(number), body={"model": SONNET}))
    assert [bool(entry.body) for entry in ledger.entries] == [False] * 2 + [True] * BODIES
