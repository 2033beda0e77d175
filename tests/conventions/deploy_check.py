"""`manage.py check --deploy` under production settings: any warning fails.

`python -m tests.conventions.deploy_check` (part of `make check`).
"""

from __future__ import annotations

import os
import secrets
import subprocess
import sys


def production_environment() -> dict[str, str]:
    return os.environ | {
        "CRITICAL_PATH_ENV": "production",
        "SECRET_KEY": secrets.token_urlsafe(64),
        "ALLOWED_HOSTS": "learn.example.org",
        "ALLOWED_ORIGINS": "https://learn.example.org",
        "DEBUG": "0",
    }


if __name__ == "__main__":
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    sys.exit(subprocess.run(command, env=production_environment(), check=False).returncode)
