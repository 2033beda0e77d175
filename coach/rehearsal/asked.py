"""A request as the provider understands it: the model, the prompt in hashed order, the limits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from coach.engine.prompt import Block, Prompt, Stability
from coach.rehearsal.measures import Measure
from coach.rehearsal.models import Model

Json = dict[str, Any]
LEVELS = ("tools", "system", "messages")
"""The hashed order."""


@dataclass(frozen=True, slots=True)
class Asked:
    """`body` is the request as it came; `prompt` has one block per tool, text or other content block."""

    body: Json
    model: Model
    prompt: Prompt

    @property
    def stream(self) -> bool:
        return bool(self.body.get("stream", False))

    @property
    def max_tokens(self) -> int:
        return int(self.body["max_tokens"])

    @property
    def user_id(self) -> str:
        """What the caller names itself in `metadata`, or ""."""
        return str((self.body.get("metadata") or {}).get("user_id") or "")

    @property
    def schema(self) -> Json | None:
        """The JSON schema that the answer is to keep to, if any."""
        wanted = (self.body.get("output_config") or {}).get("format")
        return wanted["schema"] if wanted else None

    @property
    def thinking(self) -> str:
        """The type of thinking that applies."""
        return thinking_of(self.body, self.model)

    @property
    def last_text(self) -> str:
        """All text of the last message."""
        content = self.body["messages"][-1]["content"]
        if isinstance(content, str):
            return content
        return "\n".join(str(part["text"]) for part in content if "text" in part)


def thinking_of(body: Json, model: Model) -> str:
    """The type that is asked for, or the model's own."""
    return str((body.get("thinking") or {}).get("type", model.thinking[0]))


def prompt_of(body: Json, model: Model, measure: Measure) -> Prompt:
    """Tools, then system, then messages; what a change of settings kills is part of the fingerprints."""
    pieces = _pieces(body, model)
    if body.get("cache_control"):
        level, salt, last = pieces[-1]
        pieces[-1] = (level, salt, {**last, "cache_control": body["cache_control"]})
    return Prompt(
        tuple(
            _block(f"{level} {place}", salt, piece, measure)
            for place, (level, salt, piece) in enumerate(pieces)
        )
    )


def _pieces(body: Json, model: Model) -> list[tuple[str, str, Json]]:
    """(level, what else its fingerprint holds, content block)."""
    # A format is explained to the model in the system prompt, so another one ends the prefix there.
    system = json.dumps((body.get("output_config") or {}).get("format"), sort_keys=True)
    salts = {"tools": "", "system": system, "messages": system + _settings(body, model)}
    return [(level, salts[level] + role, piece) for level, role, piece in _parts(body)]


def _parts(body: Json) -> Iterator[tuple[str, str, Json]]:
    """(level, role, content block) in hashed order."""
    for tool in body.get("tools") or []:
        yield "tools", "", tool
    for part in parts_of(body.get("system") or []):
        yield "system", "", part
    for message in body["messages"]:
        for part in parts_of(message["content"]):
            yield "messages", str(message["role"]), part


def bare_pieces(body: Json) -> Iterator[tuple[str, str]]:
    """(level, role and content block without its breakpoint) in hashed order."""
    for level, role, part in _parts(body):
        yield level, json.dumps([role, _bare(part)], sort_keys=True)


def _settings(body: Json, model: Model) -> str:
    """What kills the messages level when it changes."""
    thinking = body.get("thinking") or {"type": model.thinking[0]}
    effort = (body.get("output_config") or {}).get("effort") or model.effort
    images = any(part.get("type") == "image" for m in body["messages"] for part in parts_of(m["content"]))
    return json.dumps([thinking, effort, body.get("tool_choice"), images], sort_keys=True)


def parts_of(content: Any) -> list[Json]:
    """A string is short for one text block."""
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _block(name: str, salt: str, piece: Json, measure: Measure) -> Block:
    bare = _bare(piece)
    exact = json.dumps([salt, bare], sort_keys=True)
    text = str(piece["text"]) if piece.get("type") == "text" else json.dumps(bare)
    control = piece.get("cache_control")
    return Block(
        name=name,
        tokens=measure.count(text),
        stability=Stability.CALL,
        fingerprint=blake2b(exact.encode(), digest_size=16).hexdigest(),
        breakpoint=str(control.get("ttl", "5m")) if control else None,
    )


def _bare(piece: Json) -> Json:
    return {key: value for key, value in piece.items() if key != "cache_control"}
