from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _cheap_passwords(settings):
    """Hashing is slow on purpose; nothing here is about how slow."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
