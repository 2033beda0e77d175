"""Settings that are wrong are told plainly, before anything is sent."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks

from coach.providers.addresses import AddressRefused
from coach.providers.catalogue import TIERS
from coach.providers.installation import read_installation

CANARY = "sk-ant-canary-7f3a"
OWN = {"small": "qwen3", "medium": "qwen3"}


@pytest.fixture
def model(settings):
    """Settings as an installation with a key has them."""
    settings.ANTHROPIC_API_KEY = CANARY
    settings.ANTHROPIC_BASE_URL = ""
    settings.ALLOW_LOCAL_MODEL = False
    settings.COACH_SERVER_KIND = "anthropic"
    settings.COACH_MODELS = {"small": "", "medium": ""}
    settings.COACH_ATTEMPTS = 3
    settings.COACH_CONTEXT_TOKENS = 8192
    return settings


def told() -> list[str]:
    return [name for message in run_checks() if (name := message.id or "").startswith("coach.")]


def test_installation_with_a_key_alone_is_complete(model):
    assert told() == []
    installation = read_installation()
    assert installation.base.url == "https://api.anthropic.com"
    assert [installation.model(tier).id for tier in TIERS] == ["claude-haiku-5-5", "claude-sonnet-5-5"]


def test_installation_without_key_and_address_has_nothing_to_check(model):
    model.ANTHROPIC_API_KEY = ""
    model.COACH_SERVER_KIND = "nonsense"
    assert told() == []


def test_installation_never_shows_its_key(model):
    assert CANARY not in repr(read_installation())


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"ANTHROPIC_BASE_URL": "http://169.254.169.254"}, "coach.base"),
        ({"ANTHROPIC_BASE_URL": "http://127.0.0.1:11434"}, "coach.base"),
        ({"COACH_SERVER_KIND": "chatgpt"}, "coach.kind"),
        ({"COACH_MODELS": {"small": "claude-3", "medium": ""}}, "coach.model"),
        ({"COACH_ATTEMPTS": 0}, "coach.attempts"),
        ({"COACH_CONTEXT_TOKENS": 100}, "coach.context"),
        ({"COACH_SERVER_KIND": "ollama", "COACH_MODELS": OWN}, "coach.base"),
        ({"ANTHROPIC_API_KEY": "", "ANTHROPIC_BASE_URL": "https://gateway.example.org"}, "coach.key"),
        ({"COACH_SERVER_KIND": "ollama", "ANTHROPIC_BASE_URL": "https://models.example.org"}, "coach.model"),
    ],
)
def test_check_tells_what_is_wrong(model, changes, code):
    for name, value in changes.items():
        setattr(model, name, value)
    assert set(told()) == {code}


def test_installation_refuses_an_address_even_where_nobody_ran_the_checks(model):
    model.ANTHROPIC_BASE_URL = "http://169.254.169.254"
    with pytest.raises(AddressRefused):
        read_installation()


def test_installation_of_ones_own_server_needs_no_key(model):
    model.ANTHROPIC_API_KEY = ""
    model.ANTHROPIC_BASE_URL = "http://127.0.0.1:11434"
    model.ALLOW_LOCAL_MODEL = True
    model.COACH_SERVER_KIND = "ollama"
    model.COACH_MODELS = OWN
    assert told() == []
    assert read_installation().model("small").id == "qwen3"
