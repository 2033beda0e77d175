"""JSON schemas of structured output: which the API takes, and a value that such a schema accepts.

Taken is what the provider's SDK leaves in a schema when it makes one fit for the API; a bound on numbers or
lengths, a pattern, a schema inside itself are refused, as its page on structured outputs says.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from coach.rehearsal.refusals import Refused, invalid

Schema = dict[str, Any]
_DEEPEST = 64
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
_ANYWHERE = {"type", "enum", "const", "anyOf", "allOf", "$ref", "$defs", "definitions"}
_ANNOTATIONS = {"title", "description", "default", "examples", "$schema", "$comment"}
_OF_TYPE = {
    "object": {"properties", "required", "additionalProperties"},
    "array": {"items", "minItems"},
    "string": {"format"},
}


def check_schema(schema: Any) -> None:
    """Raises Refused (400)."""
    try:
        _check(schema, schema, ())
        example_of(schema, "")
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        raise _refused(f"nothing fits it ({type(error).__name__}: {error})") from None


def _refused(why: str) -> Refused:
    return invalid(f"output_config.format.schema: {why}")


def _check(schema: Schema, root: Schema, above: tuple[str, ...]) -> None:
    """`above` are the references that lead here."""
    if len(above) > _DEEPEST:
        raise _refused("too deep")
    if not set(schema) & {"type", "enum", "const", "anyOf", "allOf", "$ref"}:
        raise _refused("every schema needs a type, a choice or a reference")
    kinds = schema.get("type", ())
    kinds = [kinds] if isinstance(kinds, str) else kinds
    known = _ANYWHERE | _ANNOTATIONS | {word for kind in kinds for word in _OF_TYPE.get(kind, ())}
    if unknown := set(schema) - known:
        raise _refused(f"{sorted(unknown)[0]!r} is not supported here")
    if "object" in kinds and schema.get("additionalProperties") is not False:
        raise _refused("for 'object' type, 'additionalProperties' must be explicitly set to false")
    if schema.get("minItems", 0) not in {0, 1}:
        raise _refused("'minItems' can be 0 or 1")
    if schema.get("format", "date") not in {*_EXAMPLES, "text"}:
        raise _refused(f"the format {schema['format']!r} is not supported")
    for reference, inner in _inner(schema, root):
        if reference and reference in above:
            raise _refused(f"{reference!r} contains itself")
        _check(inner, root, (*above, reference))


def _inner(schema: Schema, root: Schema) -> Iterator[tuple[str, Schema]]:
    """(where it was referred to, schema) of all that this one is made of."""
    if "$ref" in schema:
        yield str(schema["$ref"]), _referred(str(schema["$ref"]), root)
    parts = [*schema.get("properties", {}).values(), *schema.get("anyOf", ()), *schema.get("allOf", ())]
    if "items" in schema:
        parts.append(schema["items"])
    yield from (("", part) for part in parts)


def _referred(pointer: str, root: Schema) -> Schema:
    found: Any = root
    try:
        for step in pointer.removeprefix("#/").split("/") if pointer != "#" else ():
            found = found[step.replace("~1", "/").replace("~0", "~")]
    except (KeyError, TypeError):
        found = None
    if not isinstance(found, dict):
        raise _refused(f"nothing at {pointer!r}")
    return found


def example_of(schema: Schema, words: str) -> Any:
    """A value that a checked schema accepts: the first of every choice, lists of one, `words` as text."""
    return _example(schema, schema, words)


def _example(schema: Schema, root: Schema, words: str) -> Any:
    if "$ref" in schema:
        return _example(_referred(str(schema["$ref"]), root), root, words)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return _example(schema["anyOf"][0], root, words)
    if "allOf" in schema:
        return _all_of([_example(part, root, words) for part in schema["allOf"]])
    kinds = schema["type"]
    return _of_kind(kinds if isinstance(kinds, str) else kinds[0], schema, root, words)


def _all_of(values: list[Any]) -> Any:
    """Objects together have all properties; of anything else the first will do."""
    if all(isinstance(value, dict) for value in values):
        return {name: inner for value in values for name, inner in value.items()}
    return values[0]


def _of_kind(kind: str, schema: Schema, root: Schema, words: str) -> Any:
    if kind == "object":
        return {name: _example(inner, root, words) for name, inner in schema.get("properties", {}).items()}
    if kind == "array":
        return [_example(schema["items"], root, words) if "items" in schema else words]
    if kind == "string":
        return _EXAMPLES.get(schema.get("format", ""), words)
    return {"integer": 1, "number": 1.0, "boolean": True, "null": None}[kind]
