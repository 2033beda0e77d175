"""What the API refuses before any model reads it, in its own words where they are known."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from coach.engine.cache import lay
from coach.engine.errors import PromptError
from coach.rehearsal.asked import Asked, Json, parts_of, prompt_of, thinking_of
from coach.rehearsal.fields import check_fields
from coach.rehearsal.measures import Measure
from coach.rehearsal.models import EFFORTS, Model, model_named
from coach.rehearsal.refusals import Refused, invalid
from coach.rehearsal.schemas import check_schema

LARGEST_BODY = 32 * 2**20
"""Bytes of a request; more is a 413."""


def check_key(headers: Mapping[str, str], keys: frozenset[str] | None) -> None:
    """Any key will do unless some are named. Raises Refused (401)."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    key = headers.get("x-api-key") or (token.strip() if scheme.lower() == "bearer" else "")
    if not key:
        raise Refused(401, "authentication_error", "x-api-key header is required")
    if keys is not None and key not in keys:
        raise Refused(401, "authentication_error", "invalid x-api-key")
    if "anthropic-version" not in headers:
        raise invalid("anthropic-version: header is required")


def understood(body: bytes, measure: Measure) -> Asked:
    """A request to write. Raises Refused."""
    asked = counted(body, measure)
    data, model = asked.body, asked.model
    try:
        _check_output(data, model)
    except (ValueError, KeyError, TypeError) as error:
        raise _malformed(error) from None
    if asked.prompt.tokens > model.context_tokens:
        raise invalid(f"prompt is too long: {asked.prompt.tokens} tokens > {model.context_tokens} maximum")
    return asked


def counted(body: bytes, measure: Measure) -> Asked:
    """A request whose prompt is well formed: all that counting its tokens needs. Raises Refused."""
    try:
        data = json.loads(body)
        check_fields(data)
        model = model_named(str(data["model"]))
        _check_messages(data, model)
        _check_settings(data, model)
        _check_marks(data)
        asked = Asked(data, model, prompt_of(data, model, measure))
        lay(asked.prompt, model.rules)
    except PromptError as error:
        raise invalid(f"cache_control: {error}") from None
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError) as error:
        raise _malformed(error) from None
    return asked


def _malformed(error: Exception) -> Refused:
    return invalid(f"{type(error).__name__}: {error}")


def _check_messages(data: Json, model: Model) -> None:
    roles = [message["role"] for message in data["messages"]]
    if unknown := set(roles) - {"user", "assistant", "system"}:
        raise invalid(f"messages: unknown role {sorted(unknown)[0]!r}")
    if "system" in roles and not model.system_messages:
        raise invalid(f"messages: {model.name} takes no system messages")
    if roles[0] != "user":
        raise invalid("messages: first message must use the user role")
    if roles[-1] == "assistant" and not model.prefill:
        raise invalid("This model does not support assistant message prefill. "
                      "The conversation must end with a user message.")  # fmt: skip
    for place, message in enumerate(data["messages"]):
        if not message["content"]:
            raise invalid(f"messages.{place}: all messages must have non-empty content")


def _check_settings(data: Json, model: Model) -> None:
    for gone in ("temperature", "top_p", "top_k"):
        if data.get(gone) is not None:
            raise invalid(f"{gone}: is not supported by this model")
    if _forces_tool(data):
        raise invalid("tool_choice: larger models take no forced tool, and this rehearsal uses none at all")
    thinking = thinking_of(data, model)
    if thinking not in model.thinking:
        raise invalid(f"thinking.type: {thinking!r} is not supported by this model")
    output = data.get("output_config") or {}
    if output.get("effort") is not None and (model.effort is None or output["effort"] not in EFFORTS):
        raise invalid(f"output_config.effort: {output['effort']!r} is not supported by this model")
    if output.get("format"):
        check_schema(output["format"]["schema"])


def _forces_tool(data: Json) -> bool:
    """Whether the model has to use a tool."""
    return (data.get("tool_choice") or {}).get("type") in {"any", "tool"}


def _check_marks(data: Json) -> None:
    for control in [*_marks(data), data.get("cache_control") or {"type": "ephemeral"}]:
        if control.get("type") != "ephemeral":
            raise invalid("cache_control.type: must be 'ephemeral'")


def _marks(data: Json) -> list[Json]:
    parts = [*(data.get("tools") or []), *parts_of(data.get("system") or [])]
    parts += [part for message in data["messages"] for part in parts_of(message["content"])]
    return [part["cache_control"] for part in parts if part.get("cache_control")]


def _check_output(data: Json, model: Model) -> None:
    wanted: Any = data["max_tokens"]
    if isinstance(wanted, bool) or not isinstance(wanted, int) or wanted < 0:
        raise invalid("max_tokens: must be a whole number of at least 0")
    if wanted > model.output_tokens:
        raise invalid(f"max_tokens: {wanted} > {model.output_tokens}, the most that {model.name} writes")
    if wanted == 0:
        _check_warming(data)


def _check_warming(data: Json) -> None:
    """A request that writes nothing only fills the cache."""
    if data.get("stream"):
        raise invalid("max_tokens: 0 cannot be streamed")
    if not _marks(data):
        raise invalid("max_tokens: 0 needs a cache_control breakpoint")
    if (data.get("thinking") or {}).get("type") == "enabled":
        raise invalid("max_tokens: 0 cannot be combined with enabled thinking")
    if (data.get("output_config") or {}).get("format"):
        raise invalid("max_tokens: 0 cannot be combined with an output format")
