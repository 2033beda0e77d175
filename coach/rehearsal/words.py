"""What the server says when nobody tells it: that it is no model, or JSON that keeps to the asked schema."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from coach.rehearsal.asked import Asked, Json
from coach.rehearsal.refusals import invalid

NOTICE = "This is the rehearsal server, not a model."
_MORE = (
    "Nobody has read your question, and nothing here is advice.",
    "What you see is how an answer arrives: word by word, at the speed of a model of this size,",
    "with a cache and a bill by the same rules.",
    "Ask a real model for a real answer.",
)
THOUGHT = "The rehearsal server does not think; this stands where thinking would."
DEPTH = 12
"""Levels of a schema that are followed; deeper ones are left out where they may be."""
_EXAMPLES = {
    "date": "2026-11-01",
    "date-time": "2026-11-01T12:00:00Z",
    "time": "12:00:00Z",
    "duration": "PT1M",
    "email": "rehearsal@example.org",
    "hostname": "example.org",
    "ipv4": "127.0.0.1",
    "ipv6": "::1",
    "uri": "https://example.org/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


@dataclass(frozen=True, slots=True)
class Say:
    """An answer. `thinking` comes before the text, in a block of its own, and is paid for like it.

    `stop_reason` is the API's; None leaves it to the server: `end_turn`, or `max_tokens` where it was cut.
    """

    text: str
    thinking: str = ""
    stop_reason: str | None = None


def rehearsed(asked: Asked) -> Say:
    """The server's own answer, the same for the same request. Raises Refused for a schema it cannot fill."""
    thinking = THOUGHT if asked.thinking in {"adaptive", "enabled"} else ""
    if asked.schema is not None:
        return Say(json.dumps(example_of(asked.schema), ensure_ascii=False), thinking)
    return Say(" ".join([NOTICE, *_MORE]), thinking)


def example_of(schema: Json) -> Any:
    """A value that the schema accepts: the first of every choice, every property that it names."""
    return _Example(schema).of(schema, 0)


class _Example:
    """One schema's `$ref`s are looked up in its own `$defs`."""

    def __init__(self, root: Json) -> None:
        self.root = root

    def of(self, schema: Json, depth: int) -> Any:
        schema = self._resolved(schema, depth)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        for choice in ("anyOf", "oneOf"):
            if choice in schema:
                return self._first(schema[choice], depth)
        kinds = schema.get("type", "object" if "properties" in schema else "string")
        return self._of_kind(kinds if isinstance(kinds, str) else kinds[0], schema, depth)

    def _resolved(self, schema: Json, depth: int) -> Json:
        for _ in range(DEPTH):
            if "$ref" in schema:
                rest = {key: value for key, value in schema.items() if key != "$ref"}
                schema = {**self._referred(str(schema["$ref"])), **rest}
            elif "allOf" in schema:
                parts = [self._resolved(part, depth) for part in schema["allOf"]]
                schema = _merged({key: value for key, value in schema.items() if key != "allOf"}, parts)
            else:
                return schema
        raise invalid("output_config.format.schema: references that refer to each other")

    def _referred(self, pointer: str) -> Json:
        found: Any = self.root
        try:
            for step in pointer.removeprefix("#").strip("/").split("/") if pointer != "#" else []:
                found = found[step.replace("~1", "/").replace("~0", "~")]
        except (KeyError, TypeError):
            raise invalid(f"output_config.format.schema: nothing at {pointer!r}") from None
        return dict(found)

    def _first(self, choices: list[Json], depth: int) -> Any:
        if depth < DEPTH:
            return self.of(choices[0], depth + 1)
        # Deep inside a schema that contains itself: the way out is a choice that does not go further.
        ends = [
            each for each in choices if self._resolved(each, depth).get("type") not in {"object", "array"}
        ]
        return self.of((ends or choices)[0], depth + 1)

    def _of_kind(self, kind: str, schema: Json, depth: int) -> Any:
        if depth > 2 * DEPTH:
            raise invalid("output_config.format.schema: contains itself without an end")
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            return self._array(schema, depth)
        if kind in {"integer", "number"}:
            return _number(schema, whole=kind == "integer")
        return {"boolean": True, "null": None}[kind] if kind in {"boolean", "null"} else _string(schema)

    def _object(self, schema: Json, depth: int) -> Json:
        properties: Json = schema.get("properties", {})
        names = [*properties] if depth < DEPTH else [n for n in properties if n in schema.get("required", [])]
        return {name: self.of(properties[name], depth + 1) for name in names}

    def _array(self, schema: Json, depth: int) -> list[Any]:
        least = int(schema.get("minItems", 0))
        most = int(schema.get("maxItems", max(least, 1)))
        size = min(most, max(least, 1 if depth < DEPTH else 0))
        if "prefixItems" in schema:
            return [self.of(each, depth + 1) for each in schema["prefixItems"]]
        if "items" not in schema:
            return [NOTICE] * least
        return [self.of(schema["items"], depth + 1) for _ in range(size)]


def _merged(schema: Json, parts: list[Json]) -> Json:
    merged = dict(schema)
    for part in parts:
        properties = {**merged.get("properties", {}), **part.get("properties", {})}
        required = [*merged.get("required", []), *part.get("required", [])]
        merged = {**merged, **part}
        merged |= {"properties": properties, "required": required} if properties else {}
    return merged


def _string(schema: Json) -> str:
    text = _EXAMPLES.get(str(schema.get("format", "")), NOTICE)
    least, most = int(schema.get("minLength", 0)), schema.get("maxLength")
    text += " " + "again " * max(0, least - len(text)) if len(text) < least else ""
    return text if most is None else text[: int(most)]


def _number(schema: Json, *, whole: bool) -> float | int:
    step = schema.get("multipleOf", 1)
    least: Any = schema.get("minimum", schema.get("exclusiveMinimum", 0))
    value = -(-least // step) * step
    if value == schema.get("exclusiveMinimum"):
        value += step
    most = schema.get("maximum", schema.get("exclusiveMaximum"))
    if most is not None and value > most:
        value = most
    return int(value) if whole else float(value)
