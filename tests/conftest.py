"""No test asks a real model, whatever keys the environment of a developer has."""

from __future__ import annotations

import os

from django.conf import settings


def pytest_configure() -> None:
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"):
        os.environ.pop(name, None)
        setattr(settings, name, "")
