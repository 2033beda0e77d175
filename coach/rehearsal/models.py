"""The models that can be asked for: speed, cache rules, and what each of them refuses.

Sources: the cache rules and prices of the engine, and the provider's model pages of 2026-10. `lookup` is no
model: it stands for a tool of a stated duration (no base, nothing to read, 1,000 tokens a second).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from coach.engine.rules import CacheRules, rules_named
from coach.engine.timing import Tier
from coach.rehearsal.refusals import Refused

THINKING = ("adaptive", "between_tools", "disabled", "enabled")
EFFORTS = ("low", "medium", "high", "xhigh", "max")
LOOKUP = "lookup"
LOOKUP_TIER = Tier(
    name=LOOKUP,
    base_seconds=0.0,
    prefill_tokens_per_second=1e9,
    cache_load_tokens_per_second=1e9,
    decode_tokens_per_second=1000,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model. `tier` names its speed; `thinking` the types that it takes, the first unless asked.

    `prefill`, `system_messages`: whether a last message of the assistant's, and system messages in
    mid-conversation are taken.
    """

    name: str
    tier: str
    rules: CacheRules
    line: str | None
    thinking: tuple[str, ...] = ("adaptive", "disabled")
    effort: str | None = "high"
    context_tokens: int = 1_000_000
    output_tokens: int = 128_000
    prefill: bool = False
    system_messages: bool = False

    def told(self) -> dict[str, Any]:
        """The answer to GET /v1/models/{id}."""
        return {
            "type": "model",
            "id": self.name,
            "display_name": f"{self.name} (rehearsed, not a model)",
            "created_at": "1970-01-01T00:00:00Z",
            "line": self.line,
            "lifecycle": "active",
            "deprecated_at": None,
            "retires_at": None,
            "max_input_tokens": self.context_tokens,
            "max_tokens": self.output_tokens,
            "capabilities": self._capabilities(),
        }

    def _capabilities(self) -> dict[str, Any]:
        no = {"supported": False}
        efforts = {effort: {"supported": self.effort is not None} for effort in EFFORTS}
        types = {kind: {"supported": kind in self.thinking} for kind in THINKING}
        return {
            **dict.fromkeys(("batch", "citations", "code_execution", "image_input", "pdf_input"), no),
            "context_management": no,
            "effort": {"supported": self.effort is not None, **efforts},
            "server_tools": {**no, "web_search": no, "code_execution": no},
            "structured_outputs": {"supported": True},
            "thinking": {"supported": self.thinking != ("disabled",), "types": types},
        }


def _of_2026(name: str, tier: str, **more: Any) -> Model:
    line = name.split("-")[1]
    return Model(name=name, tier=tier, rules=rules_named(f"anthropic-2026-10-{name}"), line=line, **more)


_OLD: dict[str, Any] = {
    "rules": rules_named("anthropic-2024-08"),
    "thinking": ("disabled",),
    "effort": None,
    "prefill": True,
}
_MODELS = (
    _of_2026("claude-haiku-5-5", "small", effort="medium", system_messages=True),
    _of_2026(
        "claude-sonnet-5-5",
        "medium",
        thinking=("adaptive", "between_tools"),
        system_messages=True,
    ),
    _of_2026("claude-opus-5-5", "large", thinking=("adaptive",), system_messages=True),
    _of_2026("claude-sonnet-5", "medium"),
    _of_2026("claude-sonnet-4-6", "medium", thinking=("disabled", "adaptive", "enabled")),
    _of_2026(
        "claude-haiku-4-5",
        "small",
        thinking=("disabled", "enabled"),
        effort=None,
        context_tokens=200_000,
        output_tokens=64_000,
        prefill=True,
    ),
    Model(
        name="claude-3-5-sonnet",
        tier="medium",
        line="sonnet",
        context_tokens=200_000,
        output_tokens=8_192,
        **_OLD,
    ),
    Model(name=LOOKUP, tier=LOOKUP, line=None, **_OLD),
)
MODELS: Mapping[str, Model] = MappingProxyType({model.name: model for model in _MODELS})
"""By id."""


def model_named(name: str) -> Model:
    """Raises Refused (404)."""
    try:
        return MODELS[name]
    except KeyError:
        raise Refused(404, "not_found_error", f"model: {name}") from None
