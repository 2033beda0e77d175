"""Servers that speak /v1/messages, and what each of them can do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What one kind of server takes. Whatever it does not take is left out of the request.

    `cache_control`: breakpoints, and requests that only write the cache. `thinking`: the settings of thinking
    and effort. `structured`: an output format; without it the schema is explained in the prompt.
    `diagnostics`: says why less was read from the cache. `metadata`: an opaque id of who asks. `billed`: its
    models must be in the catalogue, because they cost money.
    """

    kind: str
    cache_control: bool = False
    thinking: bool = False
    structured: bool = False
    diagnostics: bool = False
    metadata: bool = False
    billed: bool = False


def _whole(kind: str) -> Server:
    return Server(
        kind=kind,
        cache_control=True,
        thinking=True,
        structured=True,
        diagnostics=True,
        metadata=True,
        billed=True,
    )


SERVERS: Mapping[str, Server] = MappingProxyType(
    {
        server.kind: server
        for server in (
            _whole("anthropic"),
            _whole("rehearsal"),
            Server(kind="ollama"),
            Server(kind="llama-cpp"),
            Server(kind="vllm"),
            Server(kind="lm-studio"),
        )
    }
)
"""By the name that COACH_SERVER_KIND takes."""
