"""Names that a request may use, as in the SDK's types of 2026-10: the API takes no others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from coach.rehearsal.refusals import invalid

_REQUEST = {
    "cache_control", "container", "diagnostics", "inference_geo", "max_tokens", "messages", "metadata",
    "model", "output_config", "service_tier", "speed", "stop_sequences", "stream", "system", "thinking",
    "tool_choice", "tools", "user_profile_id", "temperature", "top_p", "top_k",
}  # fmt: skip
"""The last three are known, and refused in words of their own."""
_INNER = {
    "cache_control": {"type", "ttl"},
    "diagnostics": {"previous_message_id"},
    "metadata": {"user_id"},
    "output_config": {"effort", "format"},
    "thinking": {"type", "budget_tokens", "display"},
}
_MESSAGE = {"role", "content"}
_TEXT = {"type", "text", "cache_control", "citations"}


def check_fields(data: Any) -> None:
    """Raises Refused (400)."""
    if not isinstance(data, dict):
        raise invalid("The request body must be a JSON object.")
    for place, found, known in _objects(data):
        if not isinstance(found, dict):
            raise invalid(f"{place or 'body'}: Input should be an object")
        for name in found:
            if name not in known:
                raise invalid(f"{f'{place}.' if place else ''}{name}: Extra inputs are not permitted")
        if known is _TEXT and not str(found.get("text", "")).strip():
            raise invalid(f"{place}: text content blocks must be non-empty")


def _objects(data: dict[str, Any]) -> Iterator[tuple[str, Any, set[str]]]:
    """(where, what, the names that it may have)."""
    yield "", data, _REQUEST
    for name, known in _INNER.items():
        if data.get(name) is not None:
            yield name, data[name], known
    for place, message in enumerate(data.get("messages") or ()):
        yield f"messages.{place}", message, _MESSAGE
        yield from _texts(f"messages.{place}.content", message.get("content"))
    yield from _texts("system", data.get("system"))


def _texts(place: str, content: Any) -> Iterator[tuple[str, Any, set[str]]]:
    if isinstance(content, str):
        yield place, {"text": content}, _TEXT
    for number, part in enumerate(content if isinstance(content, list) else ()):
        if part.get("type") == "text":
            yield f"{place}.{number}", part, _TEXT
        if part.get("cache_control") is not None:
            yield f"{place}.{number}.cache_control", part["cache_control"], _INNER["cache_control"]
