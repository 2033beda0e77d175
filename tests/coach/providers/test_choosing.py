"""Which provider the settings name."""

from __future__ import annotations

import subprocess
import sys

import pytest

from coach.providers.choosing import choose, close, prepare
from tests.coach.providers.asking import Wallet, hear, question
from tests.coach.providers.test_installation import CANARY, model

__all__ = ["model"]


def test_choose_gives_none_without_key_and_address(model):
    model.ANTHROPIC_API_KEY = ""
    assert choose() is None


def test_choose_gives_the_same_one_while_the_settings_stay(model):
    first = choose()
    assert first is not None
    assert choose() is first
    model.COACH_ATTEMPTS = 2
    assert choose() is not first


def test_choose_gives_none_and_says_why_where_the_settings_are_wrong(model, caplog):
    model.ANTHROPIC_BASE_URL = "http://169.254.169.254"
    assert choose() is None
    assert "ANTHROPIC_BASE_URL cannot be used" in caplog.text
    assert CANARY not in caplog.text


async def test_choose_reaches_the_server_of_the_settings(model, server):
    model.ANTHROPIC_API_KEY = "sk-ant-canary-4b1d9e"
    model.ANTHROPIC_BASE_URL = server.url
    model.ALLOW_LOCAL_MODEL = True
    model.COACH_SERVER_KIND = "rehearsal"
    await prepare()
    chosen = choose()
    assert chosen is not None
    assert (await hear(chosen, question(), Wallet())).end.stop == "done"
    await close()
    assert (await hear(chosen, question(), Wallet())).end.stop == "done"
    await close()


async def test_prepare_loads_nothing_where_no_model_is_wanted(model):
    model.ANTHROPIC_API_KEY = ""
    await prepare()
    assert choose() is None


@pytest.mark.parametrize("module", ["coach.providers.claude", "coach.providers.choosing", "coach.checks"])
def test_choosing_loads_the_sdk_with_the_first_call_only(module: str):
    program = f"import django; django.setup(); import sys, {module}; sys.exit('anthropic' in sys.modules)"
    environment = {"DJANGO_SETTINGS_MODULE": "coach.settings", "ANTHROPIC_API_KEY": CANARY, "PATH": ""}
    done = subprocess.run([sys.executable, "-c", program], env=environment, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr
