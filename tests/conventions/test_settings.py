"""Production refuses to start half configured."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.conventions.deploy_check import production_environment


def load_settings(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "import coach.settings"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_settings_complete_production_environment_loads():
    assert load_settings(production_environment()).returncode == 0


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SECRET_KEY", None, "SECRET_KEY must be your own"),
        ("SECRET_KEY", "short", "SECRET_KEY must be your own"),
        ("DEBUG", "1", "DEBUG must be off"),
        ("ALLOWED_HOSTS", None, "ALLOWED_HOSTS must name"),
        ("ALLOWED_HOSTS", "*", "ALLOWED_HOSTS must name"),
        ("ALLOWED_ORIGINS", None, "ALLOWED_ORIGINS must name"),
        ("DEBUG", "perhaps", "DEBUG must be one of"),
    ],
)
def test_settings_incomplete_production_environment_is_refused(name: str, value: str | None, said: str):
    environment = production_environment()
    environment.pop(name)
    if value is not None:
        environment[name] = value
    result = load_settings(environment)
    assert result.returncode != 0
    assert said in result.stderr


def test_settings_development_needs_no_environment():
    bare = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    assert load_settings(bare).returncode == 0
