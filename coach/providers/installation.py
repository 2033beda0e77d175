"""What this installation says about its model: settings read once, checked, and told plainly where wrong."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.conf import settings

from coach.providers.addresses import AddressRefused, Base, read_base
from coach.providers.catalogue import MODELS, TIERS, Model, Tier, default_model, own_model
from coach.providers.servers import SERVERS, Server

ANTHROPIC = "https://api.anthropic.com"
MOST_ATTEMPTS = 10
LEAST_CONTEXT_TOKENS = 4096


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with the settings: a stable code, a sentence, what to do."""

    code: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """Where the model is and how it is asked. `attempts`: the most requests that one call may take."""

    key: str = field(repr=False)
    base: Base
    allow_local: bool
    server: Server
    small: Model
    medium: Model
    attempts: int

    def model(self, tier: Tier) -> Model:
        """The model of a tier."""
        return {"small": self.small, "medium": self.medium}[tier]


def wanted() -> bool:
    """Whether a model is to be asked at all: there is a key or a base URL."""
    return bool(settings.ANTHROPIC_API_KEY or settings.ANTHROPIC_BASE_URL)


def read_installation() -> Installation:
    """The settings as they are now. Raises AddressRefused or KeyError where `problems` tells of one."""
    server = SERVERS[settings.COACH_SERVER_KIND]
    models = {tier: _model(tier, server) for tier in TIERS}
    return Installation(
        key=settings.ANTHROPIC_API_KEY,
        base=read_base(settings.ANTHROPIC_BASE_URL or ANTHROPIC, allow_local=settings.ALLOW_LOCAL_MODEL),
        allow_local=settings.ALLOW_LOCAL_MODEL,
        server=server,
        attempts=settings.COACH_ATTEMPTS,
        **models,
    )


def _model(tier: Tier, server: Server) -> Model:
    name = settings.COACH_MODELS[tier] or default_model(tier)
    return MODELS[name] if server.billed else own_model(name, tier, settings.COACH_CONTEXT_TOKENS)


def problems() -> Iterator[Problem]:
    """All that is wrong with the settings, for who set them. Nothing is wrong where no model is wanted."""
    if not wanted():
        return
    yield from _address_problems()
    server = SERVERS.get(settings.COACH_SERVER_KIND)
    if server is None:
        known = ", ".join(SERVERS)
        yield Problem(
            "kind", f"COACH_SERVER_KIND is “{settings.COACH_SERVER_KIND}”.", f"It is one of {known}."
        )
        return
    yield from _server_problems(server)
    for tier in TIERS:
        yield from _model_problems(server, f"COACH_MODEL_{tier.upper()}", settings.COACH_MODELS[tier])
    if settings.COACH_CONTEXT_TOKENS < LEAST_CONTEXT_TOKENS:
        said = f"COACH_CONTEXT_TOKENS is {settings.COACH_CONTEXT_TOKENS}."
        yield Problem("context", said, f"The coach's own instructions need {LEAST_CONTEXT_TOKENS} or more.")
    if not 1 <= settings.COACH_ATTEMPTS <= MOST_ATTEMPTS:
        said = f"COACH_ATTEMPTS is {settings.COACH_ATTEMPTS}."
        yield Problem("attempts", said, f"It lies between 1 and {MOST_ATTEMPTS}; 3 unless told.")


def _address_problems() -> Iterator[Problem]:
    try:
        read_base(settings.ANTHROPIC_BASE_URL or ANTHROPIC, allow_local=settings.ALLOW_LOCAL_MODEL)
    except AddressRefused as refused:
        said = f"ANTHROPIC_BASE_URL cannot be used: {refused}."
        yield Problem("base", said, "Nothing is sent there until this is right.")


def _server_problems(server: Server) -> Iterator[Problem]:
    if server.kind == "anthropic" and not settings.ANTHROPIC_API_KEY:
        said = "ANTHROPIC_BASE_URL is set, and there is no key."
        yield Problem("key", said, "Set ANTHROPIC_API_KEY, or COACH_SERVER_KIND for a server of your own.")
    if server.kind != "anthropic" and not settings.ANTHROPIC_BASE_URL:
        said = f"COACH_SERVER_KIND is “{server.kind}”, and nothing says where that server is."
        yield Problem("base", said, "Set ANTHROPIC_BASE_URL, such as http://127.0.0.1:11434.")


def _model_problems(server: Server, setting: str, name: str) -> Iterator[Problem]:
    if server.billed and name and name not in MODELS:
        said = f"{setting} is “{name}”, whose price is not known: no budget could hold it."
        yield Problem("model", said, f"Known are {', '.join(MODELS)}.")
    if not server.billed and not name:
        said = f"{setting} is not set."
        yield Problem("model", said, f"Name the model that {server.kind} runs; both may be the same.")
