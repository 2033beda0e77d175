"""An answer as data: read from the whole text, forgiving where models are known to be careless."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

M = TypeVar("M", bound=BaseModel)
Json = dict[str, Any]


def read_data(schema: type[M], text: str) -> M | None:
    """The data that the text holds, None where it holds none of this shape.

    Words of a fixed set may be capitalised differently, and JSON may stand in a fence or between sentences.
    """
    for candidate in _candidates(text):
        try:
            value = json.loads(candidate)
        except (ValueError, RecursionError):
            continue
        if (found := _fit(schema, value)) is not None:
            return found
    return None


def _candidates(text: str) -> Iterator[str]:
    yield text
    first, last = text.find("{"), text.rfind("}")
    if 0 <= first < last and (first, last + 1) != (0, len(text)):
        yield text[first : last + 1]


def _fit(schema: type[M], value: Any) -> M | None:
    try:
        return schema.model_validate_json(json.dumps(value))
    except (ValidationError, ValueError):
        pass
    shape = schema.model_json_schema()
    try:
        return schema.model_validate_json(json.dumps(_spelled(value, shape, shape.get("$defs", {}))))
    except (ValidationError, ValueError):
        return None


def _spelled(value: Any, shape: Json, named: Json) -> Any:
    """The value with each word of a fixed set spelled as the set has it."""
    if "$ref" in shape:
        return _spelled(value, named.get(str(shape["$ref"]).rpartition("/")[2], {}), named)
    for choice in (*shape.get("anyOf", ()), *shape.get("oneOf", ()), *shape.get("allOf", ())):
        value = _spelled(value, choice, named)
    if isinstance(value, str):
        words = [*shape.get("enum", ()), *([shape["const"]] if "const" in shape else ())]
        return next((word for word in words if _same(word, value)), value)
    if isinstance(value, list):
        return [_spelled(each, shape.get("items", {}), named) for each in value]
    if isinstance(value, dict):
        inner = shape.get("properties", {})
        return {key: _spelled(each, inner.get(key, {}), named) for key, each in value.items()}
    return value


def _same(word: Any, value: str) -> bool:
    return isinstance(word, str) and word.casefold() == value.strip().casefold()
