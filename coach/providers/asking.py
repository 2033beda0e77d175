"""A call, as the body of a request to /v1/messages, and as the model's prefix cache sees it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import groupby
from typing import Any

from coach.engine.cache import check_marks
from coach.engine.errors import PromptError
from coach.engine.prompt import Stability
from coach.providers.catalogue import Model
from coach.providers.port import Call, Part
from coach.providers.servers import Server

Json = dict[str, Any]

JSON_ONLY = "Answer with one JSON object and nothing else. It must fit this JSON schema:\n"
NOTHING_ASKED = "."
"""What stands for a question in a request that only writes the cache."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A prompt as a cache sees it, block by block in hashed order. A fingerprint stands for a block's text
    and for the settings that empty its level of the cache when they change. `sizes` in characters; `bounds`:
    the most tokens of each, what the service adds counted with the first.
    """

    fingerprints: tuple[str, ...]
    sizes: tuple[int, ...]
    bounds: tuple[int, ...]
    marks: tuple[tuple[int, str], ...]

    @property
    def most_tokens(self) -> int:
        """All that the prompt can have."""
        return sum(self.bounds)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is sent: the body without `stream` and `diagnostics`, its shape, and whether it only warms."""

    body: Json
    shape: Shape
    warming: bool


def ask(call: Call, model: Model, server: Server, schema: Mapping[str, Any] | None = None) -> Asked:
    """The request of a call. `schema`: the JSON schema of `call.schema`.

    Raises PromptError for a prompt that no server would take: too many or unknown breakpoints, a longer
    lifetime behind a shorter one, system parts behind others, an answer already begun, nothing asked.
    """
    warming = call.max_output_tokens == 0
    parts = _parts(call, schema if not warming and not server.structured else None)
    _check(parts, model, warming=warming)
    if not server.cache_control:
        parts = [_plain(part) for part in parts]
    settings = _settings(call, model, server, None if warming else schema)
    body: Json = {
        "model": model.id,
        "max_tokens": min(call.max_output_tokens, model.output_tokens),
        "messages": _messages(parts),
        **settings,
    }
    if system := [_block(part) for part in parts if part.role == "system"]:
        body["system"] = system
    return Asked(body, _shape(parts, settings), warming)


def _parts(call: Call, schema: Mapping[str, Any] | None) -> list[Part]:
    """The parts that hold something. A server without output formats has the schema as the last of them."""
    parts = [part for part in call.parts if part.text.strip()]
    if schema is not None:
        text = JSON_ONLY + json.dumps(schema, sort_keys=True)
        parts.append(Part(name="output format", role="user", text=text, stability=Stability.FIXED))
    if call.max_output_tokens == 0 and all(part.role == "system" for part in parts):
        parts.append(Part(name="nothing", role="user", text=NOTHING_ASKED, stability=Stability.FIXED))
    return parts


def _check(parts: Sequence[Part], model: Model, *, warming: bool) -> None:
    roles = [part.role for part in parts]
    if sorted(roles, key=lambda role: role != "system") != roles:
        raise PromptError("System parts stand in front of all others.")
    if not roles or roles[-1] != "user":
        raise PromptError(
            "The last part is the user's: no model of today goes on with an answer begun for it."
        )
    marks = _marks(parts)
    check_marks(marks, len(parts), model.rules)
    if warming and not marks:
        raise PromptError("A call that only writes the cache needs a breakpoint.")


def _marks(parts: Sequence[Part]) -> tuple[tuple[int, str], ...]:
    return tuple((place, part.breakpoint) for place, part in enumerate(parts) if part.breakpoint is not None)


def _plain(part: Part) -> Part:
    return Part(name=part.name, role=part.role, text=part.text, stability=part.stability)


def _messages(parts: Sequence[Part]) -> list[Json]:
    """Parts of one role in a row are one message of several blocks."""
    spoken = [part for part in parts if part.role != "system"]
    return [
        {"role": role, "content": [_block(part) for part in run]}
        for role, run in groupby(spoken, key=lambda part: part.role)
    ]


def _block(part: Part) -> Json:
    block: Json = {"type": "text", "text": _sendable(part.text)}
    if part.breakpoint is not None:
        block["cache_control"] = {"type": "ephemeral", "ttl": part.breakpoint}
    return block


def _sendable(text: str) -> str:
    """Half a surrogate pair cannot be sent in UTF-8."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _settings(call: Call, model: Model, server: Server, schema: Mapping[str, Any] | None) -> Json:
    """Thinking, effort, format and who asks, as far as the server takes them."""
    settings: Json = {}
    output: Json = {}
    if server.thinking and model.thinking is not None:
        settings["thinking"] = dict(model.thinking)
    if server.thinking and model.effort is not None:
        output["effort"] = model.effort
    if server.structured and schema is not None:
        output["format"] = {"type": "json_schema", "schema": dict(schema)}
    if output:
        settings["output_config"] = output
    if server.metadata and call.turn:
        settings["metadata"] = {"user_id": call.turn}
    return settings


def _shape(parts: Sequence[Part], settings: Json) -> Shape:
    output = settings.get("output_config", {})
    # A format is explained in front of everything; thinking and effort count from the messages on.
    outer = json.dumps(output.get("format"), sort_keys=True)
    inner = outer + json.dumps([settings.get("thinking"), output.get("effort")], sort_keys=True)
    return Shape(
        tuple(_fingerprint(part, outer if part.role == "system" else inner) for part in parts),
        tuple(len(part.text) for part in parts),
        tuple(
            _most_tokens(part) + (0 if place else ADDED_TOKENS + len(outer))
            for place, part in enumerate(parts)
        ),
        _marks(parts),
    )


def _fingerprint(part: Part, salt: str) -> str:
    text = "\0".join((salt, part.role, part.text))
    return blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()


ADDED_TOKENS = 500
"""What a service may add to a prompt of its own: the frame of each message, how a format is explained."""

MOST_TOKENS_PER_CHARACTER = 1 / 2.5
"""Of English, by the tokenizers of 2026 (as `prompt.CHARACTERS_PER_TOKEN`, the worst reported)."""
_WORDS = re.compile(r"[A-Za-z\s]+")


def _most_tokens(part: Part) -> int:
    """Of text that is ours and English by what is reported of it. Of any other: words of two letters a token,
    and a token for each byte of the rest, for no token is shorter than that."""
    if part.stability <= Stability.SHARED and part.text.isascii():
        return int(len(part.text) * MOST_TOKENS_PER_CHARACTER) + 1
    rest = _WORDS.sub("", part.text)
    return (len(part.text) - len(rest)) // 2 + 1 + len(rest.encode("utf-8", "replace"))
