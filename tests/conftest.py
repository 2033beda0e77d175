"""No test asks a real model, whatever keys the environment of a developer has; properties draw anew at each
desk, and the same for the same code where a change is let in."""

from __future__ import annotations

import os

import hypothesis
from django.conf import settings

# How long an example takes is the machine's affair.
hypothesis.settings.register_profile("desk", deadline=None)
hypothesis.settings.register_profile("gate", deadline=None, derandomize=True)
hypothesis.settings.load_profile("gate" if os.environ.get("CI") else "desk")


def pytest_configure() -> None:
    for name in ("ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"):
        os.environ.pop(name, None)
        setattr(settings, name, "")
